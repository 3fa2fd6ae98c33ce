//! OpenAI's and Anthropic's own clients, with budgets in tokens.

use crate::harness::{Envoy, EnvoyOptions, ModelApi};
use crate::sdk::python;
use serde_json::json;

#[test]
fn openai_and_anthropic_of_pypi_spend_what_their_models_report() {
    let api = ModelApi::start();
    let limits = json!({"tpm": {"rate": "1/d", "burst": 2000, "unit": "tokens"}});
    let route = |prefix: &str, own: &str| {
        json!({"match": {"prefix": prefix}, "limits": ["tpm"], "tokens": {"include_usage": true},
               "feedback": {"headers": [own], "body": own}})
    };
    let config = json!({
        "client_from": [{"header": "authorization", "strip": "Bearer "}, {"header": "x-api-key"}],
        "status": {"path": "/status"},
        "limits": limits,
        "routes": [route("/v1/messages", "anthropic"), route("/", "openai"), {"match": {}, "limits": ["tpm"]}],
    });
    let envoy = Envoy::start(EnvoyOptions {
        config: Some(config.to_string()),
        upstream: api.port(),
        ..EnvoyOptions::default()
    });
    python("tests/envoy/tokens/clients.py", &envoy, &[]);
    envoy.assert_vm_lives();
}
