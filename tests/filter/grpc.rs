//! What a gRPC client gets for a request that does not pass.

use crate::host::{Answer, Gateway, Redis, Request, Response, Step};
use crate::refusals::{denied, gateway, SECOND};

fn grpc() -> Request {
    Request::of("a").header("content-type", "application/grpc+proto")
}

#[test]
fn grpc_is_told_in_trailers_whatever_the_status_and_the_body_are() {
    for feedback in ["{}", r#"{"status": 503, "body": "anthropic"}"#] {
        let denied = denied(&gateway(feedback), &grpc());
        assert_eq!((denied.status, &*denied.body), (200, ""));
        for (name, value) in [
            ("grpc-status", "8"),
            (
                "grpc-message",
                "Client exceeded sending requests. Please try again after 3600 seconds.",
            ),
            ("content-type", "application/grpc"),
            ("retry-after", "3600"),
            ("x-should-retry", "false"),
            ("ratelimit", r#""rph";r=0;t=3600"#),
        ] {
            assert_eq!(denied.header(name), Some(value), "{name}");
        }
        assert_eq!(
            (&*denied.details, &*denied.state),
            ("tollgate_rph", "denied:rph")
        );
    }
}

/// gRPC-Web without Envoy's filter for it is HTTP to Envoy, and so is a kind of
/// content that is no text.
#[test]
fn what_is_no_grpc_is_answered_in_http() {
    for kind in [
        &b"application/grpc-web+proto"[..],
        b"application/grpc\xff",
        b"\xff",
    ] {
        let request = Request::of("a").header("content-type", kind);
        let denied = denied(&gateway("{}"), &request);
        assert_eq!(denied.status, 429, "{kind:?}");
        assert_eq!(denied.header("grpc-status"), None);
        assert_eq!(
            denied.header("content-type"),
            Some("application/problem+json")
        );
    }
}

#[test]
fn every_refusal_has_a_status_of_grpc() {
    let gateway = gateway("{}");
    let status = |answer: Answer| {
        assert_eq!(answer.status, 200);
        answer.header("grpc-status").map(ToOwned::to_owned)
    };
    let nobody = Request::get("/").header("content-type", "application/grpc");
    assert_eq!(status(gateway.send(&nobody)).as_deref(), Some("16"));
    let twice = grpc().header("x-api-key", "b");
    assert_eq!(status(gateway.send(&twice)).as_deref(), Some("3"));
    gateway.lose_races(1_000);
    assert_eq!(status(gateway.send(&grpc())).as_deref(), Some("8"));
}

/// The request's headers are read anew where Redis' answer decides.
#[test]
fn grpc_is_told_so_after_redis_too() {
    let gateway = Gateway::start(
        r#"{"client_from": [{"ip": {}}], "limits": {"l": {"rate": "1/h", "scope": "cluster"}},
            "feedback": {"headers": ["anthropic"]},
            "redis": {"upstream": "r", "bridge": "upstash", "on_failure": "deny"}}"#,
    )
    .unwrap();
    gateway.set_wall(1_767_225_600 * SECOND);
    let mut redis = Redis::default();
    let request = Request::get("/").header("content-type", "application/grpc");
    assert!(gateway.ask(&mut redis, &request).passed());
    let denied = gateway.ask(&mut redis, &request);
    assert_eq!(denied.header("grpc-status"), Some("8"));
    assert_eq!(
        denied.header("anthropic-ratelimit-requests-reset"),
        Some("2026-01-01T01:00:00Z")
    );
    let other = request
        .clone()
        .attribute(&["source", "address"], "10.0.0.2:1");
    let Step::Asks(pending) = gateway.begin(&other) else {
        panic!("Redis is not asked");
    };
    let Step::Done(unavailable) = pending.answer(Response::timeout()) else {
        panic!("Redis is asked again");
    };
    assert_eq!(unavailable.header("grpc-status"), Some("14"));
    assert_eq!(unavailable.header("retry-after"), Some("1"));
}
