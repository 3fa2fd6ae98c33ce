//! The worked example of docs/token-budgets.md: its configuration, its numbers.

use std::time::Duration;

use super::{answered, left, usage};
use crate::host::{Exchange, Gateway, Request};

const PAGE: &str = include_str!("../../../docs/token-budgets.md");

/// The example's own configuration, with a place to ask what is left.
fn gateway() -> Gateway {
    let example = PAGE.split("## A worked example").nth(1).unwrap();
    let block = example.split("```json\n").nth(1).unwrap();
    let json = block.split("```").next().unwrap();
    let mut config: serde_json::Value = serde_json::from_str(json).unwrap();
    config["status"] = serde_json::json!({"path": "/status"});
    Gateway::start(&config.to_string()).unwrap_or_else(|logs| panic!("{logs:#?}"))
}

/// A call whose body has 1,000 bytes.
fn body(max_tokens: &str) -> String {
    let frame = format!(r#"{{"model":"m",{max_tokens}"prompt":""}}"#);
    let prompt = "a".repeat(1_000 - frame.len());
    frame.replace(r#""prompt":"""#, &format!(r#""prompt":"{prompt}""#))
}

fn headers(gateway: &Gateway, body: &str) -> Exchange {
    gateway.exchange(&Request::chat("alice").sized(body))
}

fn tokens(gateway: &Gateway, what: &str) -> u64 {
    gateway.counter(&format!("tollgate.tokens.{what}"))
}

/// Says so if the page does not say this.
#[track_caller]
fn page_says(words: &str) {
    let page: Vec<&str> = PAGE.split_whitespace().collect();
    assert!(page.join(" ").contains(words), "not on the page: {words}");
}

/// The calls that pass of a hundred.
fn a_hundred(gateway: &Gateway) -> Vec<Exchange> {
    let body = body(r#""max_tokens":750,"#);
    let mut passed = Vec::new();
    for _ in 0..100 {
        let mut call = headers(gateway, &body);
        call.send(&body, true);
        if !call.is_refused() {
            passed.push(call);
            continue;
        }
        // Nothing of it has reached the upstream.
        assert!(call.is_held_at_headers());
        let answer = call.end();
        assert_eq!(answer.header("retry-after").unwrap(), "4");
    }
    passed
}

#[test]
fn a_hundred_calls_at_once() {
    let gateway = gateway();
    let body = body(r#""max_tokens":750,"#);
    let mut first = headers(&gateway, &body);
    assert_eq!(left(&gateway, "tpm"), 10_000 - 762);
    page_says("1,000 / 4 + 512 = 762");
    first.send(&body, true);
    assert_eq!(left(&gateway, "tpm"), 10_000 - 1_000);
    page_says("1,000 / 4 + 750 = 1,000");
    first.reset();
    gateway.advance(Duration::from_secs(50));

    let passed = a_hundred(&gateway);
    assert_eq!((passed.len(), left(&gateway, "tpm")), (10, 0));
    page_says("Ten pass; 90 are refused at their headers with `Retry-After: 4`");

    gateway.advance(Duration::from_secs(2));
    assert_eq!(left(&gateway, "tpm"), 400);
    for call in passed {
        assert!(answered(call, &usage(240, 310)).passed());
    }
    assert_eq!(left(&gateway, "tpm"), 400 + 10 * 450);
    page_says("400 + 10 × 450 = 4,900");
    assert_eq!(tokens(&gateway, "used"), 10 * 550);

    // One without a maximum, that takes more than was reserved.
    let open = self::body("");
    let mut call = headers(&gateway, &open);
    call.send(&open, true);
    assert_eq!(left(&gateway, "tpm"), 4_900 - 762);
    answered(call, &usage(250, 6_000));
    assert_eq!(left(&gateway, "tpm"), 0);
    let refused = headers(&gateway, &open).end();
    assert_eq!(refused.header("retry-after").unwrap(), "11");
    page_says("4,900 − 6,250 = −1,350");
    page_says("(1,350 + 762) / 200, rounded up: `Retry-After: 11`");
}

/// However headers and bodies of the hundred come through each other.
#[test]
fn as_many_pass_where_all_headers_come_first() {
    let gateway = gateway();
    let body = body(r#""max_tokens":750,"#);
    let calls: Vec<Exchange> = (0..100).map(|_| headers(&gateway, &body)).collect();
    let (held, mut begun): (Vec<_>, Vec<_>) = calls
        .into_iter()
        .partition(|call| call.is_held_at_headers());
    assert_eq!((held.len(), begun.len()), (87, 13));
    page_says("13 get past their headers");
    for call in &mut begun {
        call.send(&body, true);
    }
    let (cut, passed): (Vec<_>, Vec<_>) = begun.into_iter().partition(Exchange::is_refused);
    assert_eq!((cut.len(), passed.len()), (3, 10));
    page_says("3 of them are refused at the end of their bodies");
    for call in held.into_iter().chain(cut) {
        assert_eq!(call.end().status, 429);
    }
    for call in passed {
        answered(call, &usage(240, 310));
    }
    assert_eq!(left(&gateway, "tpm"), 10_000 - 5_500);
    // What was reserved for those that were refused has come back.
    let kept = tokens(&gateway, "reserved") - tokens(&gateway, "returned");
    assert_eq!((kept, tokens(&gateway, "used")), (5_500, 5_500));
    assert_eq!(gateway.counter("tollgate.limit.tpm.denied"), 90);
    assert_eq!(gateway.counter("tollgate.limit.tpm.allowed"), 10);
}

#[test]
fn a_long_stream_gets_back_what_time_has_not() {
    let after = |seconds| {
        let gateway = gateway();
        let body = body(r#""max_tokens":750,"#);
        let mut call = headers(&gateway, &body);
        call.send(&body, true);
        gateway.advance(Duration::from_secs(seconds));
        let before = left(&gateway, "tpm");
        answered(call, &usage(240, 310));
        (before, left(&gateway, "tpm"))
    };
    assert_eq!(after(1), (9_200, 9_650));
    page_says("after 1 second it gets 450 back (9,200 become 9,650)");
    assert_eq!(after(4), (9_800, 10_000));
    page_says("after 4 seconds 200 (9,800 become 10,000)");
    assert_eq!(after(5), (10_000, 10_000));
    page_says("after 5 nothing");
}
