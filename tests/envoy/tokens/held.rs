//! What the upstream sees of a request while Redis is still to decide on it: nothing,
//! whichever way Envoy treats a filter that waits; and afterwards all of it, once.

use super::*;
use crate::harness::Http2;
use std::thread::sleep;

const STRICT: &str =
    r#""tpm": {"rate": "2/h", "burst": 100000, "unit": "tokens", "scope": "cluster"}"#;

/// No byte of it repeats near another, so that what is lost, doubled or swapped shows.
fn pattern(length: usize) -> Vec<u8> {
    let words = (0..).flat_map(|n: u32| format!("{n:07x} ").into_bytes());
    words.take(length).collect()
}

/// So long a look as would see what is there.
const LOOK: Duration = Duration::from_millis(60);

fn is_unseen(play: &Play) {
    sleep(LOOK);
    if let Some(mut upstream) = play.upstream.accepted() {
        sleep(LOOK);
        let seen = String::from_utf8_lossy(upstream.received()).into_owned();
        panic!("the upstream sees {seen:?}");
    }
}

/// Has Redis know the script.
fn warm_up(cluster: &Clustered) {
    let exchange = cluster.play.send(&post(CHAT, "first", b"{}"));
    let mut upstream = cluster.play.upstream.accept();
    upstream.request();
    upstream.answer(200, CLOSE, usage(1, 1).as_bytes());
    assert_eq!(exchange.answer().expect("an answer").status, 200);
}

const CLOSE: &str = "application/json\r\nconnection: close";

#[test]
fn nothing_before_redis_has_decided_and_all_of_it_then() {
    for flag in BOTH {
        let mut cluster = Clustered::start(STRICT, "", flag);
        warm_up(&cluster);
        for (before, after) in [
            (&[][..], &[500][..]),
            (&[1], &[1]),
            (&[40_000], &[]),
            (&[100, 20_000, 3], &[]),
            (&[100, 20_000, 3], &[9_000, 1, 12_000, 5]),
            (&[9_000, 9_000], &[100_000, 1]),
        ] {
            for chunked in [false, true] {
                slow(&mut cluster, before, after, chunked);
            }
        }
        cluster.play.envoy.assert_vm_lives();
    }
}

/// A body in so many pieces before Redis answers, and so many after.
fn slow(cluster: &mut Clustered, before: &[usize], after: &[usize], chunked: bool) {
    let all: usize = before.iter().chain(after).sum();
    let body = pattern(all);
    let lines = match chunked {
        true => "transfer-encoding: chunked\r\n".to_owned(),
        false => format!("content-length: {all}\r\n"),
    };
    let piece = |piece: &[u8]| match chunked {
        true => [
            format!("{:x}\r\n", piece.len()).as_bytes(),
            piece,
            b"\r\n".as_slice(),
        ]
        .concat(),
        false => piece.to_vec(),
    };
    cluster.redis.stop();
    let mut exchange = cluster.play.send(&head(CHAT, "alice", &lines));
    let mut at = 0;
    for size in before {
        exchange.write(&piece(&body[at..at + size]));
        at += size;
        is_unseen(&cluster.play);
    }
    if chunked && after.is_empty() {
        exchange.write(b"0\r\n\r\n");
    }
    is_unseen(&cluster.play);
    cluster.redis.resume();
    let mut upstream = cluster.play.upstream.accept();
    for size in after {
        exchange.write(&piece(&body[at..at + size]));
        at += size;
        sleep(Duration::from_millis(5));
    }
    if chunked && !after.is_empty() {
        exchange.write(b"0\r\n\r\n");
    }
    let request = upstream.request();
    let same = request.body == body;
    let at = request.body.iter().zip(&body).position(|(a, b)| a != b);
    let length = request.body.len();
    assert!(same, "{before:?} {after:?}: {length} bytes, {at:?}");
    upstream.answer(200, CLOSE, usage(7, 20).as_bytes());
    assert_eq!(exchange.answer().expect("an answer").status, 200);
}

/// The pieces race the answer.
#[test]
fn a_body_that_comes_while_redis_answers_comes_whole() {
    for flag in BOTH {
        let cluster = Clustered::start(STRICT, "", flag);
        warm_up(&cluster);
        let body = pattern(30_000);
        for turn in 0..60_u64 {
            let lines = format!("content-length: {}\r\n", body.len());
            // Several, so that nobody's budget depends on how fast it is settled.
            let who = format!("client-{}", turn % 10);
            let mut exchange = cluster.play.send(&head(CHAT, &who, &lines));
            for piece in body.chunks(2_000) {
                exchange.write(piece);
                sleep(Duration::from_micros(turn * 10));
            }
            let mut upstream = cluster.play.upstream.accept();
            assert!(upstream.request().body == body, "turn {turn}");
            upstream.answer(200, CLOSE, usage(7, 20).as_bytes());
            assert_eq!(exchange.answer().expect("an answer").status, 200);
        }
        for client in 0..10 {
            cluster.play.spent(&format!("client-{client}"), 6 * 27);
        }
        cluster.play.envoy.assert_vm_lives();
    }
}

/// Over HTTP/2 a body may end with trailers, and Redis may answer before them or after.
#[test]
fn trailers_do_not_let_a_request_out_either() {
    for flag in BOTH {
        let mut cluster = Clustered::start(STRICT, "", flag);
        warm_up(&cluster);
        let body = pattern(20_000);
        for early in [true, false] {
            cluster.redis.stop();
            let mut client = Http2::connect(cluster.play.envoy.address());
            let stream = client.post(CHAT, &[("x-api-key", "alice")]);
            client.data(stream, &body[..9_000]);
            client.data(stream, &body[9_000..]);
            if early {
                client.trailers(stream, &[("x-checksum", "1")]);
            }
            is_unseen(&cluster.play);
            cluster.redis.resume();
            let mut upstream = cluster.play.upstream.accept();
            if !early {
                client.trailers(stream, &[("x-checksum", "1")]);
            }
            assert!(upstream.request().body == body);
            upstream.answer(200, CLOSE, usage(7, 20).as_bytes());
        }
        cluster.play.spent("alice", 2 * 27);
        cluster.play.envoy.assert_vm_lives();
    }
}

/// A denial, once Redis has spoken: nothing of the request was seen, and nothing will be.
#[test]
fn a_denial_of_redis_lets_nothing_out() {
    let little = r#""tpm": {"rate": "1/d", "burst": 600, "unit": "tokens", "scope": "cluster"}"#;
    for flag in BOTH {
        let mut cluster = Clustered::start(little, "", flag);
        warm_up(&cluster);
        let exchange = cluster.play.send(&post(CHAT, "alice", b"{}"));
        let mut upstream = cluster.play.upstream.accept();
        upstream.request();
        // Held open: its 513 tokens stay reserved.
        cluster.redis.stop();
        let mut denied = cluster
            .play
            .send(&head(CHAT, "alice", "content-length: 8\r\n"));
        denied.write(b"{}  ");
        is_unseen(&cluster.play);
        cluster.redis.resume();
        denied.write(b"    ");
        assert_eq!(denied.answer().expect("an answer").status, 429);
        is_unseen(&cluster.play);
        upstream.answer(200, CLOSE, usage(1, 1).as_bytes());
        assert_eq!(exchange.answer().expect("an answer").status, 200);
        cluster.play.envoy.assert_vm_lives();
    }
}
