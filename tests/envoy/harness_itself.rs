//! The harness without the filter under test, so that its faults are told from the filter's.

use crate::harness::{raw, wrk, Client, Envoy, EnvoyOptions, Filter, Load, ModelApi};
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn a_filter_that_does_nothing_lets_everything_through() {
    let api = ModelApi::start();
    let envoy = Envoy::start(EnvoyOptions {
        filter: Filter::Noop,
        upstream: api.port(),
        ..EnvoyOptions::default()
    });
    let client = Client::new(envoy.address());
    assert_eq!(client.chat("alice").json()["usage"]["completion_tokens"], 9);
    let answer = raw(
        envoy.address(),
        b"GET /a//b/../%63 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    );
    let answer = answer.expect("HTTP");
    assert_eq!(
        answer.json()["path"],
        "/a/c",
        "Envoy's normalisation is on as shipped"
    );
    envoy.assert_vm_lives();
    assert!(envoy.memory() > 10 << 20);
    assert_eq!(envoy.access_log(2).lines().count(), 2);
    let load = Load {
        connections: 4,
        threads: 1,
        limit: Duration::from_secs(1),
        script: "",
        path: "/healthz",
    };
    assert!(wrk(envoy.address(), &load).contains("Requests/sec"));
    assert_eq!(envoy.stat("listener_manager.listener_create_failure"), 0);

    let (address, pid) = (envoy.address(), envoy.pid());
    drop(envoy);
    assert!(TcpStream::connect(address).is_err(), "Envoy still listens");
    assert!(
        !std::path::Path::new(&format!("/proc/{pid}")).exists(),
        "Envoy still runs"
    );
}

#[test]
fn a_listener_from_a_file_can_be_replaced() {
    let api = ModelApi::start();
    let mut envoy = Envoy::start(EnvoyOptions {
        filter: Filter::Noop,
        upstream: api.port(),
        lds: true,
        ..EnvoyOptions::default()
    });
    assert!(envoy.update("{}"));
    assert_eq!(
        Client::new(envoy.address()).get("/healthz", &[]).status,
        200
    );
}

#[test]
fn no_filter_at_all_for_comparison() {
    let envoy = Envoy::start(EnvoyOptions {
        filter: Filter::None,
        concurrency: 1,
        edits: vec![crate::harness::direct_response()],
        ..EnvoyOptions::default()
    });
    assert_eq!(Client::new(envoy.address()).get("/", &[]).text(), "ok");
}
