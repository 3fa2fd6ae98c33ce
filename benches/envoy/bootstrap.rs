//! An Envoy with a listener for each variant, alike but for the filter.
//!
//! Envoy answers itself: an upstream would cost more than any filter, and add its own
//! noise. There is no access log for the same reason.

use super::variant::{Filter, Variant};
use serde_json::{json, Value};

/// The listener's name, also the prefix of its counters, and of its module the VM's id: no
/// two variants share a VM or its shared data.
pub fn listener_name(index: usize) -> String {
    format!("variant{index}")
}

/// The whole configuration. JSON is YAML.
pub fn bootstrap(variants: &[Variant]) -> String {
    let listeners: Vec<Value> = variants
        .iter()
        .enumerate()
        .map(|(index, variant)| listener(&listener_name(index), variant))
        .collect();
    json!({
        "admin": { "address": any_port() },
        "static_resources": { "listeners": listeners },
    })
    .to_string()
}

fn any_port() -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": 0 } })
}

fn listener(name: &str, variant: &Variant) -> Value {
    let mut filters: Vec<Value> = variant.filter.iter().map(|f| filter(name, f)).collect();
    filters.push(typed(
        "envoy.filters.http.router",
        "extensions.filters.http.router.v3.Router",
        json!({}),
    ));
    let manager = json!({
        "stat_prefix": name,
        "use_remote_address": true,
        "normalize_path": true,
        "http_filters": filters,
        "route_config": { "virtual_hosts": [ { "name": "all", "domains": ["*"], "routes": [ {
            "match": { "prefix": "/" },
            "direct_response": { "status": 200, "body": { "inline_string": "ok" } },
        } ] } ] },
    });
    let manager = typed(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        manager,
    );
    json!({ "name": name, "address": any_port(), "filter_chains": [ { "filters": [manager] } ] })
}

fn filter(name: &str, filter: &Filter) -> Value {
    match filter {
        Filter::Module {
            file,
            configuration,
        } => typed(
            "module",
            "extensions.filters.http.wasm.v3.Wasm",
            json!({ "config": {
                "name": name,
                "vm_config": {
                    "vm_id": name,
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": { "local": { "filename": file } },
                },
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": configuration,
                },
            } }),
        ),
        Filter::Native { clients } => native(name, *clients),
    }
}

/// Envoy's limiter at its cheapest: it can send headers too, but does not unless asked.
fn native(name: &str, clients: u32) -> Value {
    let ample = json!({
        "max_tokens": 1_000_000, "tokens_per_fill": 1_000_000, "fill_interval": "1s",
    });
    let always = json!({ "default_value": { "numerator": 100, "denominator": "HUNDRED" } });
    typed(
        "native",
        "extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        json!({
            "stat_prefix": name,
            "token_bucket": ample,
            "filter_enabled": always,
            "filter_enforced": always,
            "max_dynamic_descriptors": clients.saturating_mul(2),
            "rate_limits": [ { "actions": [
                { "request_headers": { "header_name": "x-api-key", "descriptor_key": "client" } },
            ] } ],
            "descriptors": [ { "entries": [ { "key": "client" } ], "token_bucket": ample } ],
        }),
    )
}

fn typed(name: &str, kind: &str, mut config: Value) -> Value {
    config["@type"] = format!("type.googleapis.com/envoy.{kind}").into();
    json!({ "name": name, "typed_config": config })
}
