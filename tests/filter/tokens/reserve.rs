//! What is taken before anything is known.

use super::{answered, asking, chat, gateway, input, left, tpm, usage, SLOW};
use crate::host::Request;

#[test]
fn the_balance_is_the_budget_less_the_usages_reported() {
    let gateway = tpm(SLOW);
    let mut spent = 0;
    for (read, written) in [(20, 5), (1, 0), (300, 411), (7, 7)] {
        let answer = answered(chat(&gateway, &asking(50)), &usage(read, written));
        assert!(answer.passed());
        spent += read + written;
        assert_eq!(left(&gateway, "tpm"), 10_000 - spent);
    }
    assert_eq!(gateway.counter("tollgate.tokens.used"), spent);
    assert_eq!(gateway.counter("tollgate.tokens.unreported"), 0);
    assert_eq!(gateway.counter("tollgate.limit.tpm.allowed"), 4);
}

#[test]
fn a_request_reserves_its_bytes_and_a_default_at_the_headers() {
    let gateway = tpm(SLOW);
    let body = "x".repeat(401);
    let exchange = gateway.exchange(&Request::chat("alice").sized(&body));
    assert_eq!(left(&gateway, "tpm"), 10_000 - 101 - 512);
    assert_eq!(gateway.counter("tollgate.tokens.reserved"), 101 + 512);
    exchange.reset();
}

