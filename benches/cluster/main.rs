//! What sharing limits through Redis costs a request, how many requests a lease spares
//! Redis, and what a Redis that fails costs.
//!
//! `make bench`, or `cargo bench --bench cluster -- --help` once the modules are built.
//!
//! Redis, the bundled bridge and the Envoys are real, configured as they are shipped but
//! for ports, and on this machine: a network adds its round trip wherever Redis is asked.
//! Each part starts its own and prints a table; beside a figure stands what is promised of
//! it. Only safety is asserted (no window passes more than one strict bucket would, no
//! answer of the wrong kind): a slow machine is no fault.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::disallowed_methods,
    unreachable_pub
)]

mod connection;
mod failure;
mod failure_report;
#[path = "../../tests/envoy/harness/mod.rs"]
mod harness;
mod latency;
mod latency_report;
mod load;
#[allow(dead_code)]
#[path = "../envoy/statistics.rs"]
mod statistics;
mod variant;

use clap::{Parser, ValueEnum};
use std::time::Duration;

#[derive(Parser)]
struct Options {
    /// How many rounds of latency, of about a second each.
    #[arg(long, default_value_t = 60)]
    rounds: usize,
    /// How long a lease is under load for each limit, idle seconds apart.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// One part only.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// What cargo tells a benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Latency,
    Load,
    Failure,
}

fn main() {
    let options = Options::parse();
    let wanted = |part| options.only.is_none_or(|only| only == part);
    if wanted(Part::Latency) {
        latency_report::print(&latency::run(options.rounds.max(1)));
    }
    if wanted(Part::Load) {
        load::print(Duration::from_secs_f64(options.seconds));
    }
    if wanted(Part::Failure) {
        failure_report::print(&failure::run());
    }
}
