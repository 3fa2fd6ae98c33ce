//! A Redis that is away for a while: calls that cannot be made, the breaker, a
//! script that is lost, and how much is said of it all.

use std::time::Duration;

use crate::cluster::{config, RPM, UPSTASH};
use crate::host::{Gateway, Pending, Redis, Refused, Request, Response};

const MS: Duration = Duration::from_millis(1);

/// Under `allow`: what passes without a call was let pass by the breaker.
fn gateway() -> Gateway {
    let redis = r#""on_failure": "allow", "breaker": {"failures": 3, "cooldown": "2s"}"#;
    let gateway = Gateway::start(&config(RPM, &format!("{UPSTASH}, {redis}"))).unwrap();
    gateway.logs();
    gateway
}

fn begin(gateway: &Gateway) -> Pending {
    gateway.begin(&Request::of("a")).asks()
}

fn fail(gateway: &Gateway) {
    let answer = begin(gateway).answer(Response::new("503", "")).done();
    assert!(answer.passed());
}

/// A request for which no call is made.
fn pass(gateway: &Gateway) {
    assert!(gateway.send(&Request::of("a")).passed());
}

fn opened() -> Gateway {
    let gateway = gateway();
    (0..3).for_each(|_| fail(&gateway));
    pass(&gateway);
    gateway
}

#[test]
fn a_call_that_cannot_be_made_is_a_failure_at_once() {
    for (refused, said) in [
        (Refused::NoCluster, "Envoy has no cluster \"redis\""),
        (
            Refused::NoEndpoint,
            "no endpoint, or the cluster's circuit breaker is full",
        ),
    ] {
        let gateway = gateway();
        gateway.refuse_calls(Some(refused));
        pass(&gateway);
        let log = gateway.logs().join("\n");
        assert!(log.contains(&format!("unreachable: {said}")), "{log}");
        assert_eq!(gateway.counter("tollgate.redis.errors"), 1);
        assert_eq!(gateway.counter("tollgate.redis.fallbacks"), 1);
        assert_eq!(gateway.counter("tollgate.redis.calls"), 0);
        (0..9).for_each(|_| pass(&gateway));
        // It says nothing of Redis: the breaker stays closed.
        gateway.refuse_calls(None);
        begin(&gateway).hang_up();
    }
}

#[test]
fn a_breaker_opens_after_so_many_failures_in_a_row() {
    let (gateway, mut redis) = (gateway(), Redis::default());
    for _ in 0..3 {
        fail(&gateway);
        fail(&gateway);
        assert!(gateway.ask(&mut redis, &Request::of("a")).passed());
    }
    (0..3).for_each(|_| fail(&gateway));
    gateway.advance(1999 * MS);
    pass(&gateway);
    assert_eq!(gateway.counter("tollgate.redis.calls"), 12);
    assert_eq!(gateway.counter("tollgate.redis.errors"), 9);
    assert_eq!(gateway.counter("tollgate.redis.fallbacks"), 10);
}

#[test]
fn one_probe_closes_it_again() {
    let (gateway, mut redis) = (opened(), Redis::default());
    gateway.advance(2000 * MS);
    let probe = begin(&gateway);
    pass(&gateway);
    let response = redis.answer(probe.call());
    assert!(probe.answer(response).done().passed());
    let [first, second] = [(); 2].map(|()| begin(&gateway));
    for pending in [first, second] {
        assert!(pending.answer(Response::new("503", "")).done().passed());
    }
    assert!(
        gateway.ask(&mut redis, &Request::of("a")).passed(),
        "closed, and still so"
    );
    assert_eq!(redis.debited, 2);
}

#[test]
fn a_probe_that_fails_keeps_it_open_for_another_cooldown() {
    let gateway = opened();
    for _ in 0..3 {
        gateway.advance(2000 * MS);
        let probe = begin(&gateway);
        gateway.advance(50 * MS);
        assert!(probe.answer(Response::timeout()).done().passed());
        gateway.advance(1999 * MS);
        pass(&gateway);
    }
}

/// The SDK drops the answer of a stream that is gone, so nobody would ever
/// close it.
#[test]
fn a_probe_that_hangs_up_does_not_keep_it_open_for_ever() {
    let (gateway, mut redis) = (opened(), Redis::default());
    gateway.advance(2000 * MS);
    let gone = begin(&gateway).hang_up();
    let response = redis.answer(&gone);
    gateway.answer_call(&gone, response);
    pass(&gateway);
    gateway.advance(2000 * MS);
    assert!(gateway.ask(&mut redis, &Request::of("a")).passed());
    assert_eq!(redis.calls, 2);
}

