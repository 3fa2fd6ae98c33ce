//! gpu-guard.yaml: four at once reach the server, two of one client.

use super::{start, try_it, violated};
use crate::harness::{eventually, Answer, Client, Envoy, Exchange, Upstream};
use std::time::Duration;

const FILE: &str = "envoy/examples/gpu-guard.yaml";
/// What the upstream keeps until it is told.
const SLOW: &str = "/later/answer";
const PATIENCE: Duration = Duration::from_secs(30);

/// Requests that are at work, once the server has them all.
fn begin(keys: &[&str], envoy: &Envoy, server: &Upstream) -> Vec<Exchange> {
    let before = server.waiting();
    let begin = |key: &&str| {
        let head = format!("GET {SLOW} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n\r\n");
        Exchange::begin(envoy.address(), head.as_bytes()).expect("a connection")
    };
    let exchanges: Vec<Exchange> = keys.iter().map(begin).collect();
    until_at_work(before + keys.len(), server);
    exchanges
}

fn until_at_work(count: usize, server: &Upstream) {
    let reached = eventually(PATIENCE, || (server.waiting() == count).then_some(()));
    assert!(
        reached.is_some(),
        "{} at work, not {count}",
        server.waiting()
    );
}

#[test]
fn the_server_never_has_more_than_its_batch() {
    let server = Upstream::start();
    let envoy = start(FILE, server.port());
    let tried = try_it(FILE, &envoy);
    let codes: Vec<&str> = tried.lines().collect();
    let passed = codes.iter().filter(|code| **code == "200").count();
    assert!(codes.len() == 5 && passed >= 4, "{tried}");

    let client = Client::new(envoy.address());
    let ask = |key: &str| client.get("/now/answer", &[("x-api-key", key)]);
    let until_passed = |key: &str| {
        let passed = eventually(PATIENCE, || (ask(key).status == 200).then_some(()));
        assert!(passed.is_some(), "{key} finds no slot");
    };
    let refused_by = |answer: &Answer, limit: &str, slots: u32| {
        assert_eq!(
            (answer.status, violated(answer)),
            (429, vec![limit.to_owned()])
        );
        let policy = format!(r#""{limit}";q={slots};qu="concurrent-requests""#);
        assert_eq!(answer.header("ratelimit-policy"), Some(policy.as_str()));
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.header("x-should-retry"), None);
    };

    // What was tried may still be ending, when its answer is there.
    until_passed("alice");
    let of_alice = begin(&["alice", "alice"], &envoy, &server);
    refused_by(&ask("alice"), "share", 2);
    let of_others = begin(&["bob", "carol"], &envoy, &server);
    refused_by(&ask("dora"), "gpu", 4);
    let health = client.get("/healthz", &[]);
    assert_eq!(health.status, 200, "a busy server lives");

    // Two of the four give up, and two others have their place at once.
    drop(of_alice);
    until_at_work(2, &server);
    until_passed("dora");
    let in_their_place = begin(&["dora", "erin"], &envoy, &server);
    refused_by(&ask("alice"), "gpu", 4);

    server.go_on();
    for exchange in of_others.into_iter().chain(in_their_place) {
        assert_eq!(exchange.answer().expect("an answer").status, 200);
    }
    until_passed("alice");
    // Envoy's own limits had nothing to do.
    for overflow in ["upstream_rq_pending_overflow", "upstream_cx_overflow"] {
        assert_eq!(
            envoy.stat(&format!("cluster.gpu_server.{overflow}")),
            0,
            "{overflow}"
        );
    }
    envoy.assert_vm_lives();
}
