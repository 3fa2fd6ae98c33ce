//! Streams: live, unaltered, and settled by what they say.

use super::*;
use crate::harness::Upstreamed;

/// What was reserved for [`asking`] so many.
fn reserved(body: &str) -> u64 {
    input(body) + 1_000
}

/// A stream under way.
struct Stream {
    exchange: Exchange,
    upstream: Upstreamed,
    sent: Vec<u8>,
}

impl Stream {
    fn begin(play: &Play, key: &str, body: &str) -> Self {
        let exchange = play.send(&post(CHAT, key, body.as_bytes()));
        let mut upstream = play.upstream.accept();
        assert_eq!(upstream.request().body, body.as_bytes());
        upstream.begin(200, EVENTS);
        Self {
            exchange,
            upstream,
            sent: Vec::new(),
        }
    }

    /// Sends a piece, and waits until the client has it: nothing is held back.
    fn piece(&mut self, piece: impl AsRef<[u8]>) {
        self.upstream.chunk(piece.as_ref());
        self.sent.extend(piece.as_ref());
        let come = eventually(PATIENCE, || {
            let come = self.exchange.come();
            (come.len() >= self.sent.len()).then_some(come)
        });
        let come = come.expect("the piece at the client");
        assert!(come == self.sent, "{}", String::from_utf8_lossy(&come));
    }

    fn end(mut self) {
        self.upstream.end();
        assert!(self.exchange.until_end(), "no end of the stream");
        let come = self.exchange.come();
        assert!(come == self.sent, "{}", String::from_utf8_lossy(&come));
    }
}

#[test]
fn each_piece_is_there_before_the_next_is_sent() {
    for flag in BOTH {
        let play = Play::start(TPM, "", flag);
        let body = asking(1_000);
        let mut stream = Stream::begin(&play, "alice", &body);
        play.spent("alice", reserved(&body));
        for text in ["A", " toll", "gate", "\u{1f6a7}"] {
            stream.piece(delta(text));
        }
        let last = format!("data: {}\n\ndata: [DONE]\n\n", usage(7, 20));
        let middle = last.find("usage").expect("usage") + 2;
        stream.piece(&last[..middle]);
        stream.piece(&last[middle..]);
        stream.end();
        play.spent("alice", 27);
        assert_eq!(play.counted("tokens.unreported"), 0);
        play.envoy.assert_vm_lives();
    }
}

#[test]
fn no_usage_costs_the_larger_of_what_was_reserved_and_what_has_passed() {
    let play = Play::start(TPM, "", false);
    let body = asking(1_000);
    let mut short = Stream::begin(&play, "short", &body);
    short.piece(delta("A"));
    short.piece("data: [DONE]\n\n");
    short.end();
    play.spent("short", reserved(&body));
    let mut long = Stream::begin(&play, "long", &body);
    for _ in 0..3 {
        long.piece(delta("A").repeat(400));
    }
    long.end();
    play.spent("long", input(&body) + 1_200);
    let charged = reserved(&body) + input(&body) + 1_200;
    assert_eq!(play.counted("tokens.unreported"), charged);
}

#[test]
fn leaving_is_not_cheaper_than_staying() {
    let play = Play::start(TPM, "", false);
    let body = asking(1_000);
    let mut early = Stream::begin(&play, "early", &body);
    early.piece(delta("A"));
    drop(early.exchange);
    early.upstream.until_closed();
    let mut late = Stream::begin(&play, "late", &body);
    late.piece(delta("A").repeat(1_200));
    drop(late.exchange);
    late.upstream.until_closed();
    play.envoy.until("wasmcustom.tollgate.tokens.unreported", 2);
    play.spent("early", reserved(&body));
    play.spent("late", input(&body) + 1_200);
    // After the model's last word there is nothing more to come.
    let mut done = Stream::begin(&play, "done", &body);
    done.piece(format!("data: {}\n\ndata: [DONE]\n\n", usage(7, 20)));
    drop(done.exchange);
    done.upstream.until_closed();
    play.spent("done", 27);
    // What the model has said of a part is no less than that.
    let mut begun = Stream::begin(&play, "begun", &body);
    begun.piece("data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5000,\"output_tokens\":1}}}\n\n");
    drop(begun.exchange);
    begun.upstream.until_closed();
    play.spent("begun", 5_001);
}

