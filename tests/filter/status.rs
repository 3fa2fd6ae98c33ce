//! Where a client stands, when it asks.

use std::time::Duration;

use serde_json::{json, Value};
use tollgate::limit::Answer as Said;

use crate::host::{reply, Answer, Gateway, Redis, Request, Response, Store};

const SECOND: Duration = Duration::from_secs(1);

fn config(limits: &str, more: &str) -> String {
    format!(
        r#"{{"client_from": [{{"header": "x-api-key"}}], "limits": {{{limits}}},
             "status": {{"path": "/ratelimit"}}{more}}}"#
    )
}

fn gateway(limits: &str) -> Gateway {
    Gateway::start(&config(limits, "")).unwrap()
}

fn ask(client: &str) -> Request {
    Request::of(client).with(":path", "/ratelimit")
}

#[track_caller]
fn document(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.details, "tollgate_answered:status");
    assert_eq!(answer.state, "answered:status");
    serde_json::from_str(&answer.body).unwrap()
}

/// The limits that a client is told of, each by name with what is left and the reset.
#[track_caller]
fn told(answer: &Answer) -> Vec<(String, Value, Value)> {
    let document = document(answer);
    let limits = document["limits"].as_array().unwrap().iter();
    let told = limits.map(|limit| {
        let name = limit["name"].as_str().unwrap().to_owned();
        (name, limit["remaining"].clone(), limit["reset"].clone())
    });
    told.collect()
}

#[test]
fn a_client_asks_where_it_stands() {
    let gateway = gateway(
        r#""rpm": {"rate": "15/m", "burst": 10}, "weekly": {"quota": 1, "per": "week"},
           "at-once": {"concurrency": 4}"#,
    );
    let open = gateway.open(&Request::of("a"));
    let expected = json!({"plan": null, "limits": [
        {"name": "rpm", "unit": "requests", "limit": 10, "remaining": 9, "reset": 4,
         "message": "You can send 9 more requests in the next 4 seconds."},
        {"name": "weekly", "unit": "requests", "limit": 1, "remaining": 0, "reset": 345_600,
         "message": "You can send 0 more requests in the next 345600 seconds."},
        {"name": "at-once", "unit": "concurrent-requests", "limit": 4, "remaining": 3, "reset": null,
         "message": "You can send 3 more requests at the same time."},
    ]});
    assert_eq!(document(&gateway.send(&ask("a"))), expected);
    open.complete();
    let fresh = document(&gateway.send(&ask("b")));
    let message = |limit: usize| fresh["limits"][limit]["message"].clone();
    assert_eq!(message(0), "You can send 10 more requests.");
    assert_eq!(
        message(1),
        "You can send 1 more request in the next 345600 seconds."
    );
}

