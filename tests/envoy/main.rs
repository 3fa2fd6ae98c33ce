//! The filter in a real Envoy, before a real upstream.
//!
//! One binary, so that the harness compiles once; a test starts the Envoy it needs and
//! asks many things of it, since starting one takes half a second.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    missing_docs
)]
// The filter's clock is one that a test can set. Envoy's is not.
#![allow(clippy::disallowed_methods)]

mod address;
mod bridge;
mod cluster;
mod concurrency;
mod dialects;
mod examples;
mod feedback;
mod grpc;
mod harness;
mod harness_itself;
mod hostile_bytes;
mod many_clients;
mod memory;
mod mesh;
mod monitoring;
mod operator;
mod plain;
mod quota;
mod refused_config;
mod reload;
mod retry_after;
mod sdk;
mod shadow;
mod shipped;
mod shipped_cluster;
mod slots;
mod spellings;
mod tag;
mod tokens;