#[test]
fn an_upstream_that_breaks_off_is_charged_for_what_it_may_have_done() {
    let play = Play::start(TPM, "", false);
    let body = asking(1_000);
    let mut reset = Stream::begin(&play, "reset", &body);
    reset.piece(delta("A").repeat(1_200));
    reset.upstream.reset();
    play.envoy.until("wasmcustom.tollgate.tokens.unreported", 1);
    play.spent("reset", input(&body) + 1_200);
    // Before it has said anything: Envoy answers for it, as for any failure.
    let exchange = play.send(&post(CHAT, "silent", body.as_bytes()));
    let mut upstream = play.upstream.accept();
    upstream.request();
    upstream.reset();
    assert_eq!(exchange.answer().expect("an answer").status, 503);
    play.spent("silent", 0);
}

#[test]
fn failures_give_the_tokens_back() {
    let play = Play::start(TPM, "", false);
    let body = asking(1_000);
    for status in [400, 401, 404, 413, 429, 500, 503, 529] {
        let key = format!("failed-{status}");
        let exchange = play.send(&post(CHAT, &key, body.as_bytes()));
        let mut upstream = play.upstream.accept();
        upstream.request();
        play.spent(&key, reserved(&body));
        upstream.answer(
            status,
            "application/json\r\nconnection: close",
            b"{\"error\":{}}",
        );
        assert_eq!(exchange.answer().expect("an answer").status, status);
        play.spent(&key, 0);
    }
    // One that says what it has taken all the same.
    let exchange = play.send(&post(CHAT, "told", body.as_bytes()));
    let mut upstream = play.upstream.accept();
    upstream.request();
    upstream.answer(500, JSON, usage(7, 20).as_bytes());
    assert_eq!(exchange.answer().expect("an answer").status, 500);
    play.spent("told", 27);
    assert_eq!(play.counted("tokens.unreported"), 0);
}

/// A compressed answer cannot be read, so no client may ask for one; an upstream that
/// compresses nevertheless is passed on as it is, and charged by its bytes.
#[test]
fn a_response_is_asked_for_in_plain_text() {
    let play = Play::start(TPM, "", false);
    let body = asking(1_000);
    let lines = format!(
        "accept-encoding: gzip, br\r\ncontent-length: {}\r\n",
        body.len()
    );
    let mut request = head(CHAT, "alice", &lines);
    request.extend(body.as_bytes());
    let exchange = play.send(&request);
    let mut upstream = play.upstream.accept();
    let seen = upstream.request();
    assert_eq!(seen.header("accept-encoding"), None, "{}", seen.head);
    let mut compressed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    compressed.extend((0..6_000_u32).map(|n| ((n * 7_919) >> 3) as u8));
    upstream.answer(
        200,
        "application/json\r\ncontent-encoding: gzip",
        &compressed,
    );
    assert_eq!(exchange.answer().expect("an answer").body, compressed);
    play.spent(
        "alice",
        input(&body) + (compressed.len() as u64).div_ceil(4),
    );
    play.envoy.assert_vm_lives();
}

/// A response may end with trailers instead of a last piece.
#[test]
fn a_response_with_trailers_is_settled_as_one_without() {
    let mut edits = edits(false);
    edits.push((
        "    connect_timeout: 1s\n".to_owned(),
        "    connect_timeout: 1s
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http_protocol_options: { enable_trailers: true } }\n"
            .to_owned(),
    ));
    let play = Play::with(TPM, "", edits);
    let body = asking(1_000);
    let mut stream = Stream::begin(&play, "alice", &body);
    // Gemini's streams say their last number in the last event, and nothing after it.
    stream.piece("data: {\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":7,\"candidatesTokenCount\":20,\"totalTokenCount\":27}}\n\n");
    stream.upstream.write(b"0\r\nx-checksum: 1\r\n\r\n");
    assert!(stream.exchange.until_end(), "no end of the stream");
    play.spent("alice", 27);
    assert_eq!(play.counted("tokens.unreported"), 0);
}
