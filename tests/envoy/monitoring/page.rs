//! docs/metrics.md has every counter, and none that there is not.

use super::gateway::Gateway;
use super::{metrics, read};

/// `| name | metric | kind | labels | meaning | what to do |`
struct Row {
    /// In Envoy.
    name: String,
    /// In Prometheus, with its kind and labels.
    metric: String,
    kind: String,
    labels: Vec<String>,
}

const PAGE: &str = "docs/metrics.md";

/// The page's rows about metrics whose name in Envoy begins so, by their names.
fn rows(prefix: &str) -> Vec<Row> {
    let start = format!("| `{prefix}");
    let page = read(PAGE);
    let lines = page.lines().filter(|line| line.starts_with(&start));
    let mut rows: Vec<Row> = lines.map(Row::of).collect();
    rows.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    rows
}

#[test]
fn the_page_is_what_an_envoy_exposes() {
    let gateway = Gateway::start();
    gateway.traffic();
    let stats = gateway.envoy.admin("/stats");
    let samples = gateway.envoy.admin("/stats/prometheus");

    let names = stats.lines().filter_map(|line| line.split_once(": "));
    let ours = names.filter_map(|(name, _)| name.strip_prefix("wasmcustom."));
    let mut exposed: Vec<String> = ours.map(general).collect();
    exposed.sort_unstable();
    exposed.dedup();
    let ours = rows("tollgate.");
    let written: Vec<&String> = ours.iter().map(|row| &row.name).collect();
    assert_eq!(written, exposed.iter().collect::<Vec<_>>());

    let envoys = rows("wasm.");
    for row in &envoys {
        let name = row.name.replace("<plugin>", "tollgate");
        assert!(stats.contains(&format!("\n{name}: ")), "{name}");
    }
    for row in ours.iter().chain(&envoys) {
        row.assert_exposed(&samples);
    }
    // Those in the text too. Behind it, the access log's values look like names.
    let page = read(PAGE);
    let (text, _) = page.split_once("\n## Access log\n").expect("the log");
    for metric in metrics(text) {
        let is_there = samples.contains(&format!("\n{metric}{{"))
            || samples.contains(&format!("# TYPE {metric} "));
        assert!(is_there, "{metric}");
    }
    gateway.envoy.assert_vm_lives();
}

/// `tollgate.limit.rpm.denied`: `tollgate.limit.<limit>.denied`.
fn general(name: &str) -> String {
    match *name.split('.').collect::<Vec<_>>() {
        [ours, kind @ ("limit" | "plan"), _, what] => format!("{ours}.{kind}.<{kind}>.{what}"),
        _ => name.to_owned(),
    }
}

// === impl Row ===

impl Row {
    fn of(line: &str) -> Self {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", name, metric, kind, labels, meaning, to_do, ""] = *cells else {
            panic!("not six cells: {line}");
        };
        assert!(!meaning.is_empty() && !to_do.is_empty(), "{line}");
        let plain = |cell: &str| cell.replace('`', "");
        let labels = plain(labels);
        let labels = labels.split(", ").filter(|label| *label != "none");
        Self {
            name: plain(name),
            metric: plain(metric),
            kind: plain(kind),
            labels: labels.map(str::to_owned).collect(),
        }
    }

    /// Under its name, as its kind and with its labels alone.
    fn assert_exposed(&self, samples: &str) {
        let Self { metric, kind, .. } = self;
        let head = format!("# TYPE {metric} {kind}");
        assert!(samples.lines().any(|line| line == head), "no {head}");
        let suffix = if kind == "histogram" { "_sum" } else { "" };
        let start = format!("{metric}{suffix}{{");
        let sample = samples.lines().find_map(|line| line.strip_prefix(&start));
        let labels = sample.and_then(|sample| sample.split_once('}'));
        let (labels, _) = labels.unwrap_or_else(|| panic!("no {start}"));
        let labels = labels.split(',').filter_map(|label| label.split_once('='));
        let labels: Vec<&str> = labels.map(|(label, _)| label).collect();
        assert_eq!(labels, self.labels, "the labels of {metric}");
    }
}