/// Asking costs nothing, however often.
#[test]
fn asking_charges_nothing_and_agrees_with_the_next_response() {
    let gateway =
        gateway(r#""rpm": {"rate": "15/m", "burst": 10}, "q": {"quota": 30, "per": "1h"}"#);
    for step in 0..30 {
        gateway.send(&ask("a"));
        let before = told(&gateway.send(&ask("a")));
        let answer = gateway.send(&Request::of("a"));
        let left = before[0].1.as_u64().unwrap();
        if answer.passed() {
            let header = answer.header("ratelimit").unwrap().to_owned();
            assert!(
                header.starts_with(&format!(r#""rpm";r={};"#, left - 1)),
                "{header}, {left}"
            );
            let after = told(&gateway.send(&ask("a")));
            let reset = after[0].2.as_u64().unwrap();
            assert!(
                header.ends_with(&format!(";t={reset}")),
                "{header}, {reset}"
            );
        } else {
            assert_eq!(left, 0);
        }
        gateway.advance(SECOND * (step % 3));
    }
    assert_eq!(
        gateway.counter("tollgate.limit.rpm.allowed")
            + gateway.counter("tollgate.limit.rpm.denied"),
        30
    );
}

#[test]
fn what_asks_and_what_does_not() {
    let gateway = gateway(r#""rpm": {"rate": "9/d"}"#);
    let is_answered =
        |request: &Request| gateway.send(request).details == "tollgate_answered:status";
    for path in [
        "/ratelimit",
        "/ratelimit?x=1",
        "//ratelimit",
        "/%72atelimit/",
    ] {
        assert!(is_answered(&ask("a").with(":path", path)), "{path}");
    }
    assert!(is_answered(&ask("a").with(":method", "HEAD")));
    for request in [
        ask("a").with(":method", "POST"),
        ask("a").with(":path", "/ratelimits"),
    ] {
        assert!(!is_answered(&request));
    }
    assert_eq!(gateway.counter("tollgate.limit.rpm.allowed"), 2);
}

#[test]
fn the_question_is_charged_where_the_operator_wants_it() {
    let limits = r#""rpm": {"rate": "9/d"}, "ask": {"rate": "2/m"}"#;
    let more = r#", "routes": [{"match": {}, "limits": ["rpm"]}]"#;
    let config =
        config(limits, more).replace(r#""/ratelimit"}"#, r#""/ratelimit", "limits": ["ask"]}"#);
    let gateway = Gateway::start(&config).unwrap();
    for _ in 0..2 {
        assert_eq!(
            told(&gateway.send(&ask("a"))),
            [("rpm".into(), 9.into(), 0.into())]
        );
    }
    let denied = gateway.send(&ask("a"));
    assert_eq!((denied.status, &*denied.details), (429, "tollgate_ask"));
    assert!(gateway.send(&ask("b")).status == 200);
}

/// Those of no route, of a path's variable, and those that nobody is to know of.
#[test]
fn limits_that_are_not_told_of() {
    let limits = r#""rpm": {"rate": "9/d"}, "unused": {"rate": "9/d"}, "s": {"rate": "9/d", "mode": "shadow"},
        "model": {"rate": "9/d", "client_from": [{"path_param": "m"}]},
        "ip": {"rate": "5/d", "client_from": [{"ip": {}}]}, "vip": {"rate": "5/d", "client_from": [{"header": "x-vip"}]}"#;
    let more = r#", "routes": [{"match": {"path": "/v1/{m}"}, "limits": ["rpm", "model", "s"]},
        {"match": {}, "limits": ["ip", "vip"]}]"#;
    let gateway = Gateway::start(&config(limits, more)).unwrap();
    let names = |request: &Request| -> Vec<String> {
        told(&gateway.send(request))
            .into_iter()
            .map(|(name, ..)| name)
            .collect()
    };
    assert_eq!(names(&ask("a")), ["rpm", "ip"]);
    assert_eq!(names(&ask("a").header("x-vip", "1")), ["rpm", "ip", "vip"]);
}

#[test]
fn a_question_of_nobody() {
    for (missing, status, limits) in [("shared", 200, 1), ("unlimited", 200, 0), ("deny", 401, 0)] {
        let config = config(
            r#""rpm": {"rate": "9/d"}"#,
            &format!(r#", "missing": "{missing}""#),
        );
        let answer = Gateway::start(&config)
            .unwrap()
            .send(&Request::get("/ratelimit"));
        assert_eq!(answer.status, status, "{missing}");
        if status == 200 {
            assert_eq!(told(&answer).len(), limits, "{missing}");
        }
    }
}

const REDIS: &str =
    r#", "redis": {"upstream": "redis", "bridge": "upstash", "on_failure": "deny"}"#;

fn cluster(fields: &str) -> Gateway {
    let limits = format!(
        r#""own": {{"rate": "9/d"}}, "all": {{"rate": "60/m", "scope": "cluster"{fields}}}"#
    );
    Gateway::start(&config(&limits, REDIS)).unwrap()
}

fn left(remaining: u32, reset: u64) -> Said {
    Said::Allowed {
        remaining,
        reset_in: reset * 1_000_000_000,
    }
}

/// Redis is asked to look, without writing, at most once a second.
#[test]
fn redis_is_looked_into_once_a_second() {
    let gateway = cluster("");
    let pending = gateway.begin(&ask("a")).asks();
    assert_eq!(pending.call().arguments()[3], "peek");
    // Meanwhile nobody else looks.
    let unknown = gateway.send(&ask("a"));
    assert_eq!(told(&unknown)[1], ("all".into(), Value::Null, Value::Null));
    let message = document(&unknown)["limits"][1]["message"].clone();
    assert_eq!(message, "What is left is not known for the moment.");
    let response = reply(pending.call(), &[left(41, 19)]);
    let answer = pending.answer(response).done();
    let known = [
        ("own".into(), 9.into(), 0.into()),
        ("all".into(), 41.into(), 19.into()),
    ];
    assert_eq!(told(&answer), known);
    assert_eq!(told(&gateway.send(&ask("a"))), known);
    gateway.advance(SECOND * 999 / 1000);
    assert_eq!(told(&gateway.send(&ask("a"))), known);
    gateway.advance(SECOND / 1000);
    let again = gateway.begin(&ask("a")).asks();
    drop(again);
    gateway.begin(&ask("b")).asks();
}

/// All workers look together.
#[test]
fn a_look_is_shared_by_workers() {
    let limits = r#""all": {"rate": "60/m", "scope": "cluster"}"#;
    let store = Store::default();
    let worker = || Gateway::worker(&config(limits, REDIS), store.clone()).unwrap();
    let (here, there) = (worker(), worker());
    let pending = here.begin(&ask("a")).asks();
    let response = reply(pending.call(), &[left(7, 2)]);
    pending.answer(response).done();
    assert_eq!(
        told(&there.send(&ask("a"))),
        [("all".into(), 7.into(), 2.into())]
    );
}

/// Two that begin at once too, though the other's clock was read a little later.
#[test]
fn two_workers_look_once() {
    let limits = r#""all": {"rate": "60/m", "scope": "cluster"}"#;
    let here = Gateway::worker(&config(limits, REDIS), Store::default()).unwrap();
    here.store().before_next_write(move |store| {
        let there = Gateway::worker(&config(limits, REDIS), store).unwrap();
        there.advance(Duration::from_nanos(1));
        there.begin(&ask("a")).asks();
    });
    assert_eq!(told(&here.send(&ask("a")))[0].1, Value::Null);
}

#[test]
fn a_silent_redis_leaves_the_rest_known() {
    let gateway = cluster("");
    let pending = gateway.begin(&ask("a")).asks();
    let answer = pending.answer(Response::timeout()).done();
    let known = [
        ("own".into(), 9.into(), 0.into()),
        ("all".into(), Value::Null, Value::Null),
    ];
    assert_eq!(told(&answer), known);
}

/// Whoever has a lease is told of what is left of it, and no call is made.
#[test]
fn a_lease_is_told_of_from_memory() {
    let gateway = cluster(r#", "burst": 60, "consistency": "lease""#);
    let mut redis = Redis::default();
    for _ in 0..8 {
        gateway.ask(&mut redis, &Request::of("a"));
        gateway.run(&mut redis, Duration::from_millis(20));
    }
    let calls = gateway.counter("tollgate.redis.calls");
    let before = told(&gateway.send(&ask("a")))[1].1.as_u64().unwrap();
    let answer = gateway.send(&Request::of("a"));
    let header = answer.header("ratelimit").unwrap();
    assert!(
        header.contains(";r=0;") || header.contains(&format!(r#""all";r={};"#, before - 1)),
        "{header}, {before}"
    );
    assert_eq!(gateway.counter("tollgate.redis.calls"), calls);
}

#[test]
fn a_hang_up_while_redis_is_asked_harms_nobody() {
    let gateway = cluster("");
    let call = gateway.begin(&ask("a")).asks().hang_up();
    gateway.answer_call(&call, reply(&call, &[left(7, 2)]));
    assert!(gateway.begin(&Request::of("a")).asks().call().nonce() > 0);
}
