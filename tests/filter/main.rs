//! The real filter through the real SDK, in a double of Envoy's host.
//!
//! The proxy-wasm ABI is the seam: the double defines its imports as native
//! symbols, so time, attributes and lost races are the test's to choose.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs,
    unreachable_pub
)]

mod clients;
mod cluster;
mod contention;
mod counters;
mod denials;
mod dialects;
mod feedback;
mod grpc;
mod host;
mod hostile;
mod kept;
mod lease_failures;
mod lease_promise;
mod leases;
mod limits;
mod log_client;
mod modes;
mod no_client;
mod outages;
mod plans;
mod quotas;
mod redis_calls;
mod redis_failures;
mod refusals;
mod reload;
mod routes;
mod slots;
mod status;
mod status_calls;
mod tokens;
