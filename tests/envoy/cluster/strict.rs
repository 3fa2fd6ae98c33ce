//! Redis is asked for every request: what all Envoys admit together is the burst.

use crate::harness::{Client, Cluster};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const REQUESTS: usize = 900;
const CONNECTIONS: usize = 32;

#[test]
fn two_envoys_admit_exactly_the_burst_of_many_requests_at_once() {
    let limits = r#"{"all": {"rate": "300/d", "scope": "cluster"}}"#;
    let cluster = Cluster::start(2, limits, r#""gateways": 2, "timeout": "5s""#);
    let (sent, passed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let (cluster, sent, passed) = (&cluster, &sent, &passed);
            scope.spawn(move || {
                let client = Client::new(cluster.envoys[connection % 2].address());
                while sent.fetch_add(1, Ordering::Relaxed) < REQUESTS {
                    match client.chat("alice").status {
                        200 => passed.fetch_add(1, Ordering::Relaxed),
                        status => {
                            assert_eq!(status, 429);
                            0
                        }
                    };
                }
            });
        }
    });
    assert_eq!(passed.into_inner(), 300);
    for envoy in &cluster.envoys {
        assert_eq!(
            envoy.stat("wasmcustom.tollgate.redis.errors"),
            0,
            "{}",
            envoy.log()
        );
        assert_eq!(envoy.stat("wasmcustom.tollgate.redis.fallbacks"), 0);
        envoy.assert_vm_lives();
    }
}
