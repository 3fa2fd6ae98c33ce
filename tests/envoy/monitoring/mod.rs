//! What an operator sees of a real Envoy: counters and their page, alerts, dashboard, access log.

mod access_log;
mod alerts;
mod dashboard;
mod gateway;
mod live;
mod page;
mod shipped;

use crate::harness::root;

/// A file of the repository.
fn read(file: &str) -> String {
    let text = std::fs::read_to_string(root().join(file));
    text.unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The names of metrics, and not of labels, in a text.
fn metrics(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let mut names: Vec<String> = words
        .filter(|word| is_metric(word))
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn is_metric(word: &str) -> bool {
    const LABELS: [&str; 5] = [
        "tollgate_limit",
        "tollgate_plan",
        "envoy_response_code",
        "envoy_response_code_class",
        "envoy_http_conn_manager_prefix",
    ];
    let is_ours = word.starts_with("tollgate_") || word.starts_with("envoy_");
    is_ours && !LABELS.contains(&word) && word != "envoy_cluster_name"
}
