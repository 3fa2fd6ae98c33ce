//! An Envoy with a listener for each variant, alike but for the filter.
//!
//! There is no access log, which would cost as much as a filter and add its own noise.

use super::gateway::listener_name;
use super::variant::{Filter, Variant};
use serde_json::{json, Value};
use std::net::SocketAddr;

/// Who answers.
#[derive(Clone, Copy)]
pub enum Upstream {
    /// Envoy itself: an upstream would cost more than any filter.
    None,
    /// Who listens here, for each listener over so many connections, one for the paths
    /// below each of `/lane0` and so on.
    Lanes(SocketAddr, usize),
}

/// The whole configuration. JSON is YAML.
pub fn bootstrap(variants: &[Variant], upstream: Upstream) -> String {
    let names = (0..variants.len()).map(listener_name);
    let listeners: Vec<Value> = names
        .clone()
        .zip(variants)
        .map(|(name, variant)| listener(&name, variant, upstream))
        .collect();
    let clusters: Vec<Value> = names
        .flat_map(|name| {
            let lanes = upstream.lanes();
            lanes.map(move |(lane, address)| cluster(&lane_name(&name, lane), address))
        })
        .collect();
    json!({
        "admin": { "address": address(SocketAddr::from(([127, 0, 0, 1], 0))) },
        "static_resources": { "listeners": listeners, "clusters": clusters },
    })
    .to_string()
}

fn address(address: SocketAddr) -> Value {
    json!({ "socket_address": {
        "address": address.ip().to_string(),
        "port_value": address.port(),
    } })
}

fn lane_name(listener: &str, lane: usize) -> String {
    format!("{listener}lane{lane}")
}

fn cluster(name: &str, upstream: SocketAddr) -> Value {
    json!({
        "name": name,
        "type": "STATIC",
        "load_assignment": { "cluster_name": name, "endpoints": [ { "lb_endpoints": [
            { "endpoint": { "address": address(upstream) } },
        ] } ] },
    })
}

fn routes(listener: &str, upstream: Upstream) -> Vec<Value> {
    if let Upstream::None = upstream {
        return vec![json!({
            "match": { "prefix": "/" },
            "direct_response": { "status": 200, "body": { "inline_string": "ok" } },
        })];
    }
    let lanes = upstream.lanes();
    lanes
        .map(|(lane, _)| {
            json!({
                "match": { "prefix": format!("/lane{lane}/") },
                "route": { "cluster": lane_name(listener, lane), "timeout": "0s" },
            })
        })
        .collect()
}

fn listener(name: &str, variant: &Variant, upstream: Upstream) -> Value {
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
        "route_config": { "virtual_hosts": [ {
            "name": "all", "domains": ["*"], "routes": routes(name, upstream),
        } ] },
    });
    let manager = typed(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        manager,
    );
    let any_port = address(SocketAddr::from(([127, 0, 0, 1], 0)));
    json!({ "name": name, "address": any_port, "filter_chains": [ { "filters": [manager] } ] })
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

// === impl Upstream ===

impl Upstream {
    /// The lanes and where each leads to.
    fn lanes(self) -> impl Iterator<Item = (usize, SocketAddr)> + Clone {
        let (address, count) = match self {
            Self::None => (SocketAddr::from(([127, 0, 0, 1], 0)), 0),
            Self::Lanes(address, count) => (address, count),
        };
        (0..count).map(move |lane| (lane, address))
    }
}
