//! Bodies on their way: whole, in pieces, held, edited.

use super::{asking, chat, gateway, input, left, usage, SLOW};
use crate::host::{Exchange, Gateway, Request};

const STREAM: &str = r#"{"model":"m","stream":true,"messages":[]}"#;
const ASKED: &str =
    r#"{"model":"m","stream":true,"messages":[],"stream_options":{"include_usage":true}}"#;

fn with(tokens: &str) -> Gateway {
    gateway(&format!(
        r#""limits": {{"tpm": {{{SLOW}}}}}, "status": {{"path": "/status"}},
           "routes": [{{"match": {{}}, "limits": ["tpm"], "tokens": {tokens}}}]"#
    ))
}

#[test]
fn a_body_passes_piece_by_piece_wherever_it_is_cut() {
    let body = asking(700);
    for at in 0..body.len() {
        let gateway = with("{}");
        let (first, last) = body.split_at(at);
        let mut call = gateway.exchange(&Request::chat("alice").sized(&body));
        call.send(first, false);
        assert_eq!(call.upstream_has(), (first.into(), false));
        call.send(last, true);
        assert_eq!(call.upstream_has(), (body.clone().into(), true));
        assert_eq!(left(&gateway, "tpm"), 10_000 - input(&body) - 700);
        call.reset();
    }
}

