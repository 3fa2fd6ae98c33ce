//! Tokens that Redis counts.

use std::time::Duration;

use super::{asking, input, usage};
use crate::host::{Exchange, Gateway, Redis, Request};

const BURST: u64 = 10_000;
pub(super) const A_MINUTE: u64 = 60_000;

pub(super) fn cluster(rest: &str, redis: &str) -> Gateway {
    let json = format!(
        r#"{{"client_from": [{{"header": "x-api-key"}}], {rest},
             "redis": {{"upstream": "r", "bridge": "upstash", {redis}}}}}"#
    );
    Gateway::start(&json).unwrap_or_else(|logs| panic!("{logs:#?}"))
}

fn strict() -> Gateway {
    cluster(
        r#""limits": {"rpm": {"rate": "1/m", "burst": 100, "scope": "cluster"},
                      "tpm": {"rate": "1/m", "burst": 10000, "unit": "tokens", "scope": "cluster"}}"#,
        r#""on_failure": "deny""#,
    )
}

/// 30 tokens, of which Redis need not be told at once.
pub(super) fn answer_thirty(mut call: Exchange) {
    call.respond(200, &[("content-type", "application/json")]);
    call.receive(usage(10, 20), true);
    call.end();
}

/// A chat whose calls are all answered.
pub(super) fn chat(gateway: &Gateway, redis: &mut Redis, body: &str) -> Exchange {
    let mut exchange = gateway.exchange(&Request::chat("alice").sized(body));
    exchange.send(body, true);
    while exchange.asks().is_some() && !exchange.is_refused() {
        exchange.answer_by(redis);
    }
    exchange
}

fn finish(gateway: &Gateway, redis: &mut Redis, mut call: Exchange, response: &str) {
    call.respond(200, &[("content-type", "application/json")]);
    call.receive(response, true);
    call.end();
    gateway.run(redis, Duration::from_millis(20));
}

#[test]
fn one_call_reserves_and_a_second_only_where_the_body_asks_for_more() {
    let (gateway, mut redis) = (strict(), Redis::default());
    let little = asking(100);
    let call = chat(&gateway, &mut redis, &little);
    assert_eq!(redis.calls, 1);
    assert_eq!(
        redis.left("tpm", BURST, A_MINUTE),
        BURST - input(&little) - 512
    );
    finish(&gateway, &mut redis, call, &usage(10, 20));
    assert_eq!(redis.calls, 2, "and one to settle");
    assert_eq!(redis.left("tpm", BURST, A_MINUTE), BURST - 30);
    let more = asking(700);
    let call = chat(&gateway, &mut redis, &more);
    assert_eq!(redis.calls, 4);
    assert_eq!(
        redis.left("tpm", BURST, A_MINUTE),
        BURST - 30 - input(&more) - 700
    );
    finish(&gateway, &mut redis, call, &usage(10, 20));
    assert_eq!(redis.left("tpm", BURST, A_MINUTE), BURST - 60);
    assert_eq!(redis.left("rpm", 100, A_MINUTE), 98);
    assert_eq!(gateway.counter("tollgate.redis.errors"), 0);
    assert!(gateway.rests(), "nothing is left to do");
}

#[test]
fn nothing_of_a_body_goes_on_before_its_headers_may() {
    for early in [false, true] {
        let (gateway, mut redis) = (strict(), Redis::default());
        let request = Request::chat("alice").sized(asking(100));
        let mut call = match early {
            false => gateway.exchange(&request),
            true => gateway.exchange_early(&request),
        };
        let body = asking(100);
        let (first, last) = body.split_at(5);
        call.send(first, false);
        call.send(last, true);
        assert!(call.is_held_at_headers());
        assert_eq!(call.upstream_has(), (Vec::new(), false), "early: {early}");
        call.answer_by(&mut redis);
        assert_eq!(call.upstream_has(), (body.into(), true), "early: {early}");
        call.reset();
    }
}

