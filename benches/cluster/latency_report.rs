//! The table of latencies.
//!
//! Both percentiles are medians over rounds of each round's, and what they add and their
//! ratio are taken within each round: what the machine does, it does to all of a round, and
//! a moment in which it did nothing for us is in one round only.

use super::latency::Seen;
use super::statistics::{interval, median, quantile};
use super::variant::LOCAL;

const PARTS: [f64; 2] = [0.5, 0.99];

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
        let [p50, p99] = PARTS.map(|part| median(each(seen, part)));
        print!("| {} | {p50:.0} | {p99:.0} |", seen.name);
        if index == LOCAL {
            print!(" | | 1 | |");
        } else {
            let added = PARTS.map(|part| {
                let pairs = each(seen, part).zip(each(local, part));
                median(pairs.map(|(time, local)| time - local))
            });
            let pairs = each(seen, 0.5).zip(each(local, 0.5));
            let ratios: Vec<f64> = pairs.map(|(time, local)| time / local).collect();
            let (low, high) = interval(&ratios, |ratios| median(ratios.iter().map(|r| **r)));
            let ratio = median(ratios);
            print!(" {:+.1} | {:+.1} |", added[0], added[1]);
            print!(" {ratio:.2} | {low:.2} to {high:.2} |");
        }
        println!(" {:.1} |", seen.calls as f64 * 1000.0 / requests as f64);
    }
    println!();
    println!("added: over the local limit. The second copy of that ought to be 1.00: how far it");
    println!("is off is how far to trust the rest. Nine in ten such runs would say what stands");
    println!("under 90 %. Promised of a lease: p50 at most 1.2 × local.");
}

/// A percentile of each round.
fn each(seen: &Seen, part: f64) -> impl Iterator<Item = f64> + '_ {
    let rounds = seen.rounds.iter();
    rounds.map(move |round| quantile(round.iter().copied(), part))
}
