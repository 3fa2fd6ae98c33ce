//! A configuration that is wrong: Envoy does not start, and its log says why.

use crate::harness::{validate, Envoy, EnvoyOptions};

/// Five errors at five places.
const BROKEN: &str = r#"{
  "client_from": [{"header": "x-api-key", "stripp": "Bearer "}],
  "limits": {
    "rpm": {"rate": "15/m", "burst": 0},
    "fast": {"rate": "fast"},
    "weekly": {"quota": 1000, "per": "week", "unit": "token"}
  },
  "routes": [{"match": {}, "limits": ["rpm", "nolimit"]}]
}"#;

/// What must stand in the log, each from one line of the above.
const REASONS: &[&str] = &[
    "client_from[0]",
    "stripp",
    "limits.rpm.burst: expected a whole number of at least 1, found 0",
    "limits.fast.rate: expected",
    "limits.weekly.unit: expected \"requests\", \"tokens\", \"input_tokens\" or \"output_tokens\", found \"token\"",
    "routes[0].limits[1]: expected",
    "nolimit",
];

fn options(config: Option<&str>) -> EnvoyOptions {
    EnvoyOptions {
        config: config.map(str::to_owned),
        concurrency: 1,
        ..EnvoyOptions::default()
    }
}

#[test]
fn every_reason_is_in_the_log_and_envoy_does_not_start() {
    let Err(log) = Envoy::try_start(options(Some(BROKEN))) else {
        panic!("Envoy runs with a broken configuration");
    };
    assert_all(&log);
    let (agreed, log) = validate(&options(Some(BROKEN)));
    assert!(!agreed, "--mode validate agrees with it");
    assert_all(&log);
}

#[test]
fn what_is_no_json_is_refused_too() {
    for config in ["{", "[]", r#""rpm""#, r#"{"limits": null}"#] {
        let (agreed, log) = validate(&options(Some(config)));
        assert!(!agreed, "{config} is taken\n{log}");
        assert!(log.contains("expected"), "no reason for {config} in\n{log}");
        assert!(!log.contains("panicked"), "{log}");
    }
}

#[test]
fn the_shipped_one_is_valid() {
    let (agreed, log) = validate(&options(None));
    assert!(agreed, "{log}");
}

fn assert_all(log: &str) {
    let missing: Vec<_> = REASONS
        .iter()
        .filter(|reason| !log.contains(**reason))
        .collect();
    assert!(missing.is_empty(), "{missing:?} not in\n{log}");
    assert!(!log.contains("panicked"), "{log}");
}
