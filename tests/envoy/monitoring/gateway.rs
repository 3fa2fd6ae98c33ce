//! An Envoy whose traffic moves every counter that traffic can move.

use crate::harness::{
    allowed, cluster_config, cluster_options, direct_response, Client, Envoy, FakeBridge, Upstream,
};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) struct Gateway {
    pub(super) envoy: Envoy,
    rounds: AtomicUsize,
    _bridge: FakeBridge,
    _upstream: Upstream,
}

const LIMITS: &str = r#"{
  "rpm": {"rate": "1/s", "burst": 1},
  "next": {"rate": "1/d", "mode": "shadow"},
  "spill-over_1": {"rate": "1/d", "mode": "tag"},
  "shared": {"rate": "100000/d", "scope": "cluster"},
  "tpm": {"rate": "100000/s", "unit": "tokens"},
  "tiny": {"rate": "1000/s", "burst": 1, "unit": "tokens"}
}"#;

/// Who is not listed has a plan that nobody configured, named as an address.
const MORE: &str = r#""gateways": 1, "timeout": "10s", "on_failure": "local", "breaker": {"failures": 1000, "cooldown": "1s"}},
  "plans": {"pro": {"rpm": {"rate": "200/s", "burst": 1000}}, "suspended": {"rpm": "blocked"}},
  "clients": {"pro": {"plan": "pro"}, "suspended": {"plan": "suspended"}},
  "plan_from": [{"property": ["source", "address"]}],
  "routes": [
    {"match": {"prefix": "/now/usage"}, "limits": ["tpm", "tiny"]},
    {"match": {"prefix": "/now/answer", "headers": {"x-tokens": "true"}}, "limits": ["tpm"]},
    {"match": {}, "limits": ["rpm", "next", "spill-over_1", "shared"]}
  ],
  "max_entries": 128"#;

/// Each so many calls one is answered with nonsense.
const BROKEN: usize = 4;

impl Gateway {
    pub(super) fn start() -> Self {
        let calls = AtomicUsize::new(0);
        let bridge = FakeBridge::start(move |words| {
            if calls.fetch_add(1, Ordering::Relaxed) % BROKEN == BROKEN - 1 {
                return (500, b"no".to_vec());
            }
            let result = json!({"result": allowed(words, 9)});
            (200, result.to_string().into_bytes())
        });
        let upstream = Upstream::start();
        let mut config = cluster_config(LIMITS, "any", MORE);
        // `MORE` has closed `redis`.
        config.pop();
        let mut options = cluster_options(&config, bridge.address());
        options.edits.retain(|edit| *edit != direct_response());
        options.upstream = upstream.port();
        Self {
            envoy: Envoy::start(options),
            rounds: AtomicUsize::new(0),
            _bridge: bridge,
            _upstream: upstream,
        }
    }

    /// Some requests of everybody: allowed, denied, over a limit in shadow and in tag mode, on
    /// plans, for tokens, before a Redis that fails at times and an upstream that has limits of its own;
    /// and of more clients than the table has room for.
    pub(super) fn traffic(&self) {
        let client = Client::new(self.envoy.address());
        let ask = |key: &str, path: &str| {
            let key = format!("Bearer {key}");
            client.get(path, &[("authorization", &key)]).status
        };
        let mut seen = Vec::new();
        for _ in 0..3 {
            for key in ["pro", "suspended", "alice"] {
                seen.push(ask(key, "/now/answer"));
            }
        }
        seen.push(ask("pro", "/now/busy"));
        // A model that reports what it took, more than a bucket may owe, and one that does not.
        ask("pro", "/now/usage");
        client.get(
            "/now/answer",
            &[("authorization", "Bearer pro"), ("x-tokens", "true")],
        );
        assert!(seen.contains(&200) && seen.contains(&429), "{seen:?}");
        let round = self.rounds.fetch_add(1, Ordering::Relaxed);
        for number in 0..100 {
            ask(&format!("{round}-{number}"), "/now/answer");
        }
    }
}
