//! What the operator sees: access log, response code details, counters, labels.

use crate::harness::{
    allowed, cluster_config, cluster_options, direct_response, root, Client, Envoy, EnvoyOptions,
    FakeBridge, ModelApi, PATIENT,
};

const CONFIG: &str = r#"{
  "client_from": [{"header": "authorization", "strip": "Bearer "}],
  "limits": {
    "rpm": {"rate": "15/m", "burst": 1},
    "try-me_1": {"rate": "15/m", "burst": 1, "mode": "MODE"}
  },
  "routes": [
    {"match": {"path": "/tried"}, "limits": ["try-me_1"]},
    {"match": {"path": "/healthz"}, "limits": []},
    {"match": {}, "limits": ["rpm"]}
  ]
}"#;

#[test]
fn the_access_log_and_the_counters_name_the_limit() {
    let api = ModelApi::start();
    let envoy = Envoy::start(EnvoyOptions {
        config: Some(CONFIG.replace(r#", "mode": "MODE""#, "")),
        upstream: api.port(),
        ..EnvoyOptions::default()
    });
    let client = Client::new(envoy.address());
    let key = "Bearer sk-secret";
    for path in [
        "/v1/models",
        "/v1/models",
        "/v1/models",
        "/tried",
        "/healthz",
    ] {
        client.get(path, &[("authorization", key)]);
    }
    let log = envoy.access_log(5);
    for (line, count) in [
        ("200 details=via_upstream tollgate=allowed", 3),
        ("429 details=tollgate_rpm tollgate=denied:rpm", 2),
        ("GET /healthz 200 details=via_upstream tollgate=allowed", 1),
    ] {
        assert_eq!(log.matches(line).count(), count, "{line} in\n{log}");
    }
    assert!(
        !log.contains("sk-secret") && !envoy.log().contains("sk-secret"),
        "a raw id has left the filter"
    );

    for (name, value) in [
        ("rpm.allowed", 1),
        ("rpm.denied", 2),
        ("try-me_1.allowed", 1),
        ("try-me_1.denied", 0),
    ] {
        assert_eq!(envoy.counter(&format!("limit.{name}")), value, "{name}");
    }
    let page = envoy.admin("/stats/prometheus");
    for sample in [
        r#"tollgate_limit_denied{tollgate_limit="rpm"} 2"#,
        r#"tollgate_limit_allowed{tollgate_limit="try-me_1"} 1"#,
        "tollgate_table_evictions{} 0",
        "tollgate_table_conflicts{} 0",
    ] {
        assert!(
            page.lines().any(|line| line == sample),
            "no {sample} in the page"
        );
    }
    envoy.assert_vm_lives();
}

/// A capability list that lacks a callback switches the filter off without a
/// word, so the README's has to be whole.
#[test]
fn the_readmes_capability_list_is_whole() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let list = readme.split("after a change:\n`").nth(1).expect("the list");
    let list = list.split('`').next().expect("its end");
    let capabilities: Vec<String> = list
        .split_whitespace()
        .map(|name| format!("{name}: {{}}"))
        .collect();
    let policy = "failure_policy: FAIL_RELOAD";
    let restricted = format!(
        "{policy}\n                capability_restriction_config: {{ allowed_capabilities: {{ {} }} }}",
        capabilities.join(", ")
    );
    let bridge = FakeBridge::start(|words| {
        let result = serde_json::json!({"result": allowed(words, 9)});
        (200, result.to_string().into_bytes())
    });
    let limits = r#"{"here": {"rate": "2/d"}, "redis": {"rate": "9/d", "scope": "cluster"},
                     "tpm": {"rate": "9000/d", "unit": "tokens"}}"#;
    let config = cluster_config(limits, "any", PATIENT);
    let routes = r#""routes": [{"match": {"prefix": "/v1/"}, "limits": ["here", "redis", "tpm"],
                               "tokens": {"include_usage": true}},
                              {"match": {}, "limits": []}]"#;
    let config = config
        .trim_end()
        .strip_suffix('}')
        .expect("an object")
        .to_owned();
    let config = format!("{config}, {routes}}}");
    let api = ModelApi::start();
    let mut options = cluster_options(&config, bridge.address());
    options.upstream = api.port();
    options.edits.retain(|edit| *edit != direct_response());
    options.edits.push((policy.to_owned(), restricted));
    let envoy = Envoy::start(options);
    let client = Client::new(envoy.address());
    let ask = || {
        let headers = [
            ("authorization", "Bearer a"),
            ("content-type", "application/json"),
        ];
        let body = r#"{"model": "demo", "stream": true, "messages": []}"#;
        client.post("/v1/chat/completions", &headers, body)
    };
    let answers = [(); 3].map(|()| ask());
    let statuses = answers.each_ref().map(|answer| answer.status);
    assert_eq!(statuses, [200, 200, 429]);
    // Both bodies were read, and one was edited.
    let stream = answers[0].text();
    assert!(stream.contains(r#""total_tokens":10"#), "{stream}");
    assert_eq!(envoy.counter("tokens.used"), 20);
}
