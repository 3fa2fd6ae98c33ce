//! Whom an alert wakes finds a section for it.

use crate::page::{read, Page};
use serde_json::Value;

const PAGE: &str = "docs/operations.md";

/// `TollgateVmFailed` as `tollgate-vm-failed`.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase());
    }
    kebab
}

#[test]
fn every_alert_has_its_section_and_no_section_is_left_over() {
    let rules: Value = serde_norway::from_str(&read("envoy/prometheus/alerts.yaml")).unwrap();
    let groups = rules["groups"].as_array().expect("groups");
    let alerts = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().expect("rules"));
    let mut expected = Vec::new();
    for alert in alerts {
        let name = kebab(alert["alert"].as_str().expect("a name"));
        assert_eq!(
            alert["annotations"]["runbook_url"],
            format!("{PAGE}#{name}")
        );
        expected.push(name);
    }
    assert!(!expected.is_empty());
    // In the rules' order, so that both are read side by side.
    let sections = Page::read(PAGE).anchors;
    let sections: Vec<_> = sections
        .into_iter()
        .filter(|anchor| anchor.starts_with("tollgate-"))
        .collect();
    assert_eq!(sections, expected);
}
