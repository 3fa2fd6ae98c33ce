//! The files that users copy agree with envoy/stats_tags.yaml.

use super::read;
use crate::harness::root;
use std::fs;

/// The lines under `stats_config:`, comments apart, as (tags, buckets).
fn stats_config(yaml: &str) -> (String, String) {
    let (_, rest) = yaml.split_once("stats_config:\n").expect("stats_config");
    let lines = rest.lines().take_while(|line| line.starts_with(' '));
    let lines = lines.filter(|line| !line.trim_start().starts_with('#'));
    let lines: Vec<&str> = lines.collect();
    let text = lines.join("\n");
    let (tags, buckets) = text
        .split_once("\n  histogram_bucket_settings:")
        .unwrap_or((&text, ""));
    assert!(tags.starts_with("  stats_tags:\n"), "{tags}");
    (tags.to_owned(), buckets.to_owned())
}

/// One truth: whoever starts from any of them has the labels of the alerts and the dashboard.
#[test]
fn every_file_with_the_filter_has_the_same_tags_and_buckets() {
    let (tags, buckets) = stats_config(&read("envoy/stats_tags.yaml"));
    assert!(tags.matches("tag_name").count() == 3 && buckets.contains("latency_us"));
    let mut count = 0;
    for folder in ["envoy", "envoy/examples"] {
        for entry in fs::read_dir(root().join(folder)).expect(folder) {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            let yaml = fs::read_to_string(&path).expect("a file");
            if !yaml.contains("filters.http.wasm.v3.Wasm") {
                continue;
            }
            count += 1;
            let (its_tags, its_buckets) = stats_config(&yaml);
            assert_eq!(its_tags, tags, "{}", path.display());
            // Those that never ask Redis do without.
            if yaml.contains("\"redis\": {") || !its_buckets.is_empty() {
                assert_eq!(its_buckets, buckets, "{}", path.display());
            }
        }
    }
    assert!(count >= 9, "{count}");
}
