//! Every variant for a moment, again and again, one request after the other.

use super::harness::{Bridge, BridgeOptions, Redis};
use super::variant::{self, Variant};
use std::time::{Duration, Instant};

/// What was seen of one variant.
pub struct Seen {
    pub name: &'static str,
    /// What its requests took, in µs, by round.
    pub rounds: Vec<Vec<f64>>,
    /// Calls to the bridge in the same time.
    pub calls: u64,
}

/// Measured in a slice of a round.
const REQUESTS: usize = 300;

/// Not measured, before: a client that was idle since its last slice gets its lease, and
/// the processor its speed.
const WARM_UP: Duration = Duration::from_millis(80);

pub fn run(rounds: usize) -> Vec<Seen> {
    let redis = Redis::start();
    // Patient, as the variants are: a late answer counts as such, not as a failure.
    let bridge = Bridge::with(&BridgeOptions {
        timeout_ms: Some(9_000),
        ..BridgeOptions::to(redis.port())
    });
    let mut variants = variant::all(&bridge);
    let mut seen: Vec<Seen> = variants
        .iter()
        .map(|variant| Seen {
            name: variant.name,
            rounds: Vec::new(),
            calls: 0,
        })
        .collect();
    // The near-cache has its denial from then on; the first call brings the script.
    for variant in &mut variants {
        for _ in 0..3 {
            variant.connection.ask();
        }
    }
    for number in 0..rounds {
        for index in order(number, variants.len()) {
            slice(&mut variants[index], &mut seen[index]);
        }
    }
    variants.iter().for_each(Variant::assert_well);
    seen
}

/// The order changes, in which and from where, so that no variant always follows the same
/// one.
fn order(number: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.rotate_left(number / 2 % count);
    if !number.is_multiple_of(2) {
        order.reverse();
    }
    order
}

fn slice(variant: &mut Variant, seen: &mut Seen) {
    let begun = Instant::now();
    while begun.elapsed() < WARM_UP {
        variant.connection.ask();
    }
    let calls = variant.calls();
    let took = (0..REQUESTS).map(|_| {
        let (status, took) = variant.connection.ask();
        assert_eq!(status, variant.status, "{}", variant.name);
        took.as_secs_f64() * 1e6
    });
    seen.rounds.push(took.collect());
    seen.calls += variant.calls() - calls;
}
