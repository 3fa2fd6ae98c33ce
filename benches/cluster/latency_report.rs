//! The table of latencies.
//!
//! p50 and p99 are of all requests. Ratios are taken of medians within each round, where
//! what the machine does it does to all, and the median over rounds of that is the figure.

use super::latency::Seen;
use super::statistics::{interval, median, quantile};
use super::variant::LOCAL;

pub fn print(all: &[Seen]) {
    let rounds = all[LOCAL].rounds.len();
    let requests: usize = all[LOCAL].rounds.iter().map(Vec::len).sum();
    println!();
    println!(
        "Latency per request in µs, {rounds} rounds, {requests} requests per row, one at a time"
    );
    println!();
    println!("| | p50 | p99 | p50 added | p99 added | p50 × local | 90 % | calls per 1000 |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    let local = [0.5, 0.99].map(|part| percentile(&all[LOCAL], part));
    for (index, seen) in all.iter().enumerate() {
        let [p50, p99] = [0.5, 0.99].map(|part| percentile(seen, part));
        print!("| {} | {p50:.0} | {p99:.0} |", seen.name);
        if index == LOCAL {
            print!(" | | 1 | |");
        } else {
            let ratios = ratios(seen, &all[LOCAL]);
            let (low, high) = interval(&ratios, |ratios| median(ratios.iter().map(|r| **r)));
            let ratio = median(ratios);
            print!(" {:+.0} | {:+.0} |", p50 - local[0], p99 - local[1]);
            print!(" {ratio:.2} | {low:.2} to {high:.2} |");
        }
        println!(" {:.1} |", seen.calls as f64 * 1000.0 / requests as f64);
    }
    println!();
    println!("added: over the local limit. The second copy of that ought to be 1.00: how far it");
    println!("is off is how far to trust the rest. Nine in ten such runs would say what stands");
    println!("under 90 %. Promised of a lease: p50 at most 1.2 × local.");
}

fn percentile(seen: &Seen, part: f64) -> f64 {
    quantile(seen.rounds.iter().flatten().copied(), part)
}

/// Of the medians, round by round.
fn ratios(seen: &Seen, local: &Seen) -> Vec<f64> {
    let median = |round: &Vec<f64>| median(round.iter().copied());
    let pairs = seen.rounds.iter().zip(&local.rounds);
    pairs
        .map(|(round, local)| median(round) / median(local))
        .collect()
}
