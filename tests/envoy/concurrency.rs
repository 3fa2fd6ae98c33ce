//! Exact under concurrency: what two workers admit together is the burst, not about it.

use crate::harness::{direct_response, Client, Envoy, EnvoyOptions};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// No refill to speak of: a token in 86 s.
const CONFIG: &str = r#"{
  "client_from": [{"header": "authorization", "strip": "Bearer "}],
  "limits": {"bulk": {"rate": "1000/d"}}
}"#;
const CONNECTIONS: usize = 64;
/// Of four requests alice sends three, bob one.
const REQUESTS: usize = 4000;

#[test]
fn exactly_the_burst_passes_and_clients_never_touch_each_other() {
    let envoy = Envoy::start(EnvoyOptions {
        config: Some(CONFIG.to_owned()),
        concurrency: 2,
        edits: vec![direct_response()],
        ..EnvoyOptions::default()
    });
    let sent = AtomicUsize::new(0);
    let passed = [AtomicUsize::new(0), AtomicUsize::new(0)];
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let client = Client::new(envoy.address());
                loop {
                    let number = sent.fetch_add(1, Ordering::Relaxed);
                    if number >= REQUESTS {
                        break;
                    }
                    let (key, count) = if number % 4 == 3 {
                        ("bob", 1)
                    } else {
                        ("alice", 0)
                    };
                    match client.chat(key).status {
                        200 => passed[count].fetch_add(1, Ordering::Relaxed),
                        status => {
                            assert_eq!(status, 429);
                            0
                        }
                    };
                }
            });
        }
    });
    let [alice, bob] = passed.map(AtomicUsize::into_inner);
    assert_eq!(alice, 1000, "of alice's 3000");
    assert_eq!(bob, 1000, "of bob's 1000");

    let client = Client::new(envoy.address());
    assert_eq!(client.chat("bob").status, 429);
    assert_eq!(
        client.chat("carol").header("ratelimit"),
        Some(r#""bulk";r=999;t=87"#)
    );
    let stats = envoy.stats();
    for worker in ["worker_0", "worker_1"] {
        let name = format!("{worker}.downstream_cx_total");
        let connections = stats.iter().find(|(stat, _)| stat.ends_with(&name));
        assert!(
            connections.is_some_and(|(_, count)| *count > 0),
            "{worker} had nothing to do: {connections:?}"
        );
    }
    assert_eq!(envoy.counter("table.conflicts"), 0);
    assert_eq!(envoy.counter("limit.bulk.allowed"), 2001);
    assert_eq!(envoy.counter("limit.bulk.denied"), 2001);
    envoy.assert_vm_lives();
}