#[test]
fn a_body_of_unknown_length_could_be_anything() {
    let gateway = tpm(r#""rate": "1/m", "burst": 100000, "unit": "tokens""#);
    let exchange = gateway.exchange(&Request::chat("alice"));
    assert_eq!(left(&gateway, "tpm"), 100_000 - 32_768 - 512);
    exchange.reset();
}

#[test]
fn the_requests_own_maximum_is_reserved_once_its_body_is_read() {
    let table = [
        (r#"{"max_tokens":700}"#, 700),
        (r#"{"max_completion_tokens":701}"#, 701),
        (r#"{"max_output_tokens":702}"#, 702),
        (r#"{"generationConfig":{"maxOutputTokens":703}}"#, 703),
        (r#"{"max_tokens":700,"n":3}"#, 2_100),
        (r#"{"max_tokens":700,"best_of":4,"n":2}"#, 2_800),
        (
            r#"{"generationConfig":{"maxOutputTokens":600,"candidateCount":2}}"#,
            1_200,
        ),
        // More than counts, and less than is reserved already.
        (r#"{"max_tokens":9000}"#, 8_192),
        (r#"{"max_tokens":3}"#, 512),
        (r#"{"n":2}"#, 1_024),
        // Not theirs.
        (r#"{"messages":[{"max_tokens":900}]}"#, 512),
    ];
    for (body, output) in table {
        let gateway = tpm(SLOW);
        let exchange = chat(&gateway, body);
        assert!(!exchange.is_refused());
        assert_eq!(
            left(&gateway, "tpm"),
            10_000 - input(body) - output,
            "{body}"
        );
        exchange.reset();
    }
}

#[test]
fn what_is_reserved_is_the_operators_choice() {
    let gateway = gateway(&format!(
        r#""limits": {{"tpm": {{{SLOW}}}}}, "status": {{"path": "/status"}},
           "routes": [{{"match": {{}}, "limits": ["tpm"], "tokens": {{"reserve":
           {{"bytes_per_token": 2, "max_input": 100, "output": 10, "max_output": 20}}}}}}]"#
    ));
    let exchange = chat(&gateway, r#"{"a":1}"#);
    assert_eq!(left(&gateway, "tpm"), 10_000 - 4 - 10);
    exchange.reset();
    let before = left(&gateway, "tpm");
    let long = format!(r#"{{"max_tokens":500,"x":"{}"}}"#, "y".repeat(1_000));
    let exchange = chat(&gateway, &long);
    assert_eq!(left(&gateway, "tpm"), before - 100 - 20);
    exchange.reset();
}

#[test]
fn of_fifty_calls_at_once_ten_pass_that_a_budget_holds_by_estimate() {
    let body = asking(500);
    let each = input(&body) + 512;
    let gateway = tpm(&format!(
        r#""rate": "1/m", "burst": {}, "unit": "tokens""#,
        each * 10
    ));
    let calls: Vec<_> = (0..50).map(|_| chat(&gateway, &body)).collect();
    let (refused, passed): (Vec<_>, Vec<_>) = calls.into_iter().partition(|call| call.is_refused());
    assert_eq!(passed.len(), 10);
    for call in refused {
        // The upstream saw nothing at all of them.
        assert!(call.is_held_at_headers());
        assert_eq!(call.upstream_has(), (Vec::new(), false));
        let answer = call.end();
        assert_eq!((answer.status, &*answer.details), (429, "tollgate_tpm"));
    }
    for call in passed {
        assert!(answered(call, &usage(10, 3)).passed());
    }
    assert_eq!(left(&gateway, "tpm"), each * 10 - 130);
}

#[test]
fn more_than_a_bucket_holds_is_all_that_it_holds() {
    let gateway = gateway(
        r#""limits": {"rpm": {"rate": "1/d", "burst": 10},
                      "tpm": {"rate": "1/d", "burst": 1000, "unit": "tokens"},
                      "at-once": {"concurrency": 2}},
           "status": {"path": "/status"}"#,
    );
    let body = asking(2_000);
    for _ in 0..10 {
        // 1000 are all there are, so as many are asked for, and fit: then nothing does.
        let first = chat(&gateway, &body);
        assert!(!first.is_refused());
        let second = chat(&gateway, &body);
        assert!(second.is_refused() && second.is_held_at_headers());
        second.end();
        assert!(answered(first, &usage(0, 0)).passed());
    }
    assert_eq!(left(&gateway, "tpm"), 1_000);
    assert_eq!(left(&gateway, "rpm"), 0);
}

#[test]
fn a_client_that_has_some_left_is_refused_at_its_bodys_end() {
    let gateway = gateway(
        r#""limits": {"rpm": {"rate": "1/d", "burst": 10},
                      "tpm": {"rate": "1/s", "burst": 2000, "unit": "tokens"},
                      "at-once": {"concurrency": 2}},
           "status": {"path": "/status"}"#,
    );
    let first = chat(&gateway, &asking(1_000));
    let body = asking(1_500);
    for _ in 0..20 {
        let mut exchange = gateway.exchange(&Request::chat("alice").sized(&body));
        assert!(!exchange.is_held_at_headers());
        let (most, last) = body.split_at(body.len() - 1);
        exchange.send(most, false);
        assert!(!exchange.is_refused());
        // Envoy says of HTTP/1 only afterwards that this was the end, and closes the
        // client's connection if it is answered before.
        exchange.send(last, false);
        assert!(!exchange.is_refused());
        assert_eq!(exchange.upstream_has(), (most.into(), false));
        exchange.send("", true);
        assert!(exchange.is_refused());
        // Never the body's end.
        assert_eq!(exchange.upstream_has(), (most.into(), false));
        let answer = exchange.end();
        assert_eq!((answer.status, &*answer.details), (429, "tollgate_tpm"));
        assert_eq!(answer.state, "denied:tpm");
        // As many are missing, one a second.
        let missing = 1_500 + input(&body) - (2_000 - 1_000 - input(&asking(1_000)));
        assert_eq!(answer.header("retry-after").unwrap(), missing.to_string());
        let left = 2_000 - 1_000 - input(&asking(1_000));
        let shown = format!(r#""tpm";r={left};t={missing};qu="tokens""#);
        assert_eq!(answer.header("ratelimit").unwrap(), shown);
    }
    assert_eq!(left(&gateway, "rpm"), 9);
    assert_eq!(left(&gateway, "at-once"), 1);
    assert_eq!(gateway.counter("tollgate.limit.tpm.denied"), 20);
    assert_eq!(gateway.counter("tollgate.limit.rpm.allowed"), 1);
    first.reset();
}

#[test]
fn input_and_output_are_counted_apart() {
    let gateway = gateway(
        r#""limits": {"itpm": {"rate": "1/d", "burst": 1000, "unit": "input_tokens"},
                      "otpm": {"rate": "1/d", "burst": 2000, "unit": "output_tokens"},
                      "all": {"quota": 5000, "per": "day", "unit": "tokens"}},
           "status": {"path": "/status"}"#,
    );
    let body = asking(600);
    let call = chat(&gateway, &body);
    let all = |gateway| ["itpm", "otpm", "all"].map(|limit| left(gateway, limit));
    let read = input(&body);
    assert_eq!(
        all(&gateway),
        [1_000 - read, 2_000 - 600, 5_000 - read - 600]
    );
    answered(call, &usage(30, 44));
    assert_eq!(all(&gateway), [970, 1_956, 4_926]);
}

#[test]
fn a_shadow_of_tokens_counts_and_never_denies() {
    let gateway = gateway(
        r#""limits": {"rpm": {"rate": "1/d", "burst": 3},
                      "tpm": {"rate": "1/d", "burst": 600, "unit": "tokens", "mode": "shadow"}}"#,
    );
    let body = asking(10);
    let first = chat(&gateway, &body);
    let second = chat(&gateway, &body);
    assert!(!first.is_refused() && !second.is_refused());
    assert_eq!(answered(second, &usage(1, 1)).state, "shadow:tpm");
    assert_eq!(answered(first, &usage(1, 1)).state, "allowed");
    assert_eq!(gateway.counter("tollgate.limit.tpm.shadow_denied"), 1);
    assert_eq!(gateway.counter("tollgate.limit.tpm.allowed"), 1);
    // What another limit denies takes no tokens, and reserves none.
    let third = chat(&gateway, &body);
    assert!(!third.is_refused());
    let reserved = gateway.counter("tollgate.tokens.reserved");
    for _ in 0..5 {
        assert!(chat(&gateway, &body).is_refused());
    }
    assert_eq!(gateway.counter("tollgate.tokens.reserved"), reserved);
    answered(third, &usage(1, 1));
}