#[test]
fn an_outage_is_told_of_once_a_cooldown_and_kind() {
    let gateway = gateway();
    let pending = [(); 7].map(|()| begin(&gateway));
    for (turn, pending) in pending.into_iter().enumerate() {
        let response = match turn % 2 {
            0 => Response::new("503", "gone"),
            _ => Response::timeout(),
        };
        assert!(pending.answer(response).done().passed());
    }
    let log = gateway.logs();
    assert_eq!(log.len(), 2, "{log:?}");
    assert!(
        log[0].starts_with("Redis through redis: unreachable: status 503, gone"),
        "{log:?}"
    );
    assert!(
        log[1].starts_with("Redis through redis: no answer in time: "),
        "{log:?}"
    );
    gateway.advance(2000 * MS);
    fail(&gateway);
    let log = gateway.logs();
    assert!(log[0].ends_with("(and 3 more since last said)"), "{log:?}");
    gateway.advance(2000 * MS);
    fail(&gateway);
    let log = gateway.logs();
    assert!(!log[0].contains("more"), "{log:?}");
    gateway.advance(2000 * MS);
    let mut redis = Redis::default();
    assert!(gateway.ask(&mut redis, &Request::of("a")).passed());
    assert_eq!(gateway.logs(), ["Redis through redis answers again"]);
}

const LOST: &str = "NOSCRIPT No matching script. Please use EVAL.";

#[test]
fn a_lost_script_is_sent_along_within_what_is_left_of_the_time() {
    let (gateway, mut redis) = (gateway(), Redis::default());
    redis.restart();
    let pending = begin(&gateway);
    assert_eq!(pending.call().timeout, 50);
    assert_eq!(pending.call().words()[0], "EVALSHA");
    let first = pending.call().clone();
    gateway.advance(Duration::from_micros(20_300));
    let response = redis.answer(&first);
    let again = pending.answer(response).asks();
    let call = again.call().clone();
    assert_eq!(call.timeout, 29);
    assert_eq!(call.words()[0], "EVAL");
    assert_eq!(call.arguments(), first.arguments());
    assert_eq!(
        call.header("content-length"),
        Some(&*call.body.len().to_string())
    );
    let response = redis.answer(&call);
    let answer = again.answer(response).done();
    assert_eq!(answer.header("ratelimit"), Some(r#""rpm";r=2;t=1"#));
    assert_eq!(gateway.counter("tollgate.redis.calls"), 2);
    assert_eq!(gateway.counter("tollgate.redis.errors"), 0);
    assert_eq!(begin(&gateway).call().words()[0], "EVALSHA");
    assert_eq!(gateway.logs(), [""; 0]);
}

#[test]
fn a_script_that_is_lost_twice_is_a_failure() {
    let gateway = gateway();
    let again = begin(&gateway).answer(Response::error(LOST)).asks();
    assert!(again.answer(Response::error(LOST)).done().passed());
    assert_eq!(gateway.counter("tollgate.redis.fallbacks"), 1);
    let log = gateway.logs().join("\n");
    assert!(log.contains("script lost again: NOSCRIPT"), "{log}");
}

/// Envoy counts whole milliseconds and takes none for no timeout at all.
#[test]
fn no_time_left_is_a_failure() {
    for spent in [49_001, 50_000, 5_000_000] {
        let gateway = gateway();
        let pending = begin(&gateway);
        gateway.advance(Duration::from_micros(spent));
        assert!(pending.answer(Response::error(LOST)).done().passed());
        assert_eq!(gateway.counter("tollgate.redis.fallbacks"), 1);
        let log = gateway.logs().join("\n");
        assert!(
            log.contains("no answer in time: no time left to ask"),
            "{log}"
        );
    }
}

/// The script is sent again, and the client goes.
#[test]
fn a_client_may_hang_up_between_the_two_calls() {
    let (gateway, mut redis) = (gateway(), Redis::default());
    let again = begin(&gateway).answer(Response::error(LOST)).asks();
    let gone = again.hang_up();
    let response = redis.answer(&gone);
    gateway.answer_call(&gone, response);
    assert!(gateway.ask(&mut redis, &Request::of("a")).passed());
    assert_eq!(redis.debited, 2);
}

#[test]
fn a_new_configuration_tries_again_at_once() {
    let mut gateway = opened();
    gateway.update(&config(RPM, UPSTASH)).unwrap();
    assert!(gateway
        .ask(&mut Redis::default(), &Request::of("a"))
        .passed());
}
