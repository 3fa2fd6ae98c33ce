//! Several Envoys that count in one Redis.

use super::bootstrap::EnvoyOptions;
use super::bridge::Bridge;
use super::envoy::Envoy;
use super::redis::Redis;
use std::net::SocketAddr;

/// Redis, the bridge to it, and Envoys with the filter.
pub struct Cluster {
    pub envoys: Vec<Envoy>,
    pub bridge: Bridge,
    pub redis: Redis,
}

impl Cluster {
    /// So many Envoys with these limits, of two workers each. `redis` is what stands
    /// under that name besides how to reach it.
    pub fn start(envoys: usize, limits: &str, redis: &str) -> Self {
        let server = Redis::start();
        let bridge = Bridge::start(server.port());
        let config = config(limits, &bridge, redis);
        let envoys = (0..envoys)
            .map(|_| Envoy::start(options(&config, bridge.address())))
            .collect();
        Self {
            envoys,
            bridge,
            redis: server,
        }
    }

    /// The scripts that Redis has run.
    pub fn calls(&self) -> u64 {
        let stats = self.redis.command(&["info", "commandstats"]);
        let of = |command: &str| -> u64 {
            let line = stats
                .lines()
                .find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
            let count = line.and_then(|line| line.split(',').next());
            count.map_or(0, |count| count.parse().expect("a number"))
        };
        of("evalsha") + of("eval")
    }
}

/// The plugin's JSON for clients by their bearer token.
pub fn config(limits: &str, bridge: &Bridge, redis: &str) -> String {
    let token = bridge.token();
    let redis = if redis.is_empty() {
        r#""gateways": 2"#
    } else {
        redis
    };
    format!(
        r#"{{"client_from": [{{"header": "authorization", "strip": "Bearer "}}],
  "limits": {limits},
  "redis": {{"upstream": "tollgate_redis", "bridge": "upstash", "token": "{token}", {redis}}}}}"#
    )
}

/// The shipped Envoy with a cluster for the bridge at this address, and no upstream.
pub fn options(config: &str, bridge: SocketAddr) -> EnvoyOptions {
    let (ip, port) = (bridge.ip(), bridge.port());
    let cluster = format!(
        "  clusters:
  - name: tollgate_redis
    type: STATIC
    connect_timeout: 0.04s
    load_assignment:
      cluster_name: tollgate_redis
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: {{ socket_address: {{ address: {ip}, port_value: {port} }} }}
"
    );
    EnvoyOptions {
        config: Some(config.to_owned()),
        concurrency: 2,
        edits: vec![
            super::bootstrap::direct_response(),
            ("\n  clusters:\n".to_owned(), format!("\n{cluster}")),
        ],
        ..EnvoyOptions::default()
    }
}
