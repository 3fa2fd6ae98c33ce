//! Routes that the filter is asleep on, awake on, and that choose their limits.

use super::{ask, policy};
use crate::harness::{Envoy, EnvoyOptions, ModelApi};

fn start(file: &'static str, upstream: u16) -> Envoy {
    Envoy::start(EnvoyOptions {
        file,
        upstream,
        ..EnvoyOptions::default()
    })
}

/// Whether a bucket of 10 that regains one in four seconds refuses some of this many: it does,
/// unless a machine takes a minute for them.
fn limited(envoy: &Envoy, path: &str, key: &str) -> bool {
    (0..25).any(|_| ask(envoy, path, key).status == 429)
}

#[test]
fn a_route_can_leave_the_filter_out() {
    let api = ModelApi::start();
    let envoy = start("envoy/plain/per-route-off.yaml", api.port());
    assert!(limited(&envoy, "/v1/models", "alice"));
    assert!(!limited(&envoy, "/healthz", "alice"));
    let unseen = ask(&envoy, "/healthz", "alice");
    assert_eq!((unseen.status, policy(&unseen)), (200, None));
    // All other routes are limited, whichever they are.
    assert!(limited(&envoy, "/elsewhere", "alice"));
    envoy.assert_vm_lives();
}

#[test]
fn a_route_can_wake_the_filter() {
    let api = ModelApi::start();
    let envoy = start("envoy/plain/per-route-on.yaml", api.port());
    assert!(limited(&envoy, "/v1/models", "alice"));
    let health = ask(&envoy, "/healthz", "alice");
    assert_eq!((health.status, policy(&health)), (200, None));
    assert!(!limited(&envoy, "/healthz", "alice"));
    envoy.assert_vm_lives();
}

#[test]
fn a_route_can_choose_its_limits() {
    let api = ModelApi::start();
    let envoy = start("envoy/plain/route-metadata.yaml", api.port());
    let rest = Some(r#""rpm";q=10;w=40, "per-ip";q=20;w=1"#);
    let batch = Some(r#""batch";q=3;w=36, "per-ip";q=20;w=1"#);
    for (path, expected) in [
        ("/v1/models", rest),
        ("/v1/batches", batch),
        ("/v1/batches/7", batch),
        ("/v1/batchesses", rest),
        ("/healthz", None),
    ] {
        assert_eq!(policy(&ask(&envoy, path, "alice")), expected, "{path}");
    }
    envoy.assert_vm_lives();
}
