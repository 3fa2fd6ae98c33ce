//! What the client is told.

use std::time::Duration;

use crate::host::{Gateway, Request};

fn gateway(feedback: &str) -> Gateway {
    Gateway::start(&format!(
        r#"{{"client_from": [{{"header": "x-api-key"}}],
            "limits": {{"rpm": {{"rate": "15/m", "burst": 2}}, "day": {{"rate": "1000/d"}}}},
            "feedback": {feedback}}}"#
    ))
    .unwrap()
}

#[test]
fn an_allowed_request_shows_every_policy_and_the_tightest_limit() {
    let answer = gateway("{}").send(&Request::of("a"));
    assert_eq!(
        answer.headers,
        [
            (
                "ratelimit-policy".into(),
                r#""rpm";q=2;w=8, "day";q=1000;w=86400"#.into()
            ),
            ("ratelimit".into(), r#""rpm";r=1;t=4"#.into()),
        ]
    );
    assert_eq!(answer.state, "allowed");
}

#[test]
fn the_tightest_limit_is_the_one_with_the_smallest_share_left() {
    let gateway = Gateway::start(
        r#"{"client_from": [{"ip": {}}],
            "limits": {"big": {"rate": "1/d", "burst": 1000}, "small": {"rate": "1/s", "burst": 3}}}"#,
    )
    .unwrap();
    let first = gateway.send(&Request::get("/"));
    assert_eq!(first.header("ratelimit"), Some(r#""small";r=2;t=1"#));
    gateway.advance(Duration::from_secs(60));
    for _ in 0..400 {
        gateway.advance(Duration::from_secs(1));
        gateway.send(&Request::get("/"));
    }
    let last = gateway.send(&Request::get("/"));
    assert_eq!(last.header("ratelimit"), Some(r#""small";r=1;t=2"#));
    gateway.advance(Duration::from_secs(10));
    for _ in 0..400 {
        gateway.advance(Duration::from_secs(1));
        gateway.send(&Request::get("/"));
    }
    let last = gateway.send(&Request::get("/"));
    assert!(
        last.header("ratelimit")
            .unwrap()
            .starts_with(r#""big";r=197;"#),
        "{last:?}"
    );
}

#[test]
fn a_denial_is_a_problem_that_says_which_limit_and_when_to_come_back() {
    let gateway = gateway("{}");
    gateway.send(&Request::of("a"));
    gateway.send(&Request::of("a"));
    gateway.advance(Duration::from_millis(500));
    let denied = gateway.send(&Request::of("a").upstream("x", "never seen"));
    assert_eq!(denied.status, 429);
    assert_eq!(denied.details, "tollgate_rpm");
    assert_eq!(denied.state, "denied:rpm");
    let expected = [
        ("content-type", "application/problem+json"),
        ("retry-after", "4"),
        ("retry-after-ms", "3500"),
        ("x-envoy-ratelimited", "true"),
        ("ratelimit-policy", r#""rpm";q=2;w=8"#),
        ("ratelimit", r#""rpm";r=0;t=4"#),
    ];
    assert_eq!(
        denied.headers,
        expected.map(|(name, value)| (name.into(), value.into()))
    );
    assert_eq!(
        denied.body,
        r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too Many Requests","status":429,"detail":"Client exceeded sending requests. Please try again after 4 seconds.","violated-policies":["rpm"]}"#
    );
}

#[test]
fn a_denial_by_two_limits_shows_the_longest_wait_alone() {
    let gateway = Gateway::start(
        r#"{"client_from": [{"ip": {}}],
            "limits": {"s": {"rate": "1/10s"}, "h": {"rate": "1/h"}, "m": {"rate": "1/m"}},
            "feedback": {"headers": ["ratelimit", "x-ratelimit"]}}"#,
    )
    .unwrap();
    gateway.send(&Request::get("/"));
    let denied = gateway.send(&Request::get("/"));
    for (name, value) in [
        ("retry-after", "3600"),
        ("ratelimit-policy", r#""h";q=1;w=3600"#),
        ("ratelimit", r#""h";r=0;t=3600"#),
        ("x-ratelimit-limit", "1"),
        ("x-ratelimit-reset", "3600"),
    ] {
        assert_eq!(denied.header(name), Some(value), "{name}");
    }
}

#[test]
fn long_waits_are_told_in_seconds_only() {
    let gateway = Gateway::start(
        r#"{"client_from": [{"ip": {}}], "limits": {"l": {"rate": "1/m"}, "m": {"rate": "1/61s"}},
            "routes": [{"match": {"prefix": "/m"}, "limits": ["m"]}, {"match": {}, "limits": ["l"]}]}"#,
    )
    .unwrap();
    for (path, seconds, millis) in [("/", "60", Some("60000")), ("/m", "61", None)] {
        gateway.send(&Request::get(path));
        let denied = gateway.send(&Request::get(path));
        assert_eq!(denied.header("retry-after"), Some(seconds));
        assert_eq!(denied.header("retry-after-ms"), millis);
    }
}

#[test]
fn the_body_may_be_one_sentence() {
    let gateway = Gateway::start(
        r#"{"client_from": [{"ip": {}}], "limits": {"l": {"rate": "1/s"}}, "feedback": {"body": "text"}}"#,
    )
    .unwrap();
    gateway.send(&Request::get("/"));
    let denied = gateway.send(&Request::get("/"));
    assert_eq!(
        denied.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(
        denied.body,
        "Client exceeded sending requests. Please try again after 1 second."
    );
}

#[test]
fn dialects_may_be_several_or_none() {
    let both = gateway(r#"{"headers": ["ratelimit", "x-ratelimit"]}"#).send(&Request::of("a"));
    assert_eq!(both.header("ratelimit"), Some(r#""rpm";r=1;t=4"#));
    assert_eq!(both.header("x-ratelimit-limit"), Some("2"));
    assert_eq!(both.header("x-ratelimit-remaining"), Some("1"));
    assert_eq!(both.header("x-ratelimit-reset"), Some("4"));
    assert_eq!(
        gateway(r#"{"headers": []}"#)
            .send(&Request::of("a"))
            .headers,
        []
    );
}

#[test]
fn the_upstreams_own_headers_of_the_chosen_dialects_are_replaced() {
    let request = Request::of("a")
        .upstream("ratelimit", r#""operator";r=999;t=1"#)
        .upstream("x-ratelimit-remaining", "999");
    let answer = gateway("{}").send(&request);
    assert_eq!(answer.header("ratelimit"), Some(r#""rpm";r=1;t=4"#));
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("999"));
    let answer = gateway(r#"{"headers": ["x-ratelimit"]}"#).send(&request);
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("1"));
}

/// Where Tollgate has nothing to say, the operator's account is still no
/// client's business.
#[test]
fn the_upstreams_own_headers_are_removed_from_a_free_route() {
    let gateway = Gateway::start(
        r#"{"client_from": [{"ip": {}}], "limits": {"l": {"rate": "1/s"}},
            "routes": [{"match": {"prefix": "/free"}, "limits": []}, {"match": {}, "limits": ["l"]}]}"#,
    )
    .unwrap();
    let request = Request::get("/free")
        .upstream("ratelimit", r#""operator";r=999;t=1"#)
        .upstream("ratelimit-policy", r#""operator";q=999;w=1"#)
        .upstream("x-other", "kept");
    let answer = gateway.send(&request);
    assert!(answer.passed());
    assert_eq!(answer.headers, [("x-other".to_owned(), "kept".to_owned())]);
}
