//! Requests that no model has ever seen.

use super::*;
use rustix::net::{
    bind, connect, getsockname, listen, socket_with, AddressFamily, SocketFlags, SocketType,
};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;

#[test]
fn a_refused_connection_gives_the_tokens_back() {
    let play = Play::start(TPM, "", false);
    let Play { envoy, upstream } = play;
    drop(upstream);
    let body = asking(1_000);
    let exchange = Exchange::begin(envoy.address(), &post(CHAT, "alice", body.as_bytes()));
    let answer = exchange.expect("a connection").answer();
    assert_eq!(answer.expect("an answer").status, 503);
    spent(&envoy, "alice", 0);
}

/// A listening socket whose queue is full: whoever connects waits.
struct Full {
    socket: OwnedFd,
    _waiting: Vec<OwnedFd>,
}

impl Full {
    fn start() -> Self {
        let any = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        let open = || {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None);
            socket.expect("a socket")
        };
        let socket = open();
        bind(&socket, &any).expect("a port");
        listen(&socket, 0).expect("a queue");
        let full = getsockname(&socket).expect("an address");
        let waiting = (0..8).map(|_| {
            let socket = open();
            // Under way, or waiting: either takes a place.
            let _ = connect(&socket, &full);
            socket
        });
        let waiting = waiting.collect();
        Self {
            socket,
            _waiting: waiting,
        }
    }

    fn port(&self) -> u16 {
        let address = getsockname(&self.socket).expect("an address");
        SocketAddrV4::try_from(address).expect("IPv4").port()
    }
}

#[test]
fn a_client_that_leaves_while_envoy_connects_gets_its_tokens_back() {
    let full = Full::start();
    let mut edits = edits(false);
    edits.push((
        "    connect_timeout: 1s\n".to_owned(),
        "    connect_timeout: 600s\n".to_owned(),
    ));
    let envoy = Envoy::start(EnvoyOptions {
        config: Some(config(TPM, "")),
        upstream: full.port(),
        edits,
        ..EnvoyOptions::default()
    });
    let body = asking(1_000);
    let exchange = Exchange::begin(envoy.address(), &post(CHAT, "alice", body.as_bytes()));
    spent(&envoy, "alice", input(&body) + 1_000);
    envoy.until("cluster.model_api.upstream_cx_active", 1);
    assert_eq!(envoy.stat("cluster.model_api.upstream_cx_connect_fail"), 0);
    drop(exchange);
    spent(&envoy, "alice", 0);
    assert_eq!(envoy.counter("tokens.unreported"), 0);
    envoy.assert_vm_lives();
}
