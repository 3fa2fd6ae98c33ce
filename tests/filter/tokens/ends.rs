//! How requests end, and that no way is cheaper than the honest one.

use std::time::Duration;

use super::{answered, asking, chat, input, left, tpm, usage, SLOW};
use crate::host::{Gateway, Request};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const EVENTS: &[(&str, &str)] = &[("content-type", "text/event-stream")];

/// What one request costs that ends so.
fn cost(end: impl FnOnce(&Gateway)) -> u64 {
    let gateway = tpm(SLOW);
    end(&gateway);
    10_000 - left(&gateway, "tpm")
}

#[test]
fn no_usage_costs_what_was_reserved() {
    let body = asking(100);
    let reserved = input(&body) + 512;
    let silent = cost(|gateway| {
        answered(chat(gateway, &body), r#"{"choices":[]}"#);
        assert_eq!(gateway.counter("tollgate.tokens.unreported"), reserved);
    });
    assert_eq!(silent, reserved);
    let gone = cost(|gateway| {
        let mut call = chat(gateway, &body);
        call.respond(200, EVENTS);
        call.receive(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
            false,
        );
        call.reset();
        assert_eq!(gateway.counter("tollgate.tokens.unreported"), reserved);
    });
    assert_eq!(gone, reserved);
    let compressed = cost(|gateway| {
        let mut call = chat(gateway, &body);
        call.respond(
            200,
            &[
                ("content-type", "application/json"),
                ("content-encoding", "gzip"),
            ],
        );
        call.receive([0x1f, 0x8b, 8, 0, 0, 0, 0, 0], true);
        call.end();
    });
    assert_eq!(compressed, reserved);
    let no_answer = cost(|gateway| {
        let mut call = gateway.exchange(
            &Request::chat("alice")
                .sized(&body)
                .attribute(&["upstream", "local_address"], "10.0.0.1:40000"),
        );
        call.send(&body, true);
        call.reset();
    });
    assert_eq!(no_answer, reserved);
}

#[test]
fn what_has_passed_costs_more_where_it_is_more() {
    let long = cost(|gateway| {
        let mut call = chat(gateway, &asking(100));
        call.respond(200, EVENTS);
        for _ in 0..2_000 {
            call.receive(
                "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
                false,
            );
        }
        call.reset();
    });
    assert_eq!(long, input(&asking(100)) + 2_000);
}

#[test]
fn a_failure_without_usage_gives_the_tokens_back() {
    for status in [400, 401, 404, 429, 500, 503] {
        let failed = cost(|gateway| {
            let mut call = chat(gateway, &asking(100));
            call.respond(status, JSON);
            call.receive(r#"{"error":{"message":"no"}}"#, true);
            call.end();
            assert_eq!(gateway.counter("tollgate.tokens.unreported"), 0);
        });
        assert_eq!(failed, 0, "{status}");
        let without_a_body = cost(|gateway| {
            let mut call = chat(gateway, &asking(100));
            call.respond_to_end(status, JSON, true);
            call.end();
        });
        assert_eq!(without_a_body, 0, "{status}");
    }
}

#[test]
fn a_failure_with_usage_costs_that() {
    let failed = cost(|gateway| {
        let mut call = chat(gateway, &asking(100));
        call.respond(500, JSON);
        call.receive(usage(12, 3), true);
        call.end();
    });
    assert_eq!(failed, 15);
}

#[test]
fn a_request_that_never_reached_an_upstream_gives_its_tokens_back() {
    let unreached = cost(|gateway| chat(gateway, &asking(100)).reset());
    assert_eq!(unreached, 0);
}

#[test]
fn a_client_that_hangs_up_after_the_last_word_pays_what_was_said() {
    let gone = cost(|gateway| {
        let mut call = chat(gateway, &asking(100));
        call.respond(200, EVENTS);
        call.receive(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}\n\n",
            false,
        );
        call.receive(format!("data: {}\n\n", usage(9, 4)), false);
        call.reset();
        assert_eq!(gateway.counter("tollgate.tokens.unreported"), 0);
    });
    assert_eq!(gone, 13);
}

#[test]
fn an_overrun_is_owed_up_to_ten_bursts_and_the_rest_forgiven() {
    let gateway = tpm(r#""rate": "1/s", "burst": 100, "unit": "tokens""#);
    answered(chat(&gateway, "{}"), &usage(0, 850));
    assert_eq!(left(&gateway, "tpm"), 0);
    let refused = chat(&gateway, "{}").end();
    // 750 owed, and a request is as large as the bucket.
    assert_eq!(refused.header("retry-after").unwrap(), "850");
    gateway.advance(Duration::from_secs(849));
    assert!(chat(&gateway, "{}").is_refused());
    gateway.advance(Duration::from_secs(1));
    let call = chat(&gateway, "{}");
    assert!(!call.is_refused());
    answered(call, &usage(0, 5_000));
    assert_eq!(gateway.counter("tollgate.tokens.forgiven"), 5_000 - 1_100);
    assert_eq!(
        chat(&gateway, "{}").end().header("retry-after").unwrap(),
        "1100"
    );
}

#[test]
fn what_time_has_refilled_is_not_given_back_again() {
    // Full again after ten seconds: a request held open for that long has nothing back.
    let gateway = tpm(r#""rate": "100/s", "burst": 1000, "unit": "tokens""#);
    let held = chat(&gateway, &asking(900));
    gateway.advance(Duration::from_secs(10));
    assert_eq!(left(&gateway, "tpm"), 1_000);
    let all = chat(&gateway, &asking(2_000));
    assert_eq!(left(&gateway, "tpm"), 0);
    answered(held, &usage(1, 1));
    assert_eq!(left(&gateway, "tpm"), 0);
    all.reset();
}

#[test]
fn a_busy_client_has_back_what_it_did_not_use() {
    // The bucket is never full meanwhile, so all of it comes back however long it took.
    let gateway = tpm(r#""rate": "100/s", "burst": 6000, "unit": "tokens""#);
    let other = chat(&gateway, &asking(4_000));
    let slow = chat(&gateway, &asking(1_000));
    let before = left(&gateway, "tpm");
    gateway.advance(Duration::from_secs(20));
    let reserved = 1_000 + input(&asking(1_000));
    answered(slow, &usage(10, 190));
    assert_eq!(left(&gateway, "tpm"), before + 2_000 + reserved - 200);
    other.reset();
}
