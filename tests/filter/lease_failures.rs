//! Calls for leases that fail, behind the requests' backs.

use crate::host::{Redis, Refused, Request, Response};
use crate::leases::{busy, gateway, lent, tick, LEASE, MS};

#[test]
fn a_lease_that_cannot_be_had_leaves_each_request_to_redis() {
    for response in [
        Response::new("503", ""),
        Response::cut_off(),
        Response::timeout(),
    ] {
        let (gateway, mut redis) = (gateway(LEASE), Redis::default());
        busy(&gateway, &mut redis);
        let calls = tick(&gateway);
        gateway.answer_call(&calls[0], response);
        assert_eq!(gateway.counter("tollgate.redis.errors"), 1);
        assert_eq!(
            gateway.counter("tollgate.redis.fallbacks"),
            0,
            "no request's"
        );
        for _ in 0..99 {
            let pending = gateway.begin(&Request::of("a")).asks();
            let response = redis.answer(pending.call());
            assert!(pending.answer(response).done().passed());
            assert!(tick(&gateway).is_empty(), "left alone for a cooldown");
        }
        gateway.run(&mut redis, 20 * MS);
        assert!(gateway.send(&Request::of("a")).passed());
    }
}

/// A timeout's outcome is unknown: what was left before it was debited.
#[test]
fn what_is_left_of_a_lease_is_spent_though_its_renewal_failed() {
    let mut redis = Redis::default();
    let gateway = lent(LEASE, &mut redis);
    (0..36).for_each(|_| assert!(gateway.send(&Request::of("a")).passed()));
    let calls = tick(&gateway);
    redis.answer(&calls[0]);
    gateway.answer_call(&calls[0], Response::timeout());
    (0..4).for_each(|_| assert!(gateway.send(&Request::of("a")).passed()));
    gateway.begin(&Request::of("a")).asks().hang_up();
    gateway.run(&mut redis, 5000 * MS);
    assert!(gateway.rests());
}

#[test]
fn a_lease_call_that_cannot_be_made_is_made_later() {
    let (gateway, mut redis) = (gateway(LEASE), Redis::default());
    busy(&gateway, &mut redis);
    gateway.refuse_calls(Some(Refused::NoEndpoint));
    assert!(tick(&gateway).is_empty());
    gateway.refuse_calls(None);
    for _ in 0..101 {
        assert!(gateway.ask(&mut redis, &Request::of("a")).passed());
        gateway.run(&mut redis, 10 * MS);
    }
    assert!(gateway.send(&Request::of("a")).passed());
}

#[test]
fn a_lease_is_asked_for_again_with_a_script_that_was_lost() {
    let (gateway, mut redis) = (gateway(LEASE), Redis::default());
    busy(&gateway, &mut redis);
    redis.restart();
    let calls = tick(&gateway);
    let response = redis.answer(&calls[0]);
    gateway.answer_call(&calls[0], response);
    let again = gateway.root_calls();
    assert_eq!(again[0].words()[0], "EVAL");
    let response = redis.answer(&again[0]);
    gateway.answer_call(&again[0], response);
    assert!(gateway.send(&Request::of("a")).passed());
}
