//! The shipped alerts: in promtool's tests, and each with what somebody is to do.

use super::read;
use crate::harness::root;
use std::process::Command;

#[test]
fn promtool_agrees() {
    for (command, file, said) in [
        (
            ["check", "config"],
            "prometheus.yaml",
            "is valid prometheus config",
        ),
        (["check", "rules"], "alerts.yaml", "rules found"),
        (["test", "rules"], "alerts_test.yaml", "SUCCESS"),
    ] {
        let mut promtool = Command::new("promtool");
        promtool
            .args(command)
            .arg(file)
            .current_dir(root().join("envoy/prometheus"));
        let output = promtool
            .output()
            .expect("promtool (package prometheus): make setup");
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && out.contains(said), "{output:?}");
    }
}

/// The blocks of the file, each with its alert's name.
fn alerts(file: &str) -> Vec<(&str, &str)> {
    let blocks = file.split("- alert: ").skip(1);
    blocks
        .map(|block| (block.lines().next().expect("a name"), block))
        .collect()
}

#[test]
fn each_alert_is_tested_and_says_what_to_do() {
    let (file, tests) = (
        read("envoy/prometheus/alerts.yaml"),
        read("envoy/prometheus/alerts_test.yaml"),
    );
    let alerts = alerts(&file);
    assert!(alerts.len() >= 10, "{}", alerts.len());
    for (name, block) in alerts {
        for part in ["severity: ", "summary: ", "description: ", "runbook: "] {
            assert_eq!(block.matches(part).count(), 1, "{name}: {part}");
        }
        let page = format!("runbook_url: docs/operations.md#{}\n", kebab(name));
        assert!(block.contains(&page), "{name} wants {page}");
        assert!(
            tests.contains(&format!("alertname=\"{name}\"")),
            "{name} has no test"
        );
    }
}

/// `TollgateVmFailed`: `tollgate-vm-failed`.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(c.to_ascii_lowercase());
    }
    kebab
}
