//! The dialects of the model providers, in the place of their own headers.

use std::time::Duration;

use crate::host::{Answer, Gateway, Reads, Request};

const SECOND: u64 = 1_000_000_000;

fn gateway(limits: &str, headers: &str) -> Gateway {
    let gateway = Gateway::start(&format!(
        r#"{{"client_from": [{{"header": "x-api-key"}}], "limits": {limits},
            "feedback": {{"headers": {headers}}}}}"#
    ));
    gateway.unwrap()
}

const RPM: &str = r#"{"rpm": {"rate": "15/m", "burst": 10}}"#;

/// A request that a provider answers whose account is nobody's business.
fn behind_providers() -> Request {
    [
        "x-ratelimit-limit",
        "x-ratelimit-limit-requests",
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-project-tokens",
        "x-ratelimit-reset-tokens",
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-unified-5h-status",
        "anthropic-priority-input-tokens-limit",
        "anthropic-organization-id",
    ]
    .into_iter()
    .fold(Request::of("a"), |request, name| {
        request.upstream(name, "the operator's")
    })
    // Envoy keeps lines apart that it does not know.
    .upstream("x-ratelimit-limit-tokens", "the operator's")
}

fn names(answer: &Answer) -> Vec<&str> {
    answer.headers.iter().map(|(name, _)| &**name).collect()
}

#[test]
fn openais_headers_take_the_place_of_openais() {
    let answer = gateway(RPM, r#"["openai"]"#).send(&behind_providers());
    for (name, value) in [
        ("x-ratelimit-limit-requests", "10"),
        ("x-ratelimit-remaining-requests", "9"),
        ("x-ratelimit-reset-requests", "4s"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert_eq!(
        names(&answer),
        [
            "x-ratelimit-limit",
            "anthropic-ratelimit-requests-limit",
            "anthropic-ratelimit-unified-5h-status",
            "anthropic-priority-input-tokens-limit",
            "anthropic-organization-id",
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
        ]
    );
}

#[test]
fn anthropics_headers_take_the_place_of_anthropics() {
    let gateway = gateway(RPM, r#"["anthropic"]"#);
    // 2027-12-31 23:59:55.1 UTC.
    gateway.set_wall(1_830_297_595 * SECOND + SECOND / 10);
    let answer = gateway.send(&behind_providers());
    for (name, value) in [
        ("anthropic-ratelimit-requests-limit", "10"),
        ("anthropic-ratelimit-requests-remaining", "9"),
        ("anthropic-ratelimit-requests-reset", "2028-01-01T00:00:00Z"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert_eq!(
        names(&answer),
        [
            "x-ratelimit-limit",
            "x-ratelimit-limit-requests",
            "x-ratelimit-limit-tokens",
            "x-ratelimit-remaining-project-tokens",
            "x-ratelimit-reset-tokens",
            "anthropic-organization-id",
            "x-ratelimit-limit-tokens",
            "anthropic-ratelimit-requests-limit",
            "anthropic-ratelimit-requests-remaining",
            "anthropic-ratelimit-requests-reset",
        ]
    );
}

/// A model answers when it is done, and that is no later for the limit.
#[test]
fn a_time_is_told_as_it_was_when_the_request_passed() {
    let gateway = gateway(RPM, r#"["anthropic"]"#);
    gateway.set_wall(1_767_225_600 * SECOND);
    let open = gateway.open(&Request::of("a"));
    gateway.advance(Duration::from_secs(90));
    assert_eq!(
        open.complete().header("anthropic-ratelimit-requests-reset"),
        Some("2026-01-01T00:00:04Z")
    );
}

/// Where Tollgate has nothing to say in a provider's words, the provider has
/// nothing to say either.
#[test]
fn what_is_not_shown_is_removed() {
    let all = r#"["openai", "anthropic", "x-ratelimit"]"#;
    let at_once = gateway(r#"{"at-once": {"concurrency": 4}}"#, all);
    let request = behind_providers().upstream("x-ratelimit-reset", "the operator's");
    let answer = at_once.send(&request);
    assert_eq!(
        names(&answer),
        [
            "anthropic-organization-id",
            "x-ratelimit-limit",
            "x-ratelimit-remaining"
        ]
    );
    assert_eq!(answer.header("x-ratelimit-limit"), Some("4"));

    let free = Gateway::start(&format!(
        r#"{{"client_from": [{{"ip": {{}}}}], "limits": {RPM}, "feedback": {{"headers": {all}}},
            "routes": [{{"match": {{}}, "limits": []}}]}}"#
    ));
    let answer = free.unwrap().send(&request);
    assert_eq!(names(&answer), ["anthropic-organization-id"]);
}

#[test]
fn of_two_limits_the_one_in_requests_is_shown() {
    let limits = r#"{"at-once": {"concurrency": 2}, "rpm": {"rate": "15/m", "burst": 10}}"#;
    let answer = gateway(limits, r#"["ratelimit", "openai"]"#).send(&Request::of("a"));
    assert_eq!(answer.header("ratelimit"), Some(r#""at-once";r=1"#));
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("9"));
}

#[test]
fn a_denial_by_slots_says_nothing_of_requests() {
    let limits = r#"{"at-once": {"concurrency": 1}, "rpm": {"rate": "15/m", "burst": 10}}"#;
    let gateway = gateway(limits, r#"["ratelimit", "openai", "anthropic"]"#);
    let open = gateway.open(&Request::of("a"));
    let denied = gateway.send(&Request::of("a"));
    assert_eq!(
        names(&denied),
        [
            "content-type",
            "retry-after",
            "retry-after-ms",
            "x-envoy-ratelimited",
            "ratelimit-policy",
            "ratelimit"
        ]
    );
    open.complete();
    let passed = gateway.send(&Request::of("a"));
    assert_eq!(passed.header("x-ratelimit-remaining-requests"), Some("8"));
}

/// Each reading is a call of the host, on every request.
#[test]
fn only_what_is_chosen_is_paid_for() {
    let none = Reads {
        pages: 1,
        ..Reads::default()
    };
    let map = Reads {
        response_headers: 1,
        ..none
    };
    let both = Reads { wall: 1, ..map };
    for (headers, expected) in [
        (r#"[]"#, none),
        (r#"["ratelimit", "x-ratelimit"]"#, none),
        (r#"["openai"]"#, map),
        (r#"["openai", "anthropic"]"#, both),
    ] {
        let gateway = gateway(RPM, headers);
        gateway.reads();
        assert!(gateway.send(&Request::of("a")).passed());
        assert_eq!(gateway.reads(), expected, "{headers}");
    }
    let slow = gateway(r#"{"l": {"rate": "1/d"}}"#, r#"["openai", "anthropic"]"#);
    slow.send(&Request::of("a"));
    slow.reads();
    assert_eq!(slow.send(&Request::of("a")).status, 429);
    // Envoy takes the reply through the callbacks too: it is Tollgate's own.
    assert_eq!(slow.reads(), Reads { wall: 1, ..none });
}
