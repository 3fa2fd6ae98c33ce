//! Refusals: at the headers before any byte reaches the upstream, at the body before its
//! end does.

use super::*;
use std::thread::sleep;

/// Two requests of an empty object fit, and then no third.
fn small(scope: &str) -> String {
    format!(r#""tpm": {{"rate": "1/d", "burst": 1100, "unit": "tokens"{scope}}}"#)
}

const CLOSE: &str = "application/json\r\nconnection: close";

/// Answers one request and says what the client was answered.
fn pass(play: &Play, tokens: u64) {
    let exchange = play.send(&post(CHAT, "alice", b"{}"));
    let mut upstream = play.upstream.accept();
    upstream.request();
    upstream.answer(200, CLOSE, usage(tokens - 1, 1).as_bytes());
    assert_eq!(exchange.answer().expect("an answer").status, 200);
}

fn is_refused_unseen(play: &Play) {
    let mut exchange = play.send(&head(CHAT, "alice", "content-length: 100\r\n"));
    let answer = exchange.begun().expect("an answer before the body");
    assert_eq!(answer.status, 429, "{}", answer.text());
    sleep(Duration::from_millis(60));
    assert!(play.upstream.accepted().is_none(), "seen at the upstream");
}

#[test]
fn an_exhausted_client_is_refused_before_the_upstream_hears_of_it() {
    for flag in BOTH {
        let play = Play::start(&small(""), "", flag);
        pass(&play, 1_000);
        is_refused_unseen(&play);
        play.envoy.assert_vm_lives();
    }
}

#[test]
fn redis_refuses_at_the_headers_and_is_not_asked_again() {
    for flag in BOTH {
        let strict = small(r#", "scope": "cluster""#);
        let mut cluster = Clustered::start(&strict, "", flag);
        pass(&cluster.play, 1_000);
        let denied = || cluster.play.counted("limit.tpm.denied");
        // The settlement may be on its way still: then one passes more.
        let refused = eventually(PATIENCE, || {
            let left = left(&cluster.play.envoy, "alice", "tpm");
            (left == 100).then_some(())
        });
        assert!(refused.is_some(), "not settled");
        is_refused_unseen(&cluster.play);
        assert_eq!(denied(), 1);
        cluster.redis.stop();
        is_refused_unseen(&cluster.play);
        cluster.redis.resume();
        assert_eq!(cluster.play.counted("limit.tpm.denied"), 2);
        cluster.play.envoy.assert_vm_lives();
    }
}

#[test]
fn a_lease_that_is_spent_refuses_at_the_headers() {
    for flag in BOTH {
        let lease = small(r#", "scope": "cluster", "consistency": "lease""#);
        let cluster = Clustered::start(&lease, "", flag);
        pass(&cluster.play, 1_000);
        let refused = eventually(PATIENCE, || {
            let exchange = cluster.play.send(&post(CHAT, "alice", b"{}"));
            let answered = eventually(PATIENCE, || match cluster.play.upstream.accepted() {
                Some(mut upstream) => {
                    upstream.request();
                    upstream.answer(200, CLOSE, usage(1, 1).as_bytes());
                    Some(false)
                }
                None => exchange.has_unread_now().then_some(true),
            });
            let refused = answered.expect("an answer, or a request");
            let status = exchange.answer().expect("an answer").status;
            assert_eq!(status == 429, refused);
            refused.then_some(())
        });
        assert!(refused.is_some(), "never refused");
        is_refused_unseen(&cluster.play);
        cluster.play.envoy.assert_vm_lives();
    }
}

/// The client keeps its connection; the upstream loses its own before the body is whole.
#[test]
fn a_refusal_at_the_body_keeps_its_end_from_the_upstream() {
    for flag in BOTH {
        let play = Play::start(&small(""), "", flag);
        // All that there can be counts as enough, however much is asked for.
        pass(&play, 2);
        let body = asking(4_000);
        let (first, last) = body.split_at(10);
        let lines = format!("content-length: {}\r\n", body.len());
        let mut exchange = play.send(&head(CHAT, "alice", &lines));
        exchange.write(first.as_bytes());
        let mut upstream = play.upstream.accept();
        upstream.until_body(10);
        exchange.write(last.as_bytes());
        let answer = exchange.next().expect("an answer");
        assert_eq!(answer.status, 429);
        upstream.until_closed();
        let head = upstream.head().len();
        assert_eq!(upstream.received().len() - head, 10);
        // All of it was undone, and the connection is good for more.
        exchange.write(b"GET /status HTTP/1.1\r\nhost: x\r\nx-api-key: alice\r\n\r\n");
        let status = exchange.next().expect("an answer").json();
        assert_eq!(status["limits"][0]["remaining"], 1_098);
        assert_eq!(play.counted("limit.tpm.denied"), 1);
        assert_eq!(play.counted("limit.tpm.allowed"), 1);
        play.envoy.assert_vm_lives();
    }
}

/// The same where Redis has to be asked for the rest, while the body's end waits.
#[test]
fn a_refusal_of_redis_at_the_body_keeps_its_end_from_the_upstream() {
    for flag in BOTH {
        let strict = small(r#", "scope": "cluster""#);
        let mut cluster = Clustered::start(&strict, "", flag);
        pass(&cluster.play, 2);
        let body = asking(4_000);
        let (first, last) = body.split_at(10);
        let lines = format!("content-length: {}\r\n", body.len());
        let mut exchange = cluster.play.send(&head(CHAT, "alice", &lines));
        exchange.write(first.as_bytes());
        let mut upstream = cluster.play.upstream.accept();
        upstream.until_body(10);
        cluster.redis.stop();
        exchange.write(last.as_bytes());
        sleep(Duration::from_millis(60));
        cluster.redis.resume();
        assert_eq!(exchange.next().expect("an answer").status, 429);
        upstream.until_closed();
        let head = upstream.head().len();
        assert_eq!(upstream.received().len() - head, 10);
        let undone = eventually(PATIENCE, || {
            (left(&cluster.play.envoy, "alice", "tpm") == 1_098).then_some(())
        });
        assert!(undone.is_some());
        cluster.play.envoy.assert_vm_lives();
    }
}
