//! Requests whose body comes late, or slowly, or is long, and upstreams that do not wait
//! for it.

use super::*;

/// Its own upload is no way to have an answer for nothing.
#[test]
fn an_upstream_that_answers_on_the_headers_alone_is_charged() {
    for flag in BOTH {
        let play = Play::start(TPM, "", flag);
        let lines = "content-length: 1000\r\nconnection: close\r\n";
        let exchange = play.send(&head(CHAT, "alice", lines));
        let mut upstream = play.upstream.accept();
        upstream.head();
        upstream.answer(200, JSON, usage(7, 20).as_bytes());
        let answer = exchange.answer().expect("an answer");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, usage(7, 20).into_bytes());
        play.spent("alice", 27);
        play.envoy.assert_vm_lives();
    }
}

/// A body that never ends is not free, whether its client waits or goes.
#[test]
fn three_bytes_and_nothing_more_are_charged_what_was_reserved() {
    for flag in BOTH {
        let play = Play::start(TPM, "", flag);
        let mut exchange = play.send(&head(CHAT, "alice", "content-length: 1000\r\n"));
        exchange.write(b"{\"m");
        let mut upstream = play.upstream.accept();
        upstream.until_body(3);
        play.spent("alice", 250 + 512);
        drop(exchange);
        upstream.until_closed();
        play.envoy.until("wasmcustom.tollgate.tokens.unreported", 1);
        play.spent("alice", 250 + 512);
        play.envoy.assert_vm_lives();
    }
}

/// Three megabytes through a buffer of 64 KiB, as fast as the kernel takes them.
fn never_too_large(play: &Play, turns: u64) {
    let body = vec![b' '; 3 << 20];
    let answer = usage(7, 20);
    for turn in 1..=turns {
        std::thread::scope(|scope| {
            let client = scope.spawn(|| {
                let request = post(CHAT, "alice", &body);
                play.send(&request).answer().expect("an answer")
            });
            // Envoy keeps its connection, or not.
            let mut upstream = eventually(PATIENCE, || {
                assert!(!client.is_finished(), "answered before the upstream has");
                play.upstream.accepted()
            })
            .expect("a connection from Envoy");
            let request = upstream.request();
            assert!(request.body == body, "{} bytes", request.body.len());
            upstream.answer(
                200,
                "application/json\r\nconnection: close",
                answer.as_bytes(),
            );
            let answer = client.join().expect("no panic");
            assert_eq!(answer.status, 200, "{}", answer.text());
        });
        play.spent("alice", 27 * turn);
    }
    play.envoy.assert_vm_lives();
}

#[test]
fn a_fast_and_long_body_is_never_too_large() {
    for flag in BOTH {
        never_too_large(&Play::start(TPM, "", flag), 20);
    }
}

/// A gateway looks at Redis for a status once a second.
const A_FEW: u64 = 6;

const STRICT: &str =
    r#""tpm": {"rate": "2/h", "burst": 100000, "unit": "tokens", "scope": "cluster"}"#;
const LEASE: &str = r#""tpm": {"rate": "2/h", "burst": 100000, "unit": "tokens", "scope": "cluster", "consistency": "lease"}"#;

#[test]
fn nor_where_redis_is_asked_first() {
    for flag in BOTH {
        never_too_large(&Clustered::start(STRICT, "", flag).play, A_FEW);
    }
}

#[test]
fn nor_where_tokens_are_on_lease() {
    for flag in BOTH {
        never_too_large(&Clustered::start(LEASE, "", flag).play, A_FEW);
    }
}
