//! OpenAI's and Anthropic's own Python clients, so that what a denial does to them is theirs
//! and not what we take it for. What other versions and other libraries do with the same
//! headers is in docs/client-libraries.md.

use crate::harness::{root, Envoy, EnvoyOptions, ModelApi};
use serde_json::{json, Value};
use std::process::Command;

/// One limit that a client may sit out, one that it should not (`feedback.long_wait`).
fn config(openai: &Value, anthropic: &Value) -> Value {
    let route = |path: &str, headers: Value, limit: &str, feedback: &Value| {
        let mut route = json!({"match": {"path": path, "headers": headers}, "limits": [limit]});
        if !feedback.is_null() {
            route["feedback"] = feedback.clone();
        }
        route
    };
    let late = json!({"x-demo": "late"});
    let chat = "/v1/chat/completions";
    json!({
        "client_from": [{"header": "authorization", "strip": "Bearer "}, {"header": "x-api-key"}],
        "limits": {
            "soon": {"rate": "1/2s", "burst": 2},
            "late": {"rate": "1/100s", "burst": 2},
        },
        "routes": [
            route(chat, late.clone(), "late", openai),
            route(chat, json!({}), "soon", openai),
            route("/v1/messages", late, "late", anthropic),
            route("/v1/messages", json!({}), "soon", anthropic),
            {"match": {}, "limits": ["soon"]},
        ],
    })
}

/// Runs `clients.py`; `feedback` tells it what to expect.
fn content(config: &Value, feedback: &str) {
    let api = ModelApi::start();
    let envoy = Envoy::start(EnvoyOptions {
        config: Some(config.to_string()),
        upstream: api.port(),
        ..EnvoyOptions::default()
    });
    python(
        "tests/envoy/sdk/clients.py",
        &envoy,
        &[("FEEDBACK", feedback)],
    );
    envoy.assert_vm_lives();
}

/// Runs a script of tests with both clients, told where Envoy is, and these settings.
pub(crate) fn python(script: &str, envoy: &Envoy, settings: &[(&str, &str)]) {
    let mut python = Command::new("python3");
    python.arg(root().join(script));
    // Both read settings of their own from the environment: whoever runs this may have some.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("OPENAI_") || text.starts_with("ANTHROPIC_") {
            python.env_remove(&name);
        }
    }
    let output = python
        .env("PYTHONPATH", root().join(".tools/sdk"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("GATEWAY_URL", format!("http://{}", envoy.address()))
        .env("ADMIN_URL", format!("http://{}", envoy.admin_address()))
        .envs(settings.iter().copied())
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .expect("python3 runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "`make setup` installs them\n{said}"
    );
}

#[test]
fn openai_and_anthropic_of_pypi_obey_what_every_client_is_told() {
    content(&config(&Value::Null, &Value::Null), "default");
}

#[test]
fn openai_and_anthropic_of_pypi_are_told_in_their_own_words() {
    let own = |api: &str| json!({"headers": ["ratelimit", api], "body": api, "long_wait": "60s"});
    content(&config(&own("openai"), &own("anthropic")), "own");
}
