//! openai-tokens.yaml: tokens are reserved before a call and settled after it.

use super::{start, try_it};
use crate::harness::{eventually, Client, Envoy, Exchange, ModelApi};
use std::time::Duration;

const FILE: &str = "envoy/examples/openai-tokens.yaml";
const CHAT: &str = "/v1/chat/completions";
const PATIENCE: Duration = Duration::from_secs(30);
/// So long each answer takes, as in the file's head: what is sent at once is there at once.
const SLOW: &[&str] = &["--delay-ms", "2000"];

fn tokens(envoy: &Envoy, what: &str) -> u64 {
    envoy.counter(&format!("tokens.{what}"))
}

#[test]
fn what_may_be_used_is_reserved_and_what_was_not_comes_back() {
    let api = ModelApi::with(SLOW);
    let envoy = start(FILE, api.port());
    let tried = try_it(FILE, &envoy);
    // 33 bytes, and 512 for an answer of which the request says nothing.
    assert!(
        tried.contains("x-ratelimit-remaining-tokens: 1479\r\n"),
        "{tried}"
    );
    // Nobody had asked for usage.
    let asked_for = tried.lines().filter(|line| line.starts_with("data: "));
    let usage = asked_for.filter(|line| line.contains(r#""choices":[]"#) && line.contains("usage"));
    assert_eq!(usage.count(), 1, "{tried}");
    let by = |code| tried.lines().filter(|line| *line == code).count();
    let (passed, refused) = (by("200"), by("429"));
    assert_eq!(passed + refused, 6, "{tried}");
    assert!((2..6).contains(&passed), "{tried}");

    // 1 read and 9 written by each.
    let answers = u64::try_from(passed).unwrap() + 2;
    assert_eq!(tokens(&envoy, "used"), answers * 10);
    let kept = tokens(&envoy, "reserved") - tokens(&envoy, "returned");
    assert_eq!(kept, answers * 10);
    assert_eq!(tokens(&envoy, "unreported"), 0);
    envoy.assert_vm_lives();
}

#[test]
fn a_client_that_has_none_left_reads_so_in_openais_words() {
    let api = ModelApi::with(SLOW);
    let envoy = start(FILE, api.port());
    let client = Client::new(envoy.address());
    let post = |path: &str, key: &str, body: &str| {
        let key = format!("Bearer {key}");
        client.post(path, &[("authorization", &key)], body)
    };

    let all = r#"{"model": "demo", "max_tokens": 5000, "messages": []}"#;
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer alice\r\ncontent-length: {}\r\n\r\n{all}",
        all.len()
    );
    let under_way = Exchange::begin(envoy.address(), head.as_bytes()).expect("a connection");
    let reserved = eventually(PATIENCE, || {
        (tokens(&envoy, "reserved") > 2000).then_some(())
    });
    assert!(reserved.is_some(), "nothing is reserved");
    let refused = post(CHAT, "alice", all);
    assert_eq!(refused.status, 429);
    let error = refused.json()["error"].clone();
    assert_eq!(
        (&error["type"], &error["code"]),
        (&"tokens".into(), &"rate_limit_exceeded".into())
    );
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("Client exceeded its tokens. Please try again after "),
        "{message}"
    );
    assert_eq!(refused.header("x-ratelimit-limit-tokens"), Some("2000"));
    let shown = refused.header("ratelimit").unwrap();
    assert!(shown.starts_with(r#""tpm";r="#) && shown.ends_with(r#";qu="tokens""#));

    // Another one is another one, and what writes little reserves little.
    let embedded = post(
        "/v1/embeddings",
        "bob",
        r#"{"model": "demo", "input": "a"}"#,
    );
    let left = embedded.header("x-ratelimit-remaining-tokens");
    assert_eq!((embedded.status, left), (200, Some("1991")));
    let responded = post(
        "/v1/responses",
        "carol",
        r#"{"model": "demo", "input": "a"}"#,
    );
    assert_eq!(responded.json()["usage"]["total_tokens"], 10);
    let looked = client.get(CHAT, &[("authorization", "Bearer dave")]);
    let policy = r#""rpm";q=20;w=20, "per-ip";q=20;w=1"#;
    assert_eq!(looked.header("ratelimit-policy"), Some(policy));

    assert_eq!(under_way.answer().expect("an answer").status, 200);
    let settled = eventually(PATIENCE, || {
        (tokens(&envoy, "used") == 10 + 1 + 10).then_some(())
    });
    assert!(settled.is_some(), "{} used", tokens(&envoy, "used"));
    assert_eq!(tokens(&envoy, "unreported"), 0);
    envoy.assert_vm_lives();
}
