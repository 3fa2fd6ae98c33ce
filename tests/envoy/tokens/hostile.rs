//! What no model should say, and may: it passes as it is, and costs memory for nothing.

use super::*;
use crate::harness::Upstreamed;
use std::thread;

const MIB: usize = 1 << 20;

/// Bytes without a pattern, and without chance.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let line = format!(
        "data: {{\"choices\":[{{\"delta\":\"{}\"}}]}}\n\n",
        "x".repeat(MIB)
    );
    let mut brackets = b"data: ".to_vec();
    brackets.extend(vec![b'['; 10_000_000]);
    let mut objects = b"{\"usage\":".repeat(1_000_000);
    objects.extend(b"1");
    let mut invalid = b"data: {\"content\":\"".to_vec();
    invalid.extend((0..MIB).map(|n| 0x80 | (n % 128) as u8));
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    gzip.extend(noise(MIB));
    vec![
        ("lines of a mebibyte", line.repeat(10).into_bytes()),
        ("no line's end", vec![b'd'; 10 * MIB]),
        ("only lines' ends", vec![b'\n'; 10 * MIB]),
        (
            "a truncated document",
            b"{\"usage\":{\"prompt_tokens\":1".to_vec(),
        ),
        ("invalid UTF-8", invalid),
        ("ten million brackets", brackets),
        ("a million objects", objects),
        (
            "digits",
            [
                b"{\"usage\":{\"total_tokens\":".to_vec(),
                vec![b'9'; 5 * MIB],
            ]
            .concat(),
        ),
        (
            "escapes",
            [b"{\"".to_vec(), b"\\ud800".repeat(MIB)].concat(),
        ),
        ("gzip", gzip),
        ("noise", noise(10 * MIB)),
    ]
}

/// Sends a body as what it is not, or is.
fn passes(play: &Play, kind: &str, name: &str, body: &[u8]) {
    let mut exchange = play.send(&post(CHAT, "alice", b"{}"));
    let mut upstream: Upstreamed = play.upstream.accept();
    upstream.request();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    thread::scope(|scope| {
        scope.spawn(move || {
            upstream.write(head.as_bytes());
            body.chunks(64 * 1024)
                .for_each(|piece| upstream.write(piece));
        });
        let answer = exchange.next().expect("an answer");
        assert!(answer.body == body, "{name} as {kind} is altered");
    });
}

#[test]
fn every_response_passes_as_it_is_in_constant_memory() {
    let play = Play::start(
        r#""tpm": {"rate": "1000000/s", "burst": 4000000000, "unit": "tokens"}"#,
        "",
        false,
    );
    let bodies = bodies();
    let all = || {
        for kind in [EVENTS, JSON] {
            for (name, body) in &bodies {
                passes(&play, kind, name, body);
            }
        }
        play.envoy.memory()
    };
    // The first time Envoy's own buffers grow to what it keeps.
    let before = all();
    let after = all();
    let grown = after.saturating_sub(before);
    assert!(grown < 8 * MIB as u64, "{grown} bytes more");
    play.envoy.assert_vm_lives();
}
