//! `include_usage`: a stream is asked for its usage by a longer body, and the upstream
//! reads the same requests as the client has sent.

use super::*;
use crate::harness::Upstreamed;

fn route(tokens: &str) -> String {
    format!(
        r#", "routes": [{{"match": {{}}, "limits": ["tpm"], "tokens": {{"include_usage": true{tokens}}}}}]"#
    )
}

/// One worker, and so one connection to the upstream.
fn play(tokens: &str, flag: bool) -> Play {
    let upstream = Scripted::start();
    let envoy = Envoy::start(EnvoyOptions {
        config: Some(config(TPM, &route(tokens))),
        upstream: upstream.port(),
        edits: edits(flag),
        concurrency: 1,
        ..EnvoyOptions::default()
    });
    Play { envoy, upstream }
}

/// What Envoy has read of clients.
fn come(play: &Play) -> u64 {
    let name = "http.tollgate.downstream_cx_rx_bytes_total";
    let page = play.envoy.admin(&format!("/stats?filter={name}"));
    let (_, count) = page.trim().rsplit_once(' ').expect("a counter");
    count.parse().expect("a number")
}

/// Sends a request in two pieces, which Envoy reads one by one, and then an ordinary one
/// on the same connection; what the upstream sees of the first.
fn cut(
    play: &Play,
    upstream: &mut Option<Upstreamed>,
    client: &mut Exchange,
    (head, body): (&[u8], &[u8]),
    at: usize,
) -> Vec<u8> {
    let before = come(play);
    let first = [head, &body[..at]].concat();
    client.write(&first);
    let read = eventually(PATIENCE, || {
        (come(play) == before + first.len() as u64).then_some(())
    });
    assert!(read.is_some(), "Envoy does not read");
    client.write(&body[at..]);
    let upstream = upstream.get_or_insert_with(|| play.upstream.accept());
    let seen = upstream.request();
    upstream.answer(200, JSON, usage(7, 20).as_bytes());
    assert_eq!(client.next().expect("an answer").status, 200);
    let plain = b"{\"the\":\"next\"}";
    client.write(&post("/next", "alice", plain));
    let next = upstream.request();
    assert!(
        next.head.starts_with("POST /next HTTP/1.1\r\n"),
        "{}",
        next.head
    );
    assert_eq!(next.body, plain);
    upstream.answer(200, JSON, usage(1, 1).as_bytes());
    assert_eq!(client.next().expect("an answer").status, 200);
    assert!(upstream.received().is_empty(), "more than was sent");
    seen.body
}

const ASKED: &str = r#""stream_options":{"include_usage":true}"#;

/// Bodies, and what the upstream is to see of them; `None`: the same.
fn bodies() -> Vec<(&'static str, Option<String>)> {
    vec![
        (
            "{\"stream\":true,\"n\":1}",
            Some(format!("{{\"stream\":true,\"n\":1,{ASKED}}}")),
        ),
        (
            "{\"stream\": true\n} \r\n\t ",
            Some(format!("{{\"stream\": true\n,{ASKED}}} \r\n\t ")),
        ),
        ("{}", None),
        ("{\"stream\":false}", None),
        ("{\"stream\":true,\"stream_options\":{}}", None),
        ("{\"stream\":true", None),
        ("[{\"stream\":true}]", None),
        ("\"stream\":true}", None),
        ("\u{1f}\u{fffd}{\"stream\":true}", None),
    ]
}

fn every_cut(play: &Play, kind: &str, framings: &[bool]) {
    let connect = "GET /status HTTP/1.1\r\nhost: x\r\nx-api-key: alice\r\n\r\n";
    let mut client = play.send(connect.as_bytes());
    client.next().expect("an answer");
    let mut upstream = None;
    for (body, seen) in bodies() {
        let is_edited = kind == "application/json\r\n";
        let expected = seen
            .filter(|_| is_edited)
            .unwrap_or_else(|| body.to_owned());
        for chunked in framings {
            let (lines, framed) = match chunked {
                true => (
                    "transfer-encoding: chunked\r\n".to_owned(),
                    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
                ),
                false => (
                    format!("content-length: {}\r\n", body.len()),
                    body.to_owned(),
                ),
            };
            let expected = match chunked {
                // Too long, for all that anyone knows, to be asked.
                true => body,
                false => &expected,
            };
            let head = head(CHAT, "alice", &format!("content-type: {kind}{lines}"));
            for at in 0..framed.len() {
                let parts = (&head[..], framed.as_bytes());
                let seen = cut(play, &mut upstream, &mut client, parts, at);
                let seen = String::from_utf8_lossy(&seen).into_owned();
                assert_eq!(seen, expected, "{framed:?} cut at {at}");
            }
        }
    }
    assert!(play.upstream.accepted().is_none(), "a second connection");
    play.envoy.assert_vm_lives();
}

#[test]
fn every_cut_of_an_edited_body_is_one_request() {
    let framings: [&[bool]; 2] = [&[false, true], &[false]];
    for (flag, framings) in BOTH.into_iter().zip(framings) {
        every_cut(&play("", flag), "application/json\r\n", framings);
    }
}

#[test]
fn every_cut_of_an_edited_body_that_is_held_is_one_request() {
    let play = play(r#", "hold": true"#, true);
    every_cut(&play, "application/json\r\n", &[false, true]);
}

#[test]
fn what_is_not_json_or_is_compressed_stays_as_it_is() {
    let play = play("", false);
    every_cut(&play, "text/plain\r\n", &[false]);
    let compressed = "application/json\r\ncontent-encoding: gzip\r\n";
    every_cut(&play, compressed, &[false]);
}
