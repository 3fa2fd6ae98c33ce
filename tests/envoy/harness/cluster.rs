//! Several Envoys that count in one Redis.

use super::bootstrap::{direct_response, EnvoyOptions};
use super::bridge::{Bridge, BridgeOptions};
use super::envoy::Envoy;
use super::redis::Redis;
use std::net::SocketAddr;

/// Redis, the bridge to it, and Envoys with the filter.
pub struct Cluster {
    pub envoys: Vec<Envoy>,
    pub bridge: Bridge,
    pub redis: Redis,
}

/// Waits for Redis as long as a busy machine may need, and refuses what Redis has not
/// decided on: what passes was counted there.
pub const PATIENT: &str = r#""timeout": "10s", "on_failure": "deny""#;

impl Cluster {
    /// So many Envoys of two workers each, with these limits by bearer token. They and
    /// their bridge are [`PATIENT`].
    pub fn start(envoys: usize, limits: &str) -> Self {
        let redis = Redis::start();
        let bridge = Bridge::with(&BridgeOptions {
            timeout_ms: Some(9_000),
            ..BridgeOptions::to(redis.port())
        });
        let config = config(limits, bridge.token(), PATIENT);
        let options = || options(&config, bridge.address());
        let envoys = (0..envoys).map(|_| Envoy::start(options())).collect();
        Self {
            envoys,
            bridge,
            redis,
        }
    }

    /// The scripts that Redis has run.
    pub fn calls(&self) -> u64 {
        let stats = self.redis.command(&["info", "commandstats"]);
        let of = |command: &str| -> u64 {
            let prefix = format!("cmdstat_{command}:calls=");
            let line = stats.lines().find_map(|line| line.strip_prefix(&prefix));
            let count = line.and_then(|line| line.split(',').next());
            count.map_or(0, |count| count.parse().expect("a number"))
        };
        of("evalsha") + of("eval")
    }

    /// A counter of Tollgate's, of all Envoys together.
    pub fn counted(&self, name: &str) -> u64 {
        self.envoys.iter().map(|envoy| envoy.counter(name)).sum()
    }

    /// No call has failed, and no module.
    pub fn assert_well(&self) {
        for envoy in &self.envoys {
            assert_eq!(envoy.counter("redis.errors"), 0, "{}", envoy.log());
            envoy.assert_vm_lives();
        }
    }
}

/// The plugin's JSON for clients by their bearer token; `redis` is what stands there
/// besides how to reach it.
pub fn config(limits: &str, token: &str, redis: &str) -> String {
    format!(
        r#"{{"client_from": [{{"header": "authorization", "strip": "Bearer "}}],
  "limits": {limits},
  "redis": {{"upstream": "tollgate_redis", "bridge": "upstash", "token": "{token}", {redis}}}}}"#
    )
}

/// The shipped Envoy, which answers by itself, with a cluster for the bridge at this
/// address.
pub fn options(config: &str, bridge: SocketAddr) -> EnvoyOptions {
    EnvoyOptions {
        config: Some(config.to_owned()),
        edits: vec![direct_response(), bridge_edit(bridge)],
        ..EnvoyOptions::default()
    }
}

/// Adds a cluster for the bridge at this address.
pub fn bridge_edit(bridge: SocketAddr) -> (String, String) {
    let (ip, port) = (bridge.ip(), bridge.port());
    let cluster = format!(
        "
  clusters:
  - name: tollgate_redis
    type: STATIC
    connect_timeout: 5s
    load_assignment:
      cluster_name: tollgate_redis
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: {{ socket_address: {{ address: {ip}, port_value: {port} }} }}
"
    );
    ("\n  clusters:\n".to_owned(), cluster)
}
