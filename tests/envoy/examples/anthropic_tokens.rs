//! anthropic-tokens.yaml: input and output, each with a limit of its own.

use super::{start, try_it};
use crate::harness::{eventually, Client, Exchange, ModelApi};
use std::time::Duration;

const FILE: &str = "envoy/examples/anthropic-tokens.yaml";
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn input_and_output_are_counted_apart() {
    let api = ModelApi::with(&["--delay-ms", "2000"]);
    let envoy = start(FILE, api.port());
    let tokens = |what| envoy.counter(&format!("tokens.{what}"));
    let tried = try_it(FILE, &envoy);
    // 85 bytes, and the request's own maximum.
    for shown in [
        "anthropic-ratelimit-input-tokens-remaining: 2978\r\n",
        "anthropic-ratelimit-output-tokens-remaining: 1900\r\n",
    ] {
        assert!(tried.contains(shown), "{tried}");
    }
    let by = |code| tried.lines().filter(|line| *line == code).count();
    let (passed, refused) = (by("200"), by("429"));
    assert_eq!(passed + refused, 5, "{tried}");
    assert!((2..5).contains(&passed), "{tried}");
    // Of the first one 8 read, of all others 1, and 9 written by each.
    let answers = u64::try_from(passed).unwrap() + 2;
    assert_eq!(tokens("used"), answers * 10 + 7);
    assert_eq!(tokens("reserved") - tokens("returned"), answers * 10 + 7);
    assert_eq!(tokens("unreported"), 0);

    // One is under way that may write all there is.
    let all = r#"{"model": "demo", "max_tokens": 9000, "messages": []}"#;
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: bob\r\ncontent-length: {}\r\n\r\n{all}",
        all.len()
    );
    let before = tokens("reserved");
    let under_way = Exchange::begin(envoy.address(), head.as_bytes()).expect("a connection");
    let reserved = eventually(PATIENCE, || {
        (tokens("reserved") > before + 9000).then_some(())
    });
    assert!(reserved.is_some(), "nothing is reserved");
    let client = Client::new(envoy.address());
    let bob = [("x-api-key", "bob")];
    let refused = client.post("/v1/messages", &bob, all);
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["error"]["type"], "rate_limit_error");
    let message = refused.json()["error"]["message"].clone();
    let message = message.as_str().unwrap();
    assert!(
        message.starts_with("Client exceeded its output tokens. Please try again after "),
        "{message}"
    );
    let limit = refused.header("anthropic-ratelimit-output-tokens-limit");
    assert_eq!(limit, Some("2000"));
    let counted = client.post("/v1/messages/count_tokens", &bob, all);
    let policy = r#""rpm";q=20;w=20, "per-ip";q=20;w=1"#;
    assert_eq!(
        (counted.status, counted.header("ratelimit-policy")),
        (200, Some(policy))
    );
    assert_eq!(under_way.answer().expect("an answer").status, 200);
    envoy.assert_vm_lives();
}
