//! The table of latencies.
//!
//! p50 is the median over rounds of each round's, and what it adds and its ratio are taken
//! within each round: what the machine does, it does to all of a round. p99 is of all
//! requests, since a round has too few.

use super::latency::Seen;
use super::statistics::{interval, median, quantile};
use super::variant::LOCAL;

pub fn print(all: &[Seen]) {
    let local = &all[LOCAL];
    let rounds = local.rounds.len();
    let requests: usize = local.rounds.iter().map(Vec::len).sum();
    println!();
    println!(
        "Latency per request in µs, {rounds} rounds, {requests} requests per row, one at a time"
    );
    println!();
    println!("| | p50 | p99 | p50 added | p99 added | p50 × local | 90 % | calls per 1000 |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for (index, seen) in all.iter().enumerate() {
        let (p50, p99) = (median(medians(seen)), p99(seen));
        print!("| {} | {p50:.0} | {p99:.0} |", seen.name);
        if index == LOCAL {
            print!(" | | 1 | |");
        } else {
            let pairs = || medians(seen).zip(medians(local));
            let added = median(pairs().map(|(p50, local)| p50 - local));
            let ratios: Vec<f64> = pairs().map(|(p50, local)| p50 / local).collect();
            let (low, high) = interval(&ratios, |ratios| median(ratios.iter().map(|r| **r)));
            let ratio = median(ratios);
            print!(" {added:+.0} | {:+.0} |", p99 - self::p99(local));
            print!(" {ratio:.2} | {low:.2} to {high:.2} |");
        }
        println!(" {:.1} |", seen.calls as f64 * 1000.0 / requests as f64);
    }
    println!();
    println!("added: over the local limit. The second copy of that ought to be 1.00: how far it");
    println!("is off is how far to trust the rest. Nine in ten such runs would say what stands");
    println!("under 90 %. Promised of a lease: p50 at most 1.2 × local.");
}

/// By round.
fn medians(seen: &Seen) -> impl Iterator<Item = f64> + '_ {
    let rounds = seen.rounds.iter();
    rounds.map(|round| median(round.iter().copied()))
}

fn p99(seen: &Seen) -> f64 {
    quantile(seen.rounds.iter().flatten().copied(), 0.99)
}
