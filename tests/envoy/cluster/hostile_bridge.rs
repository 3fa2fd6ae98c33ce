//! Answers that are none: whatever a bridge says, the policy decides and the filter lives.

use crate::harness::{allowed, cluster_config, cluster_options, Client, Envoy, FakeBridge};
use serde_json::{json, Value};

const LIMITS: &str = r#"{"l": {"rate": "100/d", "scope": "cluster"}}"#;
const DENY: &str = r#""on_failure": "deny", "timeout": "5s", "breaker": {"failures": 1000000}"#;

fn gateway(bridge: &FakeBridge) -> Envoy {
    let config = cluster_config(LIMITS, "any", DENY);
    Envoy::start(cluster_options(&config, bridge.address()))
}

fn result(numbers: impl Into<Value>) -> Vec<u8> {
    json!({"result": numbers.into()}).to_string().into_bytes()
}

/// The request's path is not the bridge's to see, so the kind of answer goes by turns.
#[test]
fn no_answer_that_is_none_of_ours_lets_a_request_pass() {
    type Answer = fn(&[Value]) -> (u16, Vec<u8>);
    let answers: Vec<Answer> = vec![
        |words| {
            let mut numbers = allowed(words, 9);
            numbers[1] = json!(numbers[1].as_u64().unwrap() + 1);
            (200, result(numbers))
        },
        |words| (200, result(&allowed(words, 9)[..10])),
        |words| (200, result([allowed(words, 9), vec![json!(0)]].concat())),
        |_| (200, result(json!([[1], 2]))),
        |_| (200, result(json!([1.5]))),
        |_| (200, result(Value::Null)),
        |_| (200, b"{}".to_vec()),
        |_| (200, b"<html>".to_vec()),
        |_| (200, b"\xff\xfe\0".to_vec()),
        |_| (200, vec![b'['; 1_000_000]),
        |_| (200, Vec::new()),
        |_| (204, Vec::new()),
        |_| (301, Vec::new()),
        |_| (413, b"too large".to_vec()),
        |_| (400, br#"{"error": "OOM command not allowed"}"#.to_vec()),
        |_| (400, br#"{"error": "NOSCRIPT again and again"}"#.to_vec()),
        |_| (400, b"{\"error\": \"\\u0000\\n\\u001b[31m\"}".to_vec()),
        |_| (500, Vec::new()),
        |words| (503, result(allowed(words, 9))),
    ];
    let count = answers.len();
    let turn = std::sync::atomic::AtomicUsize::new(0);
    let bridge = FakeBridge::start(move |words| {
        let turn = turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        answers[turn % answers.len()](words)
    });
    let envoy = gateway(&bridge);
    let client = Client::new(envoy.address());
    for _ in 0..count {
        assert_eq!(client.chat("alice").status, 503);
    }
    envoy.assert_vm_lives();
    let log = envoy.log();
    assert!(!log.contains('\u{1b}'), "{log}");
}

#[test]
fn an_answer_that_is_ours_is_taken() {
    let bridge = FakeBridge::start(|words| (200, result(allowed(words, 41))));
    let envoy = gateway(&bridge);
    let answer = Client::new(envoy.address()).chat("alice");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("ratelimit"), Some(r#""l";r=41;t=1"#));
}
