//! Real processes to test with: Envoy with the filter, the demo API behind it, load before
//! it, Redis and its bridge beside it.
//!
//! Everything runs on loopback at ports that the kernel chose, in a folder of its own
//! under the target directory, and ends with the value that stands for it: dropped in
//! order, by a panic, or with the test process (see `process`). Nothing is searched and
//! killed by name. The benchmark uses this folder too, hence what one of the two leaves
//! unused.
#![allow(dead_code, unused_imports, unreachable_pub)]

mod bootstrap;
mod bridge;
mod chunked;
mod cluster;
mod envoy;
mod fake_bridge;
mod files;
mod http;
mod http2;
mod model_api;
mod observe;
mod paths;
mod ports;
mod process;
mod prometheus;
mod redis;
mod scripted;
mod traffic;
mod upstream;
mod wrk;

pub use bootstrap::{direct_response, EnvoyOptions, Filter};
pub use bridge::{Bridge, BridgeOptions};
pub use chunked::{unchunked, unchunked_so_far};
pub use cluster::{
    bridge_edit, config as cluster_config, options as cluster_options, Cluster, PATIENT,
};
pub use envoy::{validate, Envoy};
pub use fake_bridge::{allowed, FakeBridge};
pub use files::fitted;
pub use http::{raw, Answer, Client, Exchange};
pub use http2::Http2;
pub use model_api::ModelApi;
pub use paths::{root, target};
pub use ports::free_port;
pub use process::{eventually, promptly, Process};
pub use prometheus::Prometheus;
pub use redis::{Redis, PASSWORD, USER};
pub use scripted::{Received, Scripted, Upstreamed};
pub use traffic::Traffic;
pub use upstream::Upstream;
pub use wrk::{wrk, wrk_until, Load};
