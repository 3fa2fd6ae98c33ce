//! `src/redis/script.lua` in a real Redis: it answers as `limit` does, and lends nothing twice.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    missing_docs
)]
// Redis' clock is the script's; these tests measure how long it may take to start.
#![allow(clippy::disallowed_methods)]

mod alike;
mod ask;
mod book;
mod calendar;
mod errors;
mod gateways;
mod leases;
mod model;
#[allow(dead_code)] // what Envoy's tests need of it
#[path = "../envoy/harness/process.rs"]
mod process;
mod promise;
mod server;
mod values;
mod workers;