#[test]
fn a_body_that_came_before_redis_answered_is_reserved_then() {
    let (gateway, mut redis) = (strict(), Redis::default());
    let body = asking(3_000);
    let mut call = gateway.exchange_early(&Request::chat("alice").sized(&body));
    call.send(&body, true);
    call.answer_by(&mut redis);
    assert!(call.is_held_at_headers() && call.asks().is_some());
    assert_eq!(call.upstream_has(), (Vec::new(), false));
    call.answer_by(&mut redis);
    assert_eq!(call.upstream_has(), (body.clone().into(), true));
    assert_eq!(
        redis.left("tpm", BURST, A_MINUTE),
        BURST - input(&body) - 3_000
    );
    call.reset();
}

#[test]
fn a_denial_at_the_body_undoes_all_and_is_remembered() {
    let (gateway, mut redis) = (strict(), Redis::default());
    let first = chat(&gateway, &mut redis, &asking(5_000));
    let body = asking(6_000);
    let refused = chat(&gateway, &mut redis, &body);
    assert!(refused.is_refused() && !refused.is_held_at_headers());
    let (passed, has_ended) = refused.upstream_has();
    assert!(!has_ended && passed.len() < body.len());
    let answer = refused.end();
    assert_eq!((answer.status, &*answer.details), (429, "tollgate_tpm"));
    let left = BURST - 5_000 - input(&asking(5_000));
    let missing = 6_000 + input(&body) - left;
    assert_eq!(
        answer.header("retry-after").unwrap(),
        (missing * 60).to_string()
    );
    let r = format!(r#""tpm";r={left};"#);
    assert!(
        answer.header("ratelimit").unwrap().starts_with(&r),
        "{answer:?}"
    );
    gateway.run(&mut redis, Duration::from_millis(20));
    assert_eq!(redis.left("tpm", BURST, A_MINUTE), left);
    assert_eq!(redis.left("rpm", 100, A_MINUTE), 99);
    // As much again is denied without asking for it; less is asked for.
    let calls = redis.calls;
    let again = chat(&gateway, &mut redis, &body);
    assert!(again.is_refused());
    assert_eq!(redis.calls, calls + 1, "the headers alone ask");
    again.end();
    gateway.run(&mut redis, Duration::from_millis(20));
    let less = chat(&gateway, &mut redis, &asking(1_000));
    assert!(!less.is_refused());
    less.reset();
    first.reset();
}

#[test]
fn an_exhausted_client_is_refused_at_the_headers() {
    let (gateway, mut redis) = (strict(), Redis::default());
    let all = chat(
        &gateway,
        &mut redis,
        &asking(9_500).replace("{", r#"{"n":2,"#),
    );
    for _ in 0..5 {
        let call = chat(&gateway, &mut redis, "{}");
        assert!(call.is_refused() && call.is_held_at_headers());
        assert_eq!(call.upstream_has(), (Vec::new(), false));
        call.end();
    }
    let calls = redis.calls;
    assert!(chat(&gateway, &mut redis, "{}").is_refused());
    assert_eq!(redis.calls, calls, "a denial is remembered");
    all.reset();
}

#[test]
fn an_overrun_is_owed_in_redis_and_the_rest_forgiven() {
    let gateway = cluster(
        r#""limits": {"tpm": {"rate": "1/m", "burst": 600, "unit": "tokens", "scope": "cluster"}}"#,
        r#""on_failure": "deny""#,
    );
    let mut redis = Redis::default();
    let call = chat(&gateway, &mut redis, "{}");
    finish(&gateway, &mut redis, call, &usage(0, 10_000));
    assert_eq!(gateway.counter("tollgate.tokens.forgiven"), 10_000 - 6_600);
    assert_eq!(redis.left("tpm", 6_600, A_MINUTE), 0);
}

#[test]
fn while_redis_is_silent_a_gateway_counts_its_share_and_settles_it() {
    let gateway = cluster(
        r#""limits": {"tpm": {"rate": "1/m", "burst": 4000, "unit": "tokens", "scope": "cluster"}}"#,
        r#""on_failure": "local", "gateways": 4"#,
    );
    let body = asking(800);
    let silent = |gateway: &Gateway| {
        let mut call = gateway.exchange(&Request::chat("alice").sized(&body));
        call.send(&body, true);
        while let Some(asked) = call.asks().filter(|_| !call.is_refused()) {
            gateway.answer_call(&asked, crate::host::Response::timeout());
            call.after_answer();
        }
        call
    };
    // A quarter of 4000 holds one of these.
    let first = silent(&gateway);
    assert!(!first.is_refused());
    assert!(silent(&gateway).is_refused());
    answer_thirty(first);
    for _ in 0..3 {
        let call = silent(&gateway);
        assert!(!call.is_refused());
        answer_thirty(call);
    }
    assert!(gateway.counter("tollgate.redis.fallbacks") > 3);
}

/// What passes because nothing could be asked was not counted for its plan.
#[test]
fn what_passes_while_redis_is_silent_counts_for_its_plan_once() {
    let gateway = cluster(
        r#""limits": {"tpm": {"rate": "1/m", "burst": 4000, "unit": "tokens", "scope": "cluster"}},
           "plans": {"pro": {"tpm": {"rate": "2/m"}}}, "clients": {"alice": {"plan": "pro"}}"#,
        r#""on_failure": "allow""#,
    );
    let body = asking(100);
    let mut call = gateway.exchange(&Request::chat("alice").sized(&body));
    call.send(&body, true);
    gateway.answer_call(&call.asks().unwrap(), crate::host::Response::timeout());
    call.after_answer();
    assert!(!call.is_refused());
    answer_thirty(call);
    assert_eq!(gateway.counter("tollgate.plan.pro.allowed"), 1);
    assert_eq!(gateway.counter("tollgate.limit.tpm.allowed"), 0);
}

#[test]
fn a_settlement_waits_for_a_breaker_to_close_and_is_sent_once() {
    let gateway = cluster(
        r#""limits": {"tpm": {"rate": "1/m", "burst": 10000, "unit": "tokens", "scope": "cluster"}}"#,
        r#""on_failure": "allow", "breaker": {"failures": 1, "cooldown": "1s"}"#,
    );
    let mut redis = Redis::default();
    let call = chat(&gateway, &mut redis, &asking(100));
    // Somebody else's call fails, and the breaker opens.
    let other = gateway.exchange(&Request::chat("bob").sized("{}"));
    gateway.answer_call(&other.asks().unwrap(), crate::host::Response::timeout());
    other.reset();
    answer_thirty(call);
    let calls = redis.calls;
    gateway.run(&mut redis, Duration::from_millis(500));
    assert_eq!(redis.calls, calls, "while it is open nothing is sent");
    gateway.run(&mut redis, Duration::from_secs(2));
    assert_eq!(redis.calls, calls + 1);
    assert_eq!(redis.left("tpm", BURST, A_MINUTE), BURST - 30);
    assert!(gateway.rests(), "nothing is left to do");
}

/// Envoy begins a tick that is armed again anew, so that it never came under load.
#[test]
fn settlements_are_sent_while_more_of_them_come() {
    let (gateway, mut redis) = (strict(), Redis::default());
    for _ in 0..10 {
        answer_thirty(chat(&gateway, &mut redis, &asking(100)));
        gateway.run(&mut redis, Duration::from_millis(5));
    }
    let left = redis.left("tpm", BURST, A_MINUTE);
    assert!(left >= BURST - 9 * 30 - input(&asking(100)) - 512, "{left}");
}

#[test]
fn a_settlement_whose_answer_does_not_come_is_not_sent_again() {
    let (gateway, mut redis) = (strict(), Redis::default());
    let call = chat(&gateway, &mut redis, &asking(100));
    answer_thirty(call);
    gateway.tick();
    let sent = gateway.root_calls();
    assert_eq!(sent.len(), 1);
    redis.answer(&sent[0]);
    gateway.answer_call(&sent[0], crate::host::Response::timeout());
    gateway.run(&mut redis, Duration::from_secs(3));
    assert_eq!(redis.left("tpm", BURST, A_MINUTE), BURST - 30);
    assert_eq!(gateway.counter("tollgate.redis.errors"), 1);
}
