//! What a request costs Envoy's CPU with the filter, and what a chunk of a streamed
//! response, against what any filter costs.
//!
//! `make bench`, or `cargo bench --bench envoy -- --help` once the modules are built.
//!
//! The figure to trust is the ratio to a module that does nothing: microseconds change
//! with the machine, and on a shared one by a factor of two within seconds. So:
//!
//! - **One Envoy, one worker, a listener per variant** (`gateway`). Two processes of the
//!   same program differ by a few per cent, for where their memory happens to lie, and a
//!   few per cent of a whole request is a tenth of what a module adds to it.
//! - **Rounds of about a second** (`rounds`). In each, every variant runs for a tenth of
//!   it, in an order that changes. What the machine does, it does to all of a round.
//! - **Shares within a round, then their median** (`report`). Nothing is asserted: a
//!   slow machine is no fault.
//! - **The no-op module twice.** Its second copy, read as if it were a filter to measure,
//!   has to cost 1.0 times the first. How far it is off is how far to trust the rest.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    unreachable_pub
)]

mod bootstrap;
mod gateway;
mod harness;
mod instructions;
mod load;
mod report;
mod rounds;
mod statistics;
mod streams;
mod variant;

use clap::{Parser, ValueEnum};
use std::path::PathBuf;

#[derive(Parser)]
struct Options {
    /// How many rounds of requests.
    #[arg(long, default_value_t = 120)]
    rounds: usize,
    /// How many rounds of streams, of two or three seconds each.
    #[arg(long, default_value_t = 30)]
    streams: usize,
    /// One part only.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// How long a round of requests takes, all variants together.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Distinct clients that ask in turn. 46000 fill the table of the default
    /// `max_entries` to 70 %.
    #[arg(long, default_value_t = 100)]
    keys: u32,
    /// Another build of Tollgate, or any module, to measure in the same run.
    #[arg(long, value_name = "FILE.wasm")]
    module: Vec<PathBuf>,
    /// What cargo tells a benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Requests,
    Streams,
    /// Instructions of requests, under valgrind: some minutes, but no noise.
    Instructions,
}

fn main() {
    let options = Options::parse();
    let wanted = |part| options.only.is_none_or(|only| only == part);
    if wanted(Part::Requests) {
        let variants = variant::of_requests(options.keys, &options.module);
        let rounds = options.rounds.max(1);
        let rounds = rounds::run(&variants, options.keys, rounds, options.seconds);
        report::print(&variants, &rounds);
    }
    if options.only == Some(Part::Instructions) {
        let variants = variant::of_requests(options.keys, &options.module);
        instructions::run(&variants, options.keys);
    }
    if wanted(Part::Streams) {
        let variants = variant::of_streams(&options.module);
        let rounds = streams::run(&variants, options.streams.max(1));
        streams::print(&variants, &rounds);
    }
}
