//! shadow-rollout.yaml: the new limit counts, and nobody but the operator sees it.

use super::{spend, start, try_it, violated};
use crate::harness::{Client, ModelApi};
use std::time::{Duration, Instant};

const FILE: &str = "envoy/examples/shadow-rollout.yaml";

#[test]
fn the_new_limit_denies_nobody_and_its_counters_say_what_it_would() {
    let api = ModelApi::start();
    let envoy = start(FILE, api.port());
    let tried = try_it(FILE, &envoy);
    let sample = r#"tollgate_limit_allowed{tollgate_limit="rpm-next"} 1"#;
    assert!(tried.contains(sample), "{tried}");

    let client = Client::new(envoy.address());
    let ask = || client.get("/v1/models", &[("x-api-key", "bob")]);
    let begun = Instant::now();
    let mut answers = Vec::new();
    let refused = spend(20, Duration::from_secs(1), begun, || {
        let answer = ask();
        answers.push(answer.clone());
        answer
    });
    // As it was before: in the headers, too.
    assert_eq!(violated(&refused), ["rpm"]);
    for answer in &answers {
        let names = ["ratelimit-policy", "ratelimit"].map(|name| answer.header(name).unwrap());
        assert!(
            names.iter().all(|value| value.starts_with(r#""rpm";"#)),
            "{names:?}"
        );
    }

    let count = |what: &str| envoy.counter(&format!("limit.{what}")) as usize;
    let asked = answers.len();
    assert_eq!(count("rpm.denied"), 1);
    assert_eq!(count("rpm-next.denied"), 0);
    // Each request of either client, those too that another limit has denied.
    let would = count("rpm-next.shadow_denied");
    assert_eq!(count("rpm-next.allowed") + would, 1 + asked);
    let back = usize::try_from(begun.elapsed().as_secs()).unwrap() / 2 + 1;
    assert!(
        (asked - 5 - back..=asked - 5).contains(&would),
        "{would} of {asked}"
    );

    let log = envoy.access_log(1 + asked);
    let marked = " 200 details=via_upstream address=127.0.0.1 tollgate=shadow:rpm-next ";
    let refusals = log.matches(" 429 details=tollgate_rpm address=127.0.0.1 tollgate=denied:rpm ");
    assert_eq!(refusals.count(), 1, "{log}");
    let marked = log.matches(marked).count();
    assert!(
        (would - 1..=would).contains(&marked),
        "{marked} of {would}\n{log}"
    );
    let page = envoy.admin("/stats/prometheus");
    let sample = format!(r#"tollgate_limit_shadow_denied{{tollgate_limit="rpm-next"}} {would}"#);
    assert!(
        page.lines().any(|line| line == sample),
        "no {sample} in the page"
    );
    envoy.assert_vm_lives();
}
