//! Leases of one busy client, who uses two Envoys of two workers each.
//!
//! Busy, idle, busy: a client's first requests after a pause are asked for one by one, and
//! what it does not use is given back. Both are in the figures.

use super::harness::{Cluster, Traffic};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Of the client, which asks for about 1000 a second: half of it, nearly all of it from a
/// bucket that is soon empty, and more than it asks for.
const LIMITS: [Limit; 3] = [
    Limit::new(500, 500),
    Limit::new(900, 300),
    Limit::new(2000, 2000),
];

struct Limit {
    /// Units a second.
    rate: u32,
    burst: u32,
}

/// The parts of the time under load, and the pause after each.
const SPELLS: [(f64, Duration); 3] = [
    (0.4, Duration::from_millis(1500)),
    (0.3, Duration::from_millis(3000)),
    (0.3, Duration::ZERO),
];

pub fn print(time: Duration) {
    println!();
    println!(
        "Lease under load, {} s of about 1000 requests a second, 4.5 idle seconds among them",
        time.as_secs_f64()
    );
    println!();
    println!("| limit | sent | admitted | of strict | calls | admitted per call |");
    println!("|---|--:|--:|--:|--:|--:|");
    for limit in &LIMITS {
        println!("{}", limit.row(time));
    }
    println!();
    println!("of strict: what one strict bucket would have admitted of the same requests.");
    println!("Promised: at least 90 % of it, and at least 20 admitted per call.");
}

// === impl Limit ===

impl Limit {
    const fn new(rate: u32, burst: u32) -> Self {
        Self { rate, burst }
    }

    fn row(&self, time: Duration) -> String {
        let Self { rate, burst } = *self;
        let cluster = Cluster::start(
            2,
            &format!(
                r#"{{"l": {{"rate": "{rate}/s", "burst": {burst}, "scope": "cluster", "consistency": "lease"}}}}"#
            ),
        );
        let (mut traffic, start) = (Traffic::default(), Instant::now());
        for (part, idle) in SPELLS {
            traffic.send(&cluster.envoys, start, time.mul_f64(part));
            sleep(idle);
        }
        let calls = cluster.calls();
        cluster.assert_well();
        traffic.assert_bounded(rate, burst);
        let (sent, admitted) = (traffic.sent.len(), traffic.passed.len());
        let share = 100.0 * admitted as f64 / traffic.strict(rate, burst) as f64;
        let spared = admitted as f64 / calls as f64;
        format!("| {rate}/s, burst {burst} | {sent} | {admitted} | {share:.1} % | {calls} | {spared:.0} |")
    }
}
