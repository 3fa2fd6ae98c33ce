//! llm-gateway.yaml: plans, several APIs, and more tokens of the smaller models.

use super::{start, try_it};
use crate::harness::{eventually, Answer, Client, ModelApi};
use std::time::Duration;

const FILE: &str = "envoy/examples/llm-gateway.yaml";
const CHAT: &str = "/v1/chat/completions";
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn plan_and_model_choose_the_tokens() {
    let api = ModelApi::start();
    let envoy = start(FILE, api.port());
    let tried = try_it(FILE, &envoy);
    for shown in [
        r#"ratelimit-policy: "rpm";q=10;w=20, "tpm-large";q=2000;qu="tokens";w=60"#,
        r#"ratelimit-policy: "rpm";q=10;w=20, "tpm-small";q=20000;qu="tokens";w=60"#,
        r#"ratelimit-policy: "rpm";q=100;w=10, "tpm-large";q=40000;qu="tokens";w=60"#,
        "anthropic-ratelimit-tokens-limit: 40000\r\n",
        r#"ratelimit-policy: "rpm";q=10;w=20, "tpm-embed";q=50000;qu="input_tokens";w=60"#,
        r#"{"plan":"free","limits":[{"name":"rpm","#,
    ] {
        assert_eq!(tried.matches(shown).count(), 1, "{shown} in {tried}");
    }
    assert_eq!(envoy.stat("cluster.anthropic.upstream_rq_total"), 1);
    assert_eq!(envoy.stat("cluster.openai.upstream_rq_total"), 3);

    let client = Client::new(envoy.address());
    let post = |path: &str, key: &str, body: &str| {
        let key = format!("Bearer {key}");
        client.post(path, &[("authorization", &key)], body)
    };
    let policy_of = |answer: &Answer| answer.header("ratelimit-policy").unwrap().to_owned();

    // No way leads to a model without its limits.
    let two = r#"{"model": "small-8b", "model": "large", "messages": []}"#;
    let two = post(CHAT, "demo-pro", two);
    assert_eq!(two.status, 400);
    assert_eq!(
        two.json()["error"]["message"],
        "The request asks for two different models."
    );
    for none in ["[]", "{", r#"{"messages": []}"#, r#"{"model": "other"}"#] {
        let policy = policy_of(&post(CHAT, "demo-pro", none));
        assert!(policy.contains("tpm-large"), "{none}: {policy}");
    }
    assert_eq!(post(CHAT, "demo-nobody", "{}").status, 401);
    let models = client.get("/v1/models", &[("authorization", "Bearer demo-pro")]);
    assert_eq!(policy_of(&models), r#""rpm";q=100;w=10"#);

    // More than there is of the large model's: the next one waits, but not for the small one.
    let long = "a".repeat(12_000);
    let of = |model: &str, content: &str| {
        format!(
            r#"{{"model": "{model}", "messages": [{{"role": "user", "content": "{content}"}}]}}"#
        )
    };
    let all = of("large", &long);
    let answered = eventually(PATIENCE, || {
        (post(CHAT, "demo-free", &all).status == 200).then_some(())
    });
    assert!(answered.is_some(), "the bucket never fills");
    // It is owed as soon as the response has ended.
    let owing = eventually(PATIENCE, || {
        let refused = post(CHAT, "demo-free", &of("large", "Hi"));
        (refused.status == 429).then_some(refused)
    });
    let refused = owing.expect("a refusal");
    assert_eq!(refused.json()["error"]["type"], "tokens");
    assert_eq!(refused.header("x-ratelimit-remaining-tokens"), Some("0"));
    assert_eq!(post(CHAT, "demo-free", &of("small-8b", "Hi")).status, 200);
    envoy.assert_vm_lives();
}