#[test]
fn a_body_that_is_too_long_to_wait_passes_and_is_read_all_the_same() {
    let gateway = with(r#"{"max_body": 64}"#);
    let body = format!(r#"{{"max_tokens":900,"x":"{}"}}"#, "y".repeat(100));
    let call = chat(&gateway, &body);
    assert_eq!(call.upstream_has(), (body.clone().into(), true));
    assert_eq!(left(&gateway, "tpm"), 10_000 - input(&body) - 900);
    call.reset();
    // What this gateway counts itself it can refuse on the way.
    let other = chat(&gateway, "{}");
    let body = format!(r#"{{"max_tokens":8000,"n":2,"x":"{}"}}"#, "y".repeat(100));
    assert!(chat(&gateway, &body).is_refused());
    other.reset();
}

#[test]
fn an_answer_to_the_headers_alone_is_charged() {
    let gateway = with("{}");
    let mut call = gateway.exchange(&Request::chat("alice").sized(asking(100)));
    call.respond(200, &[("content-type", "application/json")]);
    call.receive(usage(3, 4), true);
    call.end();
    assert_eq!(left(&gateway, "tpm"), 10_000 - 7);
    // One that has nothing to say of it costs what was reserved.
    let mut call = gateway.exchange(&Request::chat("alice").sized(asking(100)));
    call.respond_to_end(200, &[], true);
    call.end();
    assert_eq!(
        left(&gateway, "tpm"),
        10_000 - 7 - 512 - input(&asking(100))
    );
}

#[test]
fn with_hold_the_upstream_sees_nothing_before_the_decision() {
    let gateway = with(r#"{"hold": true}"#);
    let body = asking(700);
    let mut call = gateway.exchange_early(&Request::chat("alice").sized(&body));
    let (first, last) = body.split_at(10);
    call.send(first, false);
    assert!(call.is_held_at_headers());
    // Nothing is charged either, not even an estimate.
    assert_eq!(left(&gateway, "tpm"), 10_000);
    call.send(last, true);
    assert_eq!(call.upstream_has(), (body.clone().into(), true));
    assert_eq!(left(&gateway, "tpm"), 10_000 - input(&body) - 700);
    call.reset();
    let little = asking(3);
    let before = left(&gateway, "tpm");
    let mut call = gateway.exchange_early(&Request::chat("alice").sized(&little));
    call.send(&little, true);
    assert_eq!(left(&gateway, "tpm"), before - input(&little) - 3);
    call.reset();
    let other = chat_held(&gateway, "{}");
    let much = asking(8_000).replace("{", r#"{"n":2,"#);
    let mut call = gateway.exchange_early(&Request::chat("alice").sized(&much));
    call.send(&much, true);
    assert!(call.is_refused());
    assert_eq!(call.upstream_has(), (Vec::new(), false));
    assert_eq!(call.end().details, "tollgate_tpm");
    other.reset();
}

fn chat_held(gateway: &Gateway, body: &str) -> Exchange {
    let mut call = gateway.exchange_early(&Request::chat("alice").sized(body));
    call.send(body, true);
    call
}

#[test]
fn what_is_too_long_or_of_no_known_length_is_not_held() {
    let gateway = with(r#"{"hold": true, "max_body": 64}"#);
    let long = gateway.exchange_early(&Request::chat("alice").header("content-length", "65"));
    assert!(!long.is_held_at_headers());
    long.reset();
    let unknown = gateway.exchange_early(&Request::chat("alice"));
    assert!(!unknown.is_held_at_headers());
    unknown.reset();
    let none = gateway.send(&Request::chat("alice"));
    assert!(none.passed());
}

#[test]
fn a_stream_is_asked_for_its_usage_wherever_its_body_is_cut() {
    for hold in [false, true] {
        let gateway = with(&format!(r#"{{"include_usage": true, "hold": {hold}}}"#));
        for at in 0..STREAM.len() {
            let request = Request::chat("alice").sized(STREAM);
            let mut call = match hold {
                true => gateway.exchange_early(&request),
                false => gateway.exchange(&request),
            };
            let (first, last) = STREAM.split_at(at);
            call.send(first, false);
            call.send(last, true);
            assert_eq!(call.upstream_has(), (ASKED.into(), true));
            let length = call.forwarded("content-length");
            // No old length in front of a longer body.
            assert_eq!(length, hold.then(|| ASKED.len().to_string()));
            call.reset();
        }
    }
}

#[test]
fn a_body_that_needs_no_question_stays_as_it_is() {
    let gateway = with(r#"{"include_usage": true}"#);
    for body in [
        r#"{"model":"m","messages":[]}"#,
        r#"{"model":"m","stream":false}"#,
        r#"{"stream":true,"stream_options":{}}"#,
        r#"{"stream":true,"stream_options":{"include_usage":false}}"#,
        r#"{"messages":[{"stream":true}]}"#,
        "{}",
        "no JSON",
        "[{\"stream\":true}]",
        "",
    ] {
        let mut call = gateway.exchange(&Request::chat("alice").sized(body));
        call.send(body, true);
        assert_eq!(call.upstream_has(), (body.into(), true), "{body}");
        call.reset();
    }
    for request in [
        Request::chat("alice")
            .sized(STREAM)
            .with("content-type", "text/plain"),
        Request::chat("alice")
            .sized(STREAM)
            .header("content-encoding", "gzip"),
        Request::chat("alice"),
        Request::chat("alice")
            .sized(STREAM)
            .with(":path", "/v1/responses"),
        Request::chat("alice")
            .sized(STREAM)
            .with(":path", "/v1/messages?a=/completions"),
    ] {
        let length = request.clone();
        let mut call = gateway.exchange(&request);
        let before = call.forwarded("content-length");
        call.send(STREAM, true);
        assert_eq!(call.upstream_has(), (STREAM.into(), true));
        drop(length);
        assert_eq!(call.forwarded("content-length"), before);
        call.reset();
    }
    for (body, asked) in [
        (
            r#"{"stream":true} "#,
            r#"{"stream":true,"stream_options":{"include_usage":true}} "#,
        ),
        (
            "{\"stream\":\ttrue\n}\n",
            "{\"stream\":\ttrue\n,\"stream_options\":{\"include_usage\":true}}\n",
        ),
    ] {
        let call = chat(&gateway, body);
        assert_eq!(call.upstream_has(), (asked.into(), true));
        call.reset();
    }
}
