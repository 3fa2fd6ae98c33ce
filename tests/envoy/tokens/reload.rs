//! A configuration that changes while streams run: what was reserved under the old one is
//! settled nevertheless.

use super::*;

const STRICT: &str =
    r#""tpm": {"rate": "2/h", "burst": 100000, "unit": "tokens", "scope": "cluster"}"#;
const LEASE: &str = r#""tpm": {"rate": "2/h", "burst": 100000, "unit": "tokens", "scope": "cluster", "consistency": "lease"}"#;

/// A stream that has begun, and a listener that was replaced since; `drain` as long as it
/// may go on, in seconds. `is_ended`: by its upstream, with its usage.
fn replaced(limit: &str, drain: u32, is_ended: bool) -> (Clustered, u64) {
    let mut cluster = Clustered::replaceable(limit, drain);
    let exchange = cluster
        .play
        .send(&post(CHAT, "alice", asking(600).as_bytes()));
    let mut upstream = cluster.play.upstream.accept();
    upstream.request();
    upstream.begin(200, EVENTS);
    upstream.chunk(delta("A").repeat(1_000).as_bytes());
    let new = cluster.config.replace(
        "\"burst\": 100000",
        "\"burst\": 100000, \"mode\": \"enforce\"",
    );
    assert_ne!(new, cluster.config);
    assert!(
        cluster.play.envoy.update(&new),
        "{}",
        cluster.play.envoy.log()
    );
    if !is_ended {
        upstream.until_closed();
        drop(exchange);
        return (cluster, input(&asking(600)) + 1_000);
    }
    let last = format!("data: {}\n\ndata: [DONE]\n\n", usage(7, 20));
    upstream.chunk(last.as_bytes());
    upstream.end();
    let mut exchange = exchange;
    assert!(exchange.until_end(), "no end of the stream");
    (cluster, 27)
}

#[test]
fn a_stream_that_ends_after_the_change_is_settled() {
    for limit in [TPM, STRICT, LEASE] {
        let (cluster, used) = replaced(limit, 60, true);
        cluster.play.spent("alice", used);
        cluster.play.envoy.assert_vm_lives();
    }
}

#[test]
fn a_stream_that_the_change_ends_is_settled() {
    for limit in [TPM, STRICT, LEASE] {
        let (cluster, used) = replaced(limit, 1, false);
        cluster.play.spent("alice", used);
        cluster.play.envoy.assert_vm_lives();
    }
}

/// A plan is laid over the budget, and a client that changes plans keeps what it has spent.
#[test]
fn plans_have_budgets_of_their_own() {
    let plans = r#", "plans": {"small": {"tpm": {"rate": "1/d", "burst": 600}}, "open": {"tpm": "unlimited"}, "none": {"tpm": "blocked"}},
  "clients": {"alice": {"plan": "small"}, "bob": {"plan": "open"}, "carol": {"plan": "none"}}"#;
    let play = Play::start(TPM, plans, false);
    let ask = |key: &str| {
        let exchange = play.send(&post(CHAT, key, b"{}"));
        let answered = eventually(PATIENCE, || match play.upstream.accepted() {
            Some(mut upstream) => {
                upstream.request();
                let close = "application/json\r\nconnection: close";
                upstream.answer(200, close, usage(100, 20).as_bytes());
                Some(())
            }
            None => exchange.has_unread_now().then_some(()),
        });
        assert!(answered.is_some(), "neither passed nor refused");
        exchange.answer().expect("an answer").status
    };
    assert_eq!(ask("alice"), 200);
    assert_eq!(ask("alice"), 429);
    assert_eq!(ask("bob"), 200);
    assert_eq!(ask("carol"), 429);
    assert_eq!(ask("dave"), 200);
    play.spent("dave", 120);
    assert_eq!(left(&play.envoy, "alice", "tpm"), 480);
    play.envoy.assert_vm_lives();
}
