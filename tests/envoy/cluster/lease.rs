//! Units are borrowed from Redis in chunks: few calls, and never more than strict admits.

use crate::harness::{Client, Cluster};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// Clients that send together about a thousand requests a second.
const CONNECTIONS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(8);

/// When each request that passed was sent and answered, seconds since the start.
struct Traffic {
    passed: Vec<(f64, f64)>,
    sent: usize,
}

/// A thousand requests a second over all Envoys for so long.
fn traffic(cluster: &Cluster, seconds: f64) -> Traffic {
    let start = Instant::now();
    let passed = Mutex::new(Vec::new());
    let sent = Mutex::new(0);
    thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let (passed, sent) = (&passed, &sent);
            let envoy = &cluster.envoys[connection as usize % cluster.envoys.len()];
            scope.spawn(move || {
                let client = Client::new(envoy.address());
                let mut next = start + PAUSE * connection / CONNECTIONS;
                while start.elapsed().as_secs_f64() < seconds {
                    thread::sleep(next.saturating_duration_since(Instant::now()));
                    next += PAUSE;
                    let before = start.elapsed().as_secs_f64();
                    let status = client.chat("alice").status;
                    let after = start.elapsed().as_secs_f64();
                    *sent.lock().unwrap() += 1;
                    match status {
                        200 => passed.lock().unwrap().push((before, after)),
                        status => assert_eq!(status, 429),
                    }
                }
            });
        }
    });
    let (passed, sent) = (passed.into_inner().unwrap(), sent.into_inner().unwrap());
    Traffic { passed, sent }
}

#[test]
fn few_calls_and_as_much_as_strict() {
    for (rate, burst) in [(500, 500), (900, 300), (2000, 2000), (100, 100)] {
        let limits = format!(
            r#"{{"l": {{"rate": "{rate}/s", "burst": {burst}, "scope": "cluster", "consistency": "lease"}}}}"#
        );
        let cluster = Cluster::start(2, &limits, r#""gateways": 2, "timeout": "2s""#);
        let calls = cluster.calls();
        let traffic = traffic(&cluster, 5.0);
        let calls = cluster.calls() - calls;
        let admitted = traffic.passed.len();
        let strict = (rate as f64 * 5.0 + burst as f64).min(traffic.sent as f64);
        println!(
            "{rate}/s burst {burst}: sent {} admitted {admitted} ({:.1} % of strict's {strict}), {calls} calls, {:.1} requests a call",
            traffic.sent,
            100.0 * admitted as f64 / strict,
            admitted as f64 / calls as f64
        );
        for envoy in &cluster.envoys {
            for name in ["calls", "errors", "fallbacks"] {
                print!(
                    "{name} {} ",
                    envoy.stat(&format!("wasmcustom.tollgate.redis.{name}"))
                );
            }
            println!();
        }
    }
}
