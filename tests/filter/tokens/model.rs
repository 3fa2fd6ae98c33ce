//! Routes and clients by the model that a body names.

use super::{gateway, left};
use crate::host::{Exchange, Gateway, Request};

fn by_model() -> Gateway {
    gateway(
        r#""limits": {"big": {"rate": "1/d", "burst": 2}, "mini": {"rate": "1/d", "burst": 4},
                      "rest": {"rate": "1/d", "burst": 6},
                      "each": {"rate": "1/d", "burst": 3, "client_from": [{"body": "model"}]}},
           "status": {"path": "/status"},
           "routes": [
             {"match": {"path": "/v1/chat/completions", "model": "gpt-4o-mini*"}, "limits": ["mini"]},
             {"match": {"path": "/v1/chat/completions", "model": "gpt-4o"}, "limits": ["big"]},
             {"match": {"path": "/v1/each"}, "limits": ["each"]},
             {"match": {}, "limits": ["rest"]}]"#,
    )
}

fn ask(gateway: &Gateway, body: impl AsRef<[u8]>) -> Exchange {
    let mut call = gateway.exchange(&Request::chat("alice").sized(&body));
    call.send(body, true);
    call
}

fn lefts(gateway: &Gateway) -> [u64; 3] {
    ["big", "mini", "rest"].map(|limit| left(gateway, limit))
}

#[test]
fn the_model_chooses_the_route() {
    let gateway = by_model();
    for (body, expected) in [
        (r#"{"model":"gpt-4o"}"#, [1, 4, 6]),
        (r#"{"model":"gpt-4o-mini"}"#, [1, 3, 6]),
        (r#"{"messages":[],"model":"gpt-4o-mini-2024"}"#, [1, 2, 6]),
        (r#"{"model":"other"}"#, [1, 2, 5]),
        (r#"{"messages":[{"model":"gpt-4o"}]}"#, [1, 2, 4]),
        // However it is spelt.
        (r#"{"mod\u0065l":"gpt\u002d4o"}"#, [0, 2, 4]),
    ] {
        let call = ask(&gateway, body);
        assert!(!call.is_refused());
        assert_eq!(call.upstream_has(), (body.into(), true));
        call.reset();
        assert_eq!(lefts(&gateway), expected, "{body}");
    }
    let refused = ask(&gateway, r#"{"model":"gpt-4o"}"#);
    assert!(refused.is_refused() && !refused.upstream_has().1);
    assert_eq!(refused.end().details, "tollgate_big");
}

#[test]
fn a_body_that_is_not_understood_fits_only_the_last_route() {
    let utf16: Vec<u8> =
        r#"{"model":"gpt-4o"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let long = format!(r#"{{"model":"{}"}}"#, "gpt-4o".repeat(100));
    let bodies: [&[u8]; 4] = [
        &utf16,
        b"\x1f\x8b\x08\0",
        b"{\"model\":\"gpt-4o\"",
        long.as_bytes(),
    ];
    let gateway = by_model();
    for (body, rest) in bodies.into_iter().zip((0..6).rev()) {
        ask(&gateway, body).reset();
        assert_eq!(lefts(&gateway), [2, 4, rest], "{body:?}");
    }
}

#[test]
fn two_models_in_one_body_are_refused() {
    let gateway = by_model();
    let call = ask(&gateway, r#"{"model":"gpt-4o-mini","model":"gpt-4o"}"#);
    assert!(call.is_refused());
    let answer = call.end();
    assert_eq!(
        (answer.status, &*answer.details),
        (400, "tollgate_refused:ambiguous-model")
    );
    assert_eq!(lefts(&gateway), [2, 4, 6]);
    // The same twice is one.
    ask(&gateway, r#"{"model":"gpt-4o","model":"gpt-4o"}"#).reset();
    assert_eq!(lefts(&gateway), [1, 4, 6]);
}

#[test]
fn requests_without_a_body_name_no_model() {
    let gateway = by_model();
    gateway.send(&Request::chat("alice"));
    gateway.send(&Request::of("alice"));
    assert_eq!(lefts(&gateway), [2, 4, 4]);
}

#[test]
fn a_body_of_any_length_is_decided_on_at_its_end() {
    let gateway = by_model();
    for _ in 0..2 {
        let body = format!(r#"{{"x":"{}","model":"gpt-4o"}}"#, "y".repeat(200_000));
        let mut call = gateway.exchange(&Request::chat("alice"));
        let (first, last) = body.split_at(100_000);
        call.send(first, false);
        call.send(last, false);
        assert_eq!(lefts(&gateway)[1..], [4, 6]);
        call.send("", true);
        assert!(!call.is_refused());
        call.reset();
    }
    assert_eq!(lefts(&gateway), [0, 4, 6]);
}

#[test]
fn a_model_may_be_who_is_counted() {
    let gateway = by_model();
    let each = |model: &str| {
        let body = format!(r#"{{"model":"{model}"}}"#);
        let request = Request::chat("alice")
            .with(":path", "/v1/each")
            .sized(&body);
        let mut call = gateway.exchange(&request);
        call.send(&body, true);
        let passed = !call.is_refused();
        call.reset();
        passed
    };
    assert_eq!(
        [(); 5].map(|()| each("a")),
        [true, true, true, false, false]
    );
    assert!(each("b"));
}

/// Found by reading: what changes the request's headers cannot be called for once
/// there is a response, and would have stopped the filter.
#[test]
fn an_answer_before_the_body_has_ended_leaves_the_requests_headers_alone() {
    let gateway = gateway(
        r#""limits": {"l": {"rate": "1/d", "mode": "tag"}},
           "routes": [{"match": {"model": "gpt"}, "limits": ["l"],
                       "tokens": {"hold": true, "include_usage": true}},
                      {"match": {}, "limits": ["l"]}]"#,
    );
    let body = r#"{"model":"gpt","stream":true}"#;
    let request = Request::chat("alice").sized(format!("{body}  "));
    for _ in 0..2 {
        let mut call = gateway.exchange_early(&request.clone().header("x-tollgate-over", "all"));
        call.send(body, false);
        call.respond_to_end(504, &[], true);
        call.end();
    }
    assert_eq!(gateway.counter("tollgate.limit.l.allowed"), 1);
    assert_eq!(gateway.counter("tollgate.limit.l.tagged"), 1);
}

#[test]
fn an_answer_before_the_body_has_ended_is_charged() {
    let gateway = by_model();
    let mut call = gateway.exchange(&Request::chat("alice").header("content-length", "100"));
    call.send(r#"{"model":"gpt-4o","#, false);
    assert_eq!(lefts(&gateway), [2, 4, 6]);
    call.respond_to_end(200, &[], true);
    call.end();
    // Which model it would have been nobody knows: the last route's limits hold.
    assert_eq!(lefts(&gateway), [2, 4, 5]);
}
