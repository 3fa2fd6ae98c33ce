//! A Prometheus that looks at the gateway, with what the shipped files ask it.

use super::dashboard::{Dashboard, Expected};
use super::gateway::Gateway;
use super::{metrics, read};
use crate::harness::{eventually, Prometheus};
use std::collections::BTreeMap;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(90);

/// One gateway for all, since that takes seconds.
#[test]
fn every_query_that_is_shipped_has_an_answer() {
    let gateway = Gateway::start();
    let prometheus = Prometheus::of(&gateway.envoy);
    let dashboard = Dashboard::shipped();

    let queries = dashboard.queries();
    assert!(queries.len() > 25, "only {} queries", queries.len());
    let all = queries.iter().map(|query| (&query.expression, query));
    let mut waiting: BTreeMap<_, _> = all.collect();
    let answered = eventually(PATIENCE, || {
        gateway.traffic();
        std::thread::sleep(Duration::from_millis(500));
        waiting.retain(|expression, query| {
            let samples = prometheus.query(expression);
            let values = samples.iter().map(|sample| sample.value);
            !match query.expected {
                Expected::Something => values.clone().any(|value| value > 0.0),
                Expected::Zero => values.clone().any(|value| value == 0.0),
            }
        });
        waiting.is_empty().then_some(())
    });
    assert!(
        answered.is_some(),
        "without an answer: {:#?}",
        waiting.keys()
    );
    for query in queries
        .iter()
        .filter(|query| query.expected == Expected::Zero)
    {
        let samples = prometheus.query(&query.expression);
        assert!(
            samples.iter().all(|sample| sample.value == 0.0),
            "{}",
            query.expression
        );
    }

    for (name, expression, label) in dashboard.variables() {
        let samples = prometheus.query(&format!("group by ({label}) ({expression})"));
        let all = samples
            .iter()
            .all(|sample| sample.labels[&label].is_string());
        assert!(!samples.is_empty() && all, "{name}");
    }

    // Envoy's own buckets have none between 500 and 1000 µs.
    let bucket = r#"tollgate_redis_latency_us_bucket{le="750"}"#;
    assert!(!prometheus.query(bucket).is_empty(), "{bucket}");

    // A name with a slip in it would leave an alert silent for ever.
    for file in ["alerts.yaml", "alerts_test.yaml", "prometheus.yaml"] {
        for metric in metrics(&read(&format!("envoy/prometheus/{file}"))) {
            if metric.ends_with('_') {
                continue;
            }
            assert!(!prometheus.query(&metric).is_empty(), "{file}: {metric}");
        }
    }
    let rules = prometheus.api("rules");
    let rules = rules["groups"][0]["rules"].as_array().expect("rules");
    let alerts = read("envoy/prometheus/alerts.yaml");
    assert_eq!(rules.len(), alerts.matches("- alert: ").count());
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule:#}");
    }
    gateway.envoy.assert_vm_lives();
}
