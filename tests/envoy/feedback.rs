//! What the client is told, header for header (contract: "what the client gets").

use crate::harness::{promptly, raw, Client, Envoy, EnvoyOptions, ModelApi};
use serde_json::json;

fn start(api: &ModelApi, config: &str) -> Envoy {
    Envoy::start(EnvoyOptions {
        config: Some(config.to_owned()),
        upstream: api.port(),
        concurrency: 1,
        ..EnvoyOptions::default()
    })
}

#[test]
fn the_ratelimit_dialect_and_the_problem_body() {
    let api = ModelApi::start();
    let envoy = start(
        &api,
        r#"{
          "client_from": [{"header": "authorization", "strip": "Bearer "}],
          "limits": {
            "rpm": {"rate": "15/m", "burst": 2}, "slow": {"rate": "6/d", "burst": 6},
            "wide": {"rate": "1000/s"}
          },
          "routes": [
            {"match": {"path": "/slow"}, "limits": ["slow", "wide"], "cost": 6},
            {"match": {}, "limits": ["rpm", "wide"]}
          ]
        }"#,
    );
    let client = Client::new(envoy.address());
    let policy = Some(r#""rpm";q=2;w=8, "wide";q=1000;w=1"#);
    let [allowed, second, denied] = promptly(|key| [(); 3].map(|()| client.chat(key)));
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("ratelimit-policy"), policy);
    assert_eq!(allowed.header("ratelimit"), Some(r#""rpm";r=1;t=4"#));
    for absent in [
        "retry-after",
        "x-envoy-ratelimited",
        "x-should-retry",
        "x-ratelimit-limit",
    ] {
        assert_eq!(allowed.header(absent), None, "{absent}");
    }
    assert_eq!(second.header("ratelimit"), Some(r#""rpm";r=0;t=8"#));

    assert_eq!(denied.status, 429);
    for (name, value) in [
        // Of the limit that denied, alone.
        ("ratelimit-policy", Some(r#""rpm";q=2;w=8"#)),
        ("ratelimit", Some(r#""rpm";r=0;t=4"#)),
        ("retry-after", Some("4")),
        ("x-envoy-ratelimited", Some("true")),
        ("content-type", Some("application/problem+json")),
    ] {
        assert_eq!(denied.header(name), value, "{name}");
    }
    let ms: u64 = denied
        .header("retry-after-ms")
        .expect("the wait in ms")
        .parse()
        .unwrap();
    assert!((3001..=4000).contains(&ms), "{ms}");
    assert_eq!(
        denied.json(),
        json!({
            "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
            "title": "Too Many Requests", "status": 429,
            "detail": "Client exceeded sending requests. Please try again after 4 seconds.",
            "violated-policies": ["rpm"],
        })
    );

    // A wait that no client should sit out.
    let [allowed, denied] = promptly(|key| {
        let key = format!("Bearer {key}");
        [(); 2].map(|()| client.get("/slow", &[("authorization", &key)]))
    });
    assert_eq!(allowed.header("ratelimit"), Some(r#""slow";r=0;t=86400"#));
    assert_eq!(denied.header("retry-after"), Some("86400"));
    assert_eq!(denied.header("retry-after-ms"), None);
    assert_eq!(denied.header("ratelimit"), Some(r#""slow";r=0;t=86400"#));
    envoy.assert_vm_lives();
}

#[test]
fn the_x_ratelimit_dialect_the_text_body_and_the_operators_headers() {
    let api = ModelApi::start();
    let envoy = start(
        &api,
        r#"{
          "client_from": [{"header": "authorization", "strip": "Bearer "}],
          "limits": {"rpm": {"rate": "15/m", "burst": 3}},
          "feedback": {"headers": ["x-ratelimit", "ratelimit"], "body": "text"}
        }"#,
    );
    let client = Client::new(envoy.address());
    let [allowed, _, _, denied] = promptly(|key| {
        let key = format!("bearer   {key}");
        let headers = [
            ("authorization", key.as_str()),
            ("x-demo-operator-limits", "1"),
        ];
        [(); 4].map(|()| client.get("/", &headers))
    });
    assert_eq!(allowed.header("x-ratelimit-limit"), Some("3"));
    assert_eq!(
        allowed.header("x-ratelimit-remaining"),
        Some("2"),
        "the operator's is gone"
    );
    assert_eq!(allowed.header("x-ratelimit-reset"), Some("4"));
    assert_eq!(
        allowed.header("ratelimit"),
        Some(r#""rpm";r=2;t=4"#),
        "the operator's is gone"
    );
    assert_eq!(denied.status, 429);
    assert_eq!(denied.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(denied.header("x-ratelimit-reset"), Some("4"));
    assert_eq!(
        denied.text().trim_end(),
        "Client exceeded sending requests. Please try again after 4 seconds."
    );
    assert!(denied
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("text/plain")));
}

#[test]
fn no_dialect_no_headers_and_an_id_sent_twice() {
    let api = ModelApi::start();
    let envoy = start(
        &api,
        r#"{
          "client_from": [{"header": "x-api-key"}, {"query": "api_key"}],
          "limits": {"rpm": {"rate": "15/m", "burst": 1}},
          "missing": "deny",
          "feedback": {"headers": []}
        }"#,
    );
    let client = Client::new(envoy.address());
    let [allowed, denied] = promptly(|key| {
        let headers = [("x-api-key", key), ("x-demo-operator-limits", "1")];
        let query = format!("/?api_key={}", key.replace('c', "%63"));
        [client.get("/", &headers), client.get(&query, &[])]
    });
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("ratelimit-policy"), None);
    assert_eq!(
        allowed.header("ratelimit"),
        Some(r#""operator";r=999;t=1"#),
        "no dialect chosen"
    );
    assert_eq!(
        denied.status, 429,
        "the same key is the same client however it comes"
    );
    assert_eq!(denied.header("ratelimit"), None);
    assert_eq!(denied.header("retry-after"), Some("4"));

    assert_eq!(client.get("/", &[]).status, 401, "missing: deny");
    assert_eq!(
        client
            .get("/", &[("x-api-key", "bob"), ("x-api-key", "carol")])
            .status,
        400
    );
    assert_eq!(client.get("/?api_key=bob&api_key=carol", &[]).status, 400);
    assert_eq!(
        client
            .get("/", &[("x-api-key", "bob"), ("x-api-key", "bob")])
            .status,
        200
    );
    envoy.assert_vm_lives();
}

/// Envoy joins several `authorization` lines before the filter sees them, and
/// keeps other headers apart: a client that is there twice is refused in both.
#[test]
fn a_client_that_is_there_twice_is_refused() {
    let api = ModelApi::start();
    let envoy = start(
        &api,
        r#"{
          "client_from": [{"header": "authorization", "strip": "Bearer "}, {"header": "x-api-key"}],
          "limits": {"rpm": {"rate": "15/m"}}
        }"#,
    );
    let ask = |lines: &str| {
        let request = format!("GET /v1/models HTTP/1.1\r\nhost: api\r\n{lines}\r\n");
        raw(envoy.address(), request.as_bytes()).expect("an answer")
    };
    for twice in [
        "authorization: Bearer a\r\nauthorization: Bearer b\r\n",
        "x-api-key: a\r\nx-api-key: b\r\n",
    ] {
        let refused = ask(twice);
        assert_eq!(refused.status, 400, "{twice}");
        assert!(
            refused.text().contains("two different clients"),
            "{}",
            refused.text()
        );
    }
    for alike in [
        "authorization: Bearer a\r\nauthorization: Bearer a\r\n",
        "x-api-key: a\r\nx-api-key: a\r\n",
    ] {
        assert_eq!(ask(alike).status, 200, "{alike}");
    }
}
