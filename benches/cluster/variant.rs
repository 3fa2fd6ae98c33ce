//! What is compared for latency: an Envoy of one worker each, alike but for the filter.
//!
//! A process each, so that one's ticks, counters and calls are not another's. Two processes
//! of one program differ by a few per cent, for where their memory happens to lie: how much,
//! the second copy of the local limit tells.

use super::connection::Connection;
use super::harness::{cluster_config, cluster_options, Bridge, Envoy, EnvoyOptions, Filter};
use super::harness::{direct_response, PATIENT};

pub struct Variant {
    /// For the table.
    pub name: &'static str,
    /// Of every answer.
    pub status: u16,
    pub envoy: Envoy,
    pub connection: Connection,
}

/// Where what all are compared with stands.
pub const LOCAL: usize = 1;

/// Enough for all that one connection can send, and too little for a second request.
const AMPLE: &str = r#""rate": "1000000/s""#;
const SCARCE: &str = r#""rate": "1/d""#;

pub fn all(bridge: &Bridge) -> Vec<Variant> {
    let cluster = r#""scope": "cluster""#;
    let lease = format!(r#"{AMPLE}, {cluster}, "consistency": "lease""#);
    let strict = format!("{AMPLE}, {cluster}");
    let denied = format!("{SCARCE}, {cluster}");
    vec![
        variant("no filter", 200, without_filter()),
        variant("local limit", 200, local()),
        variant("local limit again", 200, local()),
        variant("strict", 200, with(&strict, bridge)),
        variant("lease", 200, with(&lease, bridge)),
        variant("near-cache (429)", 429, with(&denied, bridge)),
    ]
}

fn variant(name: &'static str, status: u16, options: EnvoyOptions) -> Variant {
    let envoy = Envoy::start(EnvoyOptions {
        concurrency: 1,
        ..options
    });
    let connection = Connection::open(envoy.address());
    Variant {
        name,
        status,
        envoy,
        connection,
    }
}

/// A limit that Redis decides on, however long it takes.
fn with(limit: &str, bridge: &Bridge) -> EnvoyOptions {
    let limits = format!(r#"{{"l": {{{limit}}}}}"#);
    let config = cluster_config(&limits, bridge.token(), PATIENT);
    cluster_options(&config, bridge.address())
}

fn local() -> EnvoyOptions {
    let client = r#"[{"header": "authorization", "strip": "Bearer "}]"#;
    EnvoyOptions {
        config: Some(format!(
            r#"{{"client_from": {client}, "limits": {{"l": {{{AMPLE}}}}}}}"#
        )),
        edits: vec![direct_response()],
        ..EnvoyOptions::default()
    }
}

fn without_filter() -> EnvoyOptions {
    EnvoyOptions {
        filter: Filter::None,
        edits: vec![direct_response()],
        ..EnvoyOptions::default()
    }
}

// === impl Variant ===

impl Variant {
    /// Calls to the bridge so far.
    pub fn calls(&self) -> u64 {
        self.envoy.counter("redis.calls")
    }

    /// Redis has decided on whatever it was asked.
    pub fn assert_well(&self) {
        for trouble in ["errors", "fallbacks"] {
            let name = format!("redis.{trouble}");
            assert_eq!(self.envoy.counter(&name), 0, "{}", self.envoy.log());
        }
    }
}
