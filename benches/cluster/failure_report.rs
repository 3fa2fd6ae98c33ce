//! The table of failures.

use super::failure::{Seen, WATCHED};
use super::statistics::quantile;

pub fn print(all: &[Seen]) {
    println!();
    println!(
        "Redis fails: time per request in ms, {} s each, eight connections, one worker",
        WATCHED.as_secs()
    );
    println!();
    println!("| | requests | p50 | p99 | max | statuses | calls | used again within, s |");
    println!("|---|--:|--:|--:|--:|---|--:|--:|");
    for seen in all {
        let times = [0.5, 0.99, 1.0].map(|part| {
            let time = quantile(seen.took.iter().copied(), part);
            format!("{time:.1}")
        });
        let statuses = seen.statuses.iter();
        let statuses: Vec<_> = statuses
            .map(|(status, count)| format!("{count} × {status}"))
            .collect();
        let recovery = seen
            .recovery
            .map(|time| format!("{:.2}", time.as_secs_f64()));
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            seen.name,
            seen.took.len(),
            times.join(" | "),
            statuses.join(", "),
            seen.calls,
            recovery.unwrap_or_default()
        );
    }
    println!();
    println!("503 is the policy's, 200 Redis'. An open breaker lets one call through a second.");
    println!("Used again: the longest of five returns, each at another time of that second.");
    println!("Promised: p99 at most 70 ms (the timeout and 20), used again within 2 s.");
}
