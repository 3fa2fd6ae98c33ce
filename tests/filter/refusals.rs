//! What the operator may say of refusals, for all routes or for one.

use std::time::Duration;

use crate::host::{Answer, Gateway, Request};

pub(crate) const SECOND: u64 = 1_000_000_000;

/// A gateway whose client has one request an hour.
pub(crate) fn gateway(feedback: &str) -> Gateway {
    let gateway = Gateway::start(&format!(
        r#"{{"client_from": [{{"header": "x-api-key"}}], "missing": "deny",
            "limits": {{"rph": {{"rate": "1/h"}}}}, "feedback": {feedback}}}"#
    ));
    gateway.unwrap()
}

pub(crate) fn denied(gateway: &Gateway, request: &Request) -> Answer {
    gateway.send(request);
    gateway.send(request)
}

fn names(answer: &Answer) -> Vec<&str> {
    answer.headers.iter().map(|(name, _)| &**name).collect()
}

#[test]
fn the_operator_chooses_the_status_of_denials() {
    let gateway = gateway(r#"{"status": 503, "body": "openai"}"#);
    let denied = denied(&gateway, &Request::of("a"));
    assert_eq!(denied.status, 503);
    assert_eq!(denied.header("content-type"), Some("application/json"));
    assert_eq!(
        denied.body,
        r#"{"error":{"message":"Client exceeded sending requests. Please try again after 3600 seconds.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#
    );
    assert_eq!(gateway.send(&Request::get("/")).status, 401);
}

#[test]
fn a_long_wait_is_not_to_be_sat_out() {
    let should_retry = |feedback| {
        let denied = denied(&gateway(feedback), &Request::of("a"));
        denied.header("x-should-retry").map(ToOwned::to_owned)
    };
    assert_eq!(should_retry("{}").as_deref(), Some("false"));
    assert_eq!(
        should_retry(r#"{"long_wait": "59m"}"#).as_deref(),
        Some("false")
    );
    assert_eq!(should_retry(r#"{"long_wait": "1h"}"#), None);
}

/// Who waits as told is served; who waits a second less is not.
#[test]
fn a_quotas_wait_reaches_exactly_the_next_period() {
    for per in ["hour", "day", "week", "month", "90s"] {
        let gateway = Gateway::start(&format!(
            r#"{{"client_from": [{{"header": "x-api-key"}}], "feedback": {{"body": "openai"}},
                "limits": {{"q": {{"quota": 1, "per": "{per}"}}}}}}"#
        ))
        .unwrap();
        // Some time in February 2028, and a part of a second.
        gateway.set_wall(1_834_000_000 * SECOND + 300_000_000);
        gateway.send(&Request::of("a"));
        let denied = gateway.send(&Request::of("a"));
        let wait: u64 = denied.header("retry-after").unwrap().parse().unwrap();
        assert!(denied.body.contains(r#""code":"insufficient_quota""#));
        assert_eq!(
            denied.header("x-should-retry"),
            (wait > 60).then_some("false"),
            "{per}"
        );
        gateway.advance(Duration::from_secs(wait - 1));
        assert_eq!(gateway.send(&Request::of("a")).status, 429, "{per}");
        gateway.advance(Duration::from_secs(1));
        assert!(gateway.send(&Request::of("a")).passed(), "{per}");
    }
}

#[test]
fn milliseconds_of_a_quotas_wait_reach_it_too() {
    let gateway = Gateway::start(
        r#"{"client_from": [{"ip": {}}], "limits": {"q": {"quota": 1, "per": "1m"}}}"#,
    )
    .unwrap();
    gateway.set_wall(1_834_000_020 * SECOND + 123_456_789);
    gateway.send(&Request::get("/"));
    let denied = gateway.send(&Request::get("/"));
    let wait: u64 = denied.header("retry-after-ms").unwrap().parse().unwrap();
    gateway.advance(Duration::from_millis(wait - 1));
    assert_eq!(gateway.send(&Request::get("/")).status, 429);
    gateway.advance(Duration::from_millis(1));
    assert!(gateway.send(&Request::get("/")).passed());
}

/// The route's fields, and the top's for what it leaves out.
#[test]
fn a_route_may_have_its_own_feedback() {
    let gateway = Gateway::start(
        r#"{"client_from": [{"ip": {}}], "limits": {"l": {"rate": "1/h"}},
            "feedback": {"headers": ["x-ratelimit"], "status": 503, "long_wait": "2h"},
            "routes": [
              {"match": {"prefix": "/openai/"}, "limits": ["l"],
               "feedback": {"headers": ["openai"], "body": "openai"}},
              {"match": {"prefix": "/free/"}, "limits": [],
               "feedback": {"headers": ["anthropic"]}},
              {"match": {}, "limits": ["l"]}]}"#,
    )
    .unwrap();
    let get = |path| {
        Request::get(path)
            .upstream("x-ratelimit-remaining", "999")
            .upstream("x-ratelimit-remaining-tokens", "999")
            .upstream("anthropic-ratelimit-tokens-limit", "999")
    };
    let passed = gateway.send(&get("/openai/a"));
    assert_eq!(
        names(&passed),
        [
            "x-ratelimit-remaining",
            "anthropic-ratelimit-tokens-limit",
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests"
        ]
    );
    let denied = gateway.send(&get("/openai/a"));
    assert_eq!(denied.status, 503);
    assert!(denied.body.starts_with(r#"{"error":"#));
    assert_eq!(
        names(&denied),
        [
            "content-type",
            "retry-after",
            "x-envoy-ratelimited",
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests"
        ]
    );
    let denied = gateway.send(&get("/"));
    assert_eq!(denied.status, 503);
    assert!(denied.body.contains(r#""violated-policies":["l"]"#));
    assert_eq!(denied.header("x-ratelimit-limit"), Some("1"));
    let free = gateway.send(&get("/free/a"));
    assert_eq!(
        names(&free),
        ["x-ratelimit-remaining", "x-ratelimit-remaining-tokens"]
    );
}

/// Nobody is to try again, and no time is told that will never come.
#[test]
fn a_plan_that_allows_nothing_says_so_for_good() {
    let gateway = Gateway::start(
        r#"{"client_from": [{"header": "x-api-key"}], "limits": {"l": {"rate": "1/s"}},
            "plans": {"suspended": {"l": "blocked"}}, "clients": {"a": {"plan": "suspended"}},
            "feedback": {"headers": ["ratelimit", "openai"], "body": "openai", "long_wait": "1d"}}"#,
    )
    .unwrap();
    let denied = gateway.send(&Request::of("a"));
    assert_eq!((denied.status, &*denied.state), (429, "denied:l"));
    let expected = [
        ("content-type", "application/json"),
        ("x-should-retry", "false"),
        ("x-envoy-ratelimited", "true"),
        ("ratelimit-policy", r#""l";q=0"#),
        ("ratelimit", r#""l";r=0"#),
        ("x-ratelimit-limit-requests", "0"),
        ("x-ratelimit-remaining-requests", "0"),
    ];
    assert_eq!(
        denied.headers,
        expected.map(|(name, value)| (name.into(), value.into()))
    );
    assert_eq!(
        denied.body,
        r#"{"error":{"message":"Client exceeded sending requests. The client's plan does not allow any.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#
    );
    assert!(gateway.send(&Request::of("b")).passed());
}

/// Which is on no route: the top's feedback holds, the last route's does not.
#[test]
fn who_asks_for_the_status_is_told_as_the_top_says() {
    let gateway = Gateway::start(
        r#"{"client_from": [{"header": "x-api-key"}], "limits": {"l": {"rate": "1/h"}},
            "status": {"path": "/ratelimit", "limits": ["l"]},
            "feedback": {"headers": ["anthropic"], "body": "text"},
            "routes": [{"match": {}, "limits": ["l"],
                        "feedback": {"headers": ["openai"], "body": "openai", "status": 503}}]}"#,
    )
    .unwrap();
    let asks = Request::of("a").with(":path", "/ratelimit");
    let told = gateway.send(&asks);
    assert_eq!(
        names(&told),
        ["content-type", "cache-control"],
        "{}",
        told.body
    );
    let denied = gateway.send(&asks);
    assert_eq!(denied.status, 429);
    assert!(denied.body.starts_with("Client exceeded"));
    assert_eq!(
        denied.header("anthropic-ratelimit-requests-limit"),
        Some("1")
    );
    assert_eq!(denied.header("x-ratelimit-limit-requests"), None);
    assert_eq!(gateway.send(&Request::of("a")).status, 503);
}
