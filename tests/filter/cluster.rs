//! Limits that all gateways share: one call for a request, all or nothing with
//! the gateway's own limits, and no client's id in it.

use std::time::Duration;

use crate::host::{reply, Answer, Gateway, Redis, Request, Response};
use tollgate::limit::Answer::{Allowed, Denied};

/// A configuration with these limits, and this after the first members of its
/// `redis`.
pub fn config(limits: &str, redis: &str) -> String {
    format!(
        r#"{{"client_from": [{{"header": "x-api-key"}}, {{"query": "key"}}], "limits": {{{limits}}},
            "redis": {{"upstream": "redis", "gateways": 2, {redis}}}}}"#
    )
}

pub const RPM: &str = r#""rpm": {"rate": "60/m", "burst": 3, "scope": "cluster"}"#;
pub const UPSTASH: &str = r#""bridge": "upstash""#;

/// A limit of the gateway's own beside a shared one, and a route that has it alone.
fn beside(own: &str) -> Gateway {
    let config = config(&format!(r#""own": {own}, {RPM}"#), UPSTASH);
    let routes = r#"{"routes": [{"match": {"path": "/own"}, "limits": ["own"]},
                                {"match": {}, "limits": ["own", "rpm"]}],"#;
    Gateway::start(&config.replacen('{', routes, 1)).unwrap()
}

fn ratelimit(answer: &Answer) -> &str {
    answer.header("ratelimit").unwrap()
}

#[test]
fn what_passes_says_where_the_client_stands_with_all_gateways() {
    let (gateway, mut redis) = (beside(r#"{"rate": "1/d", "burst": 9}"#), Redis::default());
    let request = Request::of("a").upstream("ratelimit", "the operator's own");
    let answer = gateway.ask(&mut redis, &request);
    assert!(answer.passed());
    assert_eq!(answer.state, "allowed");
    assert_eq!(ratelimit(&answer), r#""rpm";r=2;t=1"#);
    let policy = r#""own";q=9;w=777600, "rpm";q=3;w=3"#;
    assert_eq!(answer.header("ratelimit-policy"), Some(policy));
    for limit in ["own", "rpm"] {
        assert_eq!(
            gateway.counter(&format!("tollgate.limit.{limit}.allowed")),
            1
        );
    }
}

#[test]
fn what_redis_denies_is_told_when_to_come_back() {
    let gateway = Gateway::start(&config(RPM, UPSTASH)).unwrap();
    let mut redis = Redis::default();
    for _ in 0..3 {
        assert!(gateway.ask(&mut redis, &Request::of("a")).passed());
    }
    gateway.advance(Duration::from_millis(300));
    let answer = gateway.ask(&mut redis, &Request::of("a"));
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("retry-after-ms"), Some("700"));
    assert_eq!(ratelimit(&answer), r#""rpm";r=0;t=1"#);
    assert_eq!(answer.header("ratelimit-policy"), Some(r#""rpm";q=3;w=3"#));
    assert_eq!(answer.details, "tollgate_rpm");
    assert_eq!(answer.state, "denied:rpm");
    assert!(answer.body.contains(r#""violated-policies":["rpm"]"#));
    assert_eq!(gateway.counter("tollgate.limit.rpm.denied"), 1);
    assert_eq!(gateway.counter("tollgate.limit.rpm.allowed"), 3);
    gateway.advance(Duration::from_millis(700));
    assert!(gateway.ask(&mut redis, &Request::of("a")).passed());
}

#[test]
fn two_gateways_share_one_budget() {
    let config = config(
        r#""l": {"rate": "1/d", "burst": 50, "scope": "cluster"}"#,
        UPSTASH,
    );
    let gateways = [(); 2].map(|()| Gateway::start(&config).unwrap());
    let mut redis = Redis::default();
    let passed = (0..80).filter(|turn| {
        let answer = gateways[turn % 2].ask(&mut redis, &Request::of("a"));
        answer.passed()
    });
    assert_eq!(passed.count(), 50);
}

#[test]
fn one_call_asks_for_all_limits() {
    let ip = r#""ip": {"rate": "5/s", "scope": "cluster", "client_from": [{"ip": {}}]}"#;
    let gateway = Gateway::start(&config(&format!("{RPM}, {ip}"), UPSTASH)).unwrap();
    let pending = gateway.begin(&Request::of("a")).asks();
    let call = pending.call();
    assert_eq!(call.upstream, "redis");
    assert_eq!(call.header(":method"), Some("POST"));
    assert_eq!(call.header(":path"), Some("/"));
    assert_eq!(call.header(":authority"), Some("redis"));
    assert_eq!(
        call.header("content-length"),
        Some(&*call.body.len().to_string())
    );
    assert_eq!(call.header("authorization"), None);
    assert_eq!(call.timeout, 50);
    let mut names: Vec<String> = call.keys();
    for name in &mut names {
        *name = name
            .split('}')
            .nth(1)
            .unwrap()
            .split(':')
            .nth(1)
            .unwrap()
            .to_owned();
    }
    names.sort();
    assert_eq!(names, ["ip", "rpm"]);
    gateway.advance(Duration::from_micros(700));
    let wait = Denied {
        remaining: 0,
        retry_after: Some(9_000_000_000.try_into().unwrap()),
    };
    let other = Denied {
        remaining: 0,
        retry_after: Some(2_000_000_000.try_into().unwrap()),
    };
    let response = reply(call, &[other, wait]);
    let answer = pending.answer(response).done();
    assert_eq!(
        answer.header("retry-after"),
        Some("9"),
        "the longest of all"
    );
    assert!(
        answer.body.contains(r#""violated-policies":["rpm","ip"]"#),
        "{}",
        answer.body
    );
    assert_eq!(gateway.counter("tollgate.redis.calls"), 1);
    assert_eq!(gateway.recorded("tollgate.redis.latency_us"), [700]);
}

/// Only those that denied are told of, and nothing is charged anywhere.
#[test]
fn what_redis_denies_is_given_back_to_the_gateways_own_limits() {
    let gateway = beside(r#"{"rate": "1/d", "burst": 9}"#);
    let own = Request::of("a").with(":path", "/own");
    let pending = gateway.begin(&Request::of("a")).asks();
    let meanwhile = gateway.send(&own);
    assert_eq!(
        ratelimit(&meanwhile),
        r#""own";r=7;t=172800"#,
        "charged before Redis is asked"
    );
    let wait = Denied {
        remaining: 0,
        retry_after: Some(4_000_000_000.try_into().unwrap()),
    };
    let response = reply(pending.call(), &[wait]);
    let answer = pending.answer(response).done();
    assert!(
        answer.body.contains(r#""violated-policies":["rpm"]"#),
        "{}",
        answer.body
    );
    assert_eq!(ratelimit(&gateway.send(&own)), r#""own";r=7;t=172800"#);
    assert_eq!(gateway.counter("tollgate.limit.own.allowed"), 2);
}

#[test]
fn what_the_gateway_denies_by_itself_asks_nobody() {
    let (gateway, mut redis) = (beside(r#"{"rate": "1/d", "burst": 2}"#), Redis::default());
    for _ in 0..2 {
        assert!(gateway.ask(&mut redis, &Request::of("a")).passed());
    }
    assert_eq!(gateway.send(&Request::of("a")).details, "tollgate_own");
    assert_eq!((redis.calls, redis.debited), (2, 2));
}

#[test]
fn a_limit_that_does_not_apply_is_not_asked_for() {
    let other =
        r#""l": {"rate": "2/s", "scope": "cluster", "client_from": [{"header": "x-other"}]}"#;
    let gateway = Gateway::start(&config(other, UPSTASH)).unwrap();
    assert!(gateway.send(&Request::of("a")).passed());
    assert!(gateway
        .ask(
            &mut Redis::default(),
            &Request::of("a").header("x-other", "b")
        )
        .passed());
}

/// Envoy brings the answer to a stream that is gone.
#[test]
fn a_client_that_hangs_up_leaves_nothing_behind() {
    let (gateway, mut redis) = (beside(r#"{"rate": "1/d", "burst": 9}"#), Redis::default());
    let gone = gateway.begin(&Request::of("a")).asks().hang_up();
    let response = redis.answer(&gone);
    let other = gateway.begin(&Request::of("a")).asks();
    gateway.answer_call(&gone, response);
    let response = redis.answer(other.call());
    assert_eq!(
        ratelimit(&other.answer(response).done()),
        r#""rpm";r=1;t=2"#,
        "charged with the one that is gone"
    );
    for turn in 0..20 {
        let gone = gateway
            .begin(&Request::of(&turn.to_string()))
            .asks()
            .hang_up();
        let nonsense = Response::new("200", "nonsense");
        gateway.answer_call(
            &gone,
            if turn < 10 {
                nonsense
            } else {
                Response::cut_off()
            },
        );
    }
    assert_eq!(
        ratelimit(&gateway.ask(&mut redis, &Request::of("a"))),
        r#""rpm";r=0;t=3"#
    );
    assert_eq!(gateway.counter("tollgate.redis.errors"), 0);
}

/// Two requests of a client wait at once, and each gets its own answer.
#[test]
fn answers_may_come_in_any_order() {
    let gateway = Gateway::start(&config(RPM, UPSTASH)).unwrap();
    let [first, second] = [(); 2].map(|()| gateway.begin(&Request::of("a")).asks());
    let allowed = Allowed {
        remaining: 2,
        reset_in: 1_000_000_000,
    };
    let response = reply(second.call(), &[allowed]);
    assert!(second.answer(response).done().passed());
    let wait = Denied {
        remaining: 0,
        retry_after: Some(4_000_000_000.try_into().unwrap()),
    };
    let response = reply(first.call(), &[wait]);
    assert_eq!(
        first.answer(response).done().header("retry-after"),
        Some("4")
    );
}

#[test]
fn a_request_that_waits_through_a_reload_is_decided_as_it_was_asked() {
    let mut gateway = Gateway::start(&config(RPM, UPSTASH)).unwrap();
    let mut redis = Redis::default();
    assert!(gateway.ask(&mut redis, &Request::of("a")).passed());
    let pending = gateway.begin(&Request::of("a")).asks();
    gateway
        .update(&config(
            &RPM.replace(r#""burst": 3"#, r#""burst": 10"#),
            UPSTASH,
        ))
        .unwrap();
    let response = redis.answer(pending.call());
    assert_eq!(
        ratelimit(&pending.answer(response).done()),
        r#""rpm";r=1;t=2"#
    );
    gateway.drain();
    let answer = gateway.ask(&mut redis, &Request::of("a"));
    assert_eq!(
        ratelimit(&answer),
        r#""rpm";r=7;t=3"#,
        "two spent, and this one"
    );
}
