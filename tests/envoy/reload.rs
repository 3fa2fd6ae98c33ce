//! A new configuration over LDS: what was spent stays spent, and a broken one changes nothing.

use crate::harness::{direct_response, eventually, Answer, Client, Envoy, EnvoyOptions};
use std::time::Duration;

/// Slow to refill: one in 14 minutes at least.
fn config(limit: &str) -> String {
    format!(r#"{{"client_from": [{{"header": "x-api-key"}}], "limits": {{"bulk": {limit}}}}}"#)
}

fn ask(envoy: &Envoy, key: &str) -> Answer {
    // A connection of its own: those of before may belong to the listener of before.
    Client::new(envoy.address()).get("/", &[("x-api-key", key)])
}

fn remaining(answer: &Answer) -> u64 {
    let item = answer.header("ratelimit").expect("a RateLimit header");
    let rest = item.split_once(";r=").expect("r").1;
    rest.split(';').next().unwrap().parse().expect("a number")
}

/// An update is taken before the last worker has it: asks as others until all answers show it.
fn applied(envoy: &Envoy, quota: &str) {
    let mut others = 0;
    let shown = eventually(Duration::from_secs(20), || {
        let all = (0..8).all(|_| {
            others += 1;
            let answer = ask(envoy, &format!("other-{quota}-{others}"));
            answer
                .header("ratelimit-policy")
                .is_some_and(|policy| policy.contains(quota))
        });
        all.then_some(())
    });
    assert!(shown.is_some(), "{quota} never shows\n{}", envoy.log());
}

#[test]
fn an_update_keeps_what_was_spent_and_a_broken_one_changes_nothing() {
    let mut envoy = Envoy::start(EnvoyOptions {
        config: Some(config(r#"{"rate": "100/d"}"#)),
        edits: vec![direct_response()],
        lds: true,
        ..EnvoyOptions::default()
    });
    for _ in 0..100 {
        assert_eq!(ask(&envoy, "alice").status, 200);
    }
    assert_eq!(ask(&envoy, "alice").status, 429);

    // A higher burst is felt at once, less what was spent, less this request.
    assert!(
        envoy.update(&config(r#"{"rate": "100/d", "burst": 10000}"#)),
        "{}",
        envoy.log()
    );
    applied(&envoy, "q=10000");
    assert_eq!(remaining(&ask(&envoy, "alice")), 9899);

    // A broken one is refused as a whole, with every reason in the log.
    assert!(!envoy.update(&config(r#"{"rate": "never", "burst": 0, "surprise": 1}"#)));
    for reason in [
        "limits.bulk.rate",
        "limits.bulk.burst: expected a whole number of at least 1, found 0",
        "surprise",
        "Unable to create Wasm plugin tollgate",
    ] {
        assert!(
            envoy.log().contains(reason),
            "no {reason:?} in\n{}",
            envoy.log()
        );
    }
    assert_eq!(
        remaining(&ask(&envoy, "alice")),
        9898,
        "the old one goes on"
    );

    // Another rate counts the same units: 102 of 200.
    assert!(
        envoy.update(&config(r#"{"rate": "200/d"}"#)),
        "{}",
        envoy.log()
    );
    applied(&envoy, "q=200");
    assert_eq!(remaining(&ask(&envoy, "alice")), 97);

    // A smaller burst than what was spent: nothing left, but no debt either.
    assert!(
        envoy.update(&config(r#"{"rate": "43200/d", "burst": 2}"#)),
        "{}",
        envoy.log()
    );
    applied(&envoy, "q=2;");
    let refused = ask(&envoy, "alice");
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (429, Some("2"))
    );
    envoy.assert_vm_lives();
}
