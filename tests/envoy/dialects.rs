//! The dialects of the model providers, before an upstream that speaks them too.

use std::time::{SystemTime, UNIX_EPOCH};

use time::UtcDateTime;

use crate::harness::{direct_response, promptly, Client, Envoy, EnvoyOptions};

/// What a provider says of the operator's account.
const OPERATORS: [&str; 7] = [
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-limit-project-tokens",
    "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-input-tokens-limit",
    "anthropic-priority-output-tokens-limit",
    "x-ratelimit-reset",
];

fn start(config: &str) -> Envoy {
    let (route, answer) = direct_response();
    let fields = OPERATORS
        .map(|name| format!("\n                - header: {{ key: {name}, value: operator }}"));
    let fields = fields.concat();
    Envoy::start(EnvoyOptions {
        config: Some(config.to_owned()),
        concurrency: 1,
        edits: vec![(
            route,
            format!("{answer}\n                response_headers_to_add:{fields}"),
        )],
        ..EnvoyOptions::default()
    })
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a time after 1970").as_secs()
}

/// As Anthropic writes it.
fn rfc3339(seconds: u64) -> String {
    let at = UtcDateTime::from_unix_timestamp(i64::try_from(seconds).unwrap()).unwrap();
    let (date, time) = (at.date(), at.time());
    format!(
        "{}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

#[test]
fn the_operators_account_is_not_shown_in_any_providers_words() {
    let envoy = start(
        r#"{
          "client_from": [{"header": "x-api-key"}],
          "limits": {"rpm": {"rate": "15/m", "burst": 2}},
          "feedback": {"headers": ["openai", "anthropic"], "body": "anthropic"},
          "routes": [
            {"match": {"path": "/free"}, "limits": []},
            {"match": {"path": "/as-it-is"}, "limits": [], "feedback": {"headers": []}},
            {"match": {}, "limits": ["rpm"]}
          ]
        }"#,
    );
    let client = Client::new(envoy.address());
    let before = now();
    let [allowed, _, denied] =
        promptly(|key| [(); 3].map(|()| client.get("/", &[("x-api-key", key)])));
    let after = now();
    for (name, value) in [
        ("x-ratelimit-limit-requests", Some("2")),
        ("x-ratelimit-remaining-requests", Some("1")),
        ("x-ratelimit-reset-requests", Some("4s")),
        ("x-ratelimit-remaining-tokens", None),
        ("x-ratelimit-limit-project-tokens", None),
        ("anthropic-ratelimit-requests-limit", Some("2")),
        ("anthropic-ratelimit-requests-remaining", Some("1")),
        ("anthropic-ratelimit-input-tokens-limit", None),
        ("anthropic-priority-output-tokens-limit", None),
        // Of no dialect that is chosen.
        ("x-ratelimit-reset", Some("operator")),
    ] {
        assert_eq!(allowed.header(name), value, "{name}");
    }
    let reset = allowed.header("anthropic-ratelimit-requests-reset");
    let reset = reset.expect("a time");
    let times: Vec<String> = (before + 4..=after + 5).map(rfc3339).collect();
    assert!(
        times.iter().any(|time| time == reset),
        "{reset} of {times:?}"
    );

    assert_eq!(denied.status, 429);
    assert_eq!(denied.header("x-ratelimit-remaining-requests"), Some("0"));
    assert_eq!(denied.header("x-ratelimit-reset-requests"), Some("4s"));
    assert_eq!(denied.json()["error"]["type"], "rate_limit_error");

    let free = client.get("/free", &[]);
    let as_it_is = client.get("/as-it-is", &[]);
    for name in OPERATORS {
        let kept = (name == "x-ratelimit-reset").then_some("operator");
        assert_eq!(free.header(name), kept, "{name}");
        assert_eq!(as_it_is.header(name), Some("operator"), "{name}");
    }
    envoy.assert_vm_lives();
}
