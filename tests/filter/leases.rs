//! Units borrowed from Redis behind the requests' backs, and spent without
//! asking.

use std::time::Duration;

use crate::cluster::{config, UPSTASH};
use crate::host::{reply, Call, Gateway, Redis, Request, Step};
use tollgate::limit::Answer::Denied;

pub const MS: Duration = Duration::from_millis(1);

pub const LEASE: &str =
    r#""l": {"rate": "100/s", "burst": 600, "scope": "cluster", "consistency": "lease"}"#;

pub fn gateway(limits: &str) -> Gateway {
    let redis = format!(r#"{UPSTASH}, "on_failure": "deny""#);
    Gateway::start(&config(limits, &redis)).unwrap()
}

/// As many requests of `a` at once as are worth a lease.
pub fn busy(gateway: &Gateway, redis: &mut Redis) {
    for _ in 0..4 {
        assert!(gateway.ask(redis, &Request::of("a")).passed());
    }
}

/// A gateway that has borrowed forty units for `a`, which has had four.
pub fn lent(limits: &str, redis: &mut Redis) -> Gateway {
    let gateway = gateway(limits);
    busy(&gateway, redis);
    gateway.run(redis, 10 * MS);
    assert_eq!(redis.debited, 44);
    gateway
}

/// What the script is asked to do with the first key: operation, units.
fn operation(call: &Call) -> (String, String) {
    let arguments = call.arguments();
    (arguments[3].clone(), arguments[7].clone())
}

pub fn tick(gateway: &Gateway) -> Vec<Call> {
    gateway.advance(10 * MS);
    assert!(gateway.tick());
    gateway.root_calls()
}

#[test]
fn a_clients_next_requests_are_borrowed_for_and_need_no_call() {
    let (gateway, mut redis) = (gateway(LEASE), Redis::default());
    assert!(gateway.rests(), "nobody to borrow for");
    let pending = gateway.begin(&Request::of("a")).asks();
    assert_eq!(operation(pending.call()), ("charge".into(), "1".into()));
    let response = redis.answer(pending.call());
    assert!(pending.answer(response).done().passed());
    for _ in 0..3 {
        assert!(tick(&gateway).is_empty(), "no lease for so few");
        assert!(gateway.ask(&mut redis, &Request::of("a")).passed());
    }
    let calls = tick(&gateway);
    assert_eq!(calls.len(), 1);
    assert_eq!(operation(&calls[0]), ("lease".into(), "40".into()));
    assert_eq!(calls[0].timeout, 50);
    let response = redis.answer(&calls[0]);
    gateway.answer_call(&calls[0], response);
    // Redis has got back four in 40 ms.
    for left in (560..600).rev() {
        let answer = gateway.send(&Request::of("a"));
        let estimate = format!(r#""l";r={left};"#);
        assert!(
            answer.header("ratelimit").unwrap().starts_with(&estimate),
            "{answer:?}"
        );
        assert_eq!(answer.state, "allowed");
    }
    assert_eq!(gateway.counter("tollgate.limit.l.allowed"), 44);
    assert_eq!(redis.debited, 44);
    gateway.begin(&Request::of("a")).asks();
}

#[test]
fn a_strict_limit_borrows_nothing() {
    let gateway = gateway(&LEASE.replace("lease", "strict"));
    assert!(gateway
        .ask(&mut Redis::default(), &Request::of("a"))
        .passed());
    assert!(gateway.rests());
}

#[test]
fn what_lies_idle_goes_back_and_the_tick_ends() {
    let mut redis = Redis::default();
    let gateway = lent(LEASE, &mut redis);
    for _ in 0..3 {
        assert!(gateway.send(&Request::of("a")).passed());
    }
    gateway.run(&mut redis, 980 * MS);
    let calls = tick(&gateway);
    assert_eq!(operation(&calls[0]), ("lease".into(), "0".into()));
    assert_eq!(
        calls[0].arguments()[10..12],
        ["40", "37"],
        "held, and not spent"
    );
    gateway.begin(&Request::of("a")).asks().hang_up();
    let response = redis.answer(&calls[0]);
    gateway.answer_call(&calls[0], response);
    assert_eq!(redis.debited, 7, "what has passed");
    gateway.run(&mut redis, 2000 * MS);
    assert!(gateway.rests());
    assert_eq!(redis.debited, 7);
}

#[test]
fn a_client_in_full_flow_never_waits_for_redis() {
    let limit = LEASE.replace("100/s", "1000/s").replace("600", "6000");
    let (gateway, mut redis) = (gateway(&limit), Redis::default());
    let mut waited = 0;
    for _ in 0..400 {
        for _ in 0..5 {
            if let Step::Asks(pending) = gateway.begin(&Request::of("a")) {
                waited += 1;
                let response = redis.answer(pending.call());
                assert!(pending.answer(response).done().passed());
            }
        }
        gateway.run(&mut redis, 10 * MS);
    }
    assert!(waited <= 5, "{waited}");
    assert!(redis.calls < 100, "{}", redis.calls);
    gateway.run(&mut redis, 3000 * MS);
    assert_eq!(redis.debited, 2000);
}

/// It has more on lease than it will use before the end.
#[test]
fn a_lease_is_renewed_before_it_ends() {
    let (gateway, mut redis) = (gateway(LEASE), Redis::default());
    for _ in 0..5 {
        assert!(gateway.ask(&mut redis, &Request::of("a")).passed());
    }
    gateway.run(&mut redis, 100 * MS);
    for _ in 0..60 {
        assert!(gateway.send(&Request::of("a")).passed());
        gateway.run(&mut redis, 100 * MS);
    }
    gateway.run(&mut redis, 3000 * MS);
    assert_eq!(redis.debited, 65, "none was lost");
}

/// What others do with the budget is heard of only then.
#[test]
fn a_client_that_wants_more_than_there_is_gets_what_there_is() {
    let limit = LEASE.replace("100/s", "10/s").replace("600", "60");
    let (gateway, mut redis) = (gateway(&limit), Redis::default());
    let mut passed = 0;
    for _ in 0..2000 {
        let answer = gateway.ask(&mut redis, &Request::of("a"));
        passed += u64::from(answer.passed());
        assert!(answer.passed() || answer.header("retry-after") == Some("1"));
        gateway.run(&mut redis, 10 * MS);
    }
    assert!(
        (240..=260).contains(&passed),
        "{passed} of 60 and 10 a second for 20 s"
    );
    assert!(
        redis.calls < passed * 3 / 2,
        "{} calls for {passed}",
        redis.calls
    );
}

/// Its own denial, of an hour, stood behind the lease's, of a second.
#[test]
fn a_lease_that_denies_hides_no_longer_denial() {
    let limit = LEASE.replace("100/s", "10/s").replace("600", "60");
    let own = r#""own": {"rate": "1/h", "client_from": [{"header": "x-own"}]}"#;
    let (gateway, mut redis) = (gateway(&format!("{limit}, {own}")), Redis::default());
    let with_own = Request::of("a").header("x-own", "me");
    assert!(gateway.ask(&mut redis, &with_own).passed());
    for _ in 0..1000 {
        if !gateway.ask(&mut redis, &Request::of("a")).passed() {
            let denied = gateway.ask(&mut redis, &with_own);
            assert_eq!(denied.details, "tollgate_own");
        }
        gateway.run(&mut redis, 10 * MS);
    }
}

#[test]
fn a_lease_is_not_spent_after_its_end() {
    let mut redis = Redis::default();
    let gateway = lent(LEASE, &mut redis);
    // Nothing ticks, as on a worker that is busy.
    gateway.advance(1900 * MS);
    assert!(
        gateway.send(&Request::of("a")).passed(),
        "two seconds at the least"
    );
    gateway.advance(2100 * MS);
    gateway.begin(&Request::of("a")).asks();
}

/// The answer came late: the lease counts from when it was asked for.
#[test]
fn a_lease_counts_from_when_it_was_asked_for() {
    let (gateway, mut redis) = (gateway(LEASE), Redis::default());
    busy(&gateway, &mut redis);
    let calls = tick(&gateway);
    let response = redis.answer(&calls[0]);
    gateway.advance(4000 * MS);
    gateway.answer_call(&calls[0], response);
    gateway.begin(&Request::of("a")).asks();
}

#[test]
fn a_request_that_another_limit_denies_spends_nothing() {
    let strict = r#""s": {"rate": "1/d", "burst": 9, "scope": "cluster"}"#;
    let own = r#""own": {"rate": "1/d", "burst": 2, "client_from": [{"header": "x-own"}]}"#;
    let mut redis = Redis::default();
    let gateway = gateway(&format!("{LEASE}, {strict}, {own}"));
    busy(&gateway, &mut redis);
    gateway.run(&mut redis, 10 * MS);
    for _ in 0..4 {
        let pending = gateway.begin(&Request::of("a")).asks();
        assert_eq!(pending.call().keys().len(), 1, "the strict limit's");
        let wait = 1_000_000.try_into().ok();
        let response = reply(
            pending.call(),
            &[Denied {
                remaining: 0,
                retry_after: wait,
            }],
        );
        assert_eq!(pending.answer(response).done().details, "tollgate_s");
        gateway.advance(100 * MS);
    }
    let own = Request::of("a").header("x-own", "me");
    let passed = (0..6).filter(|_| gateway.ask(&mut redis, &own).passed());
    assert_eq!(passed.count(), 2);
    gateway.run(&mut redis, 3000 * MS);
    assert_eq!(redis.debited, 2 * 6, "two limits of what has passed");
}

/// A unit that Redis had been told is spent came back into a lease that did not
/// count it any more: one more passed than a strict bucket would let.
#[test]
fn a_unit_that_comes_back_after_a_renewal_is_left_to_time() {
    let strict = r#""s": {"rate": "9/s", "scope": "cluster", "client_from": [{"header": "x-s"}]}"#;
    let mut redis = Redis::default();
    let gateway = lent(&format!("{LEASE}, {strict}"), &mut redis);
    let held = gateway.begin(&Request::of("a").header("x-s", "s")).asks();
    for _ in 0..38 {
        assert!(gateway.send(&Request::of("a")).passed());
    }
    let calls = tick(&gateway);
    let lent: u32 = operation(&calls[0]).1.parse().unwrap();
    let response = redis.answer(&calls[0]);
    gateway.answer_call(&calls[0], response);
    assert!(gateway.send(&Request::of("a")).passed());
    let denied = Denied {
        remaining: 0,
        retry_after: Some(1_000_000.try_into().unwrap()),
    };
    let response = reply(held.call(), &[denied]);
    assert_eq!(held.answer(response).done().status, 429);
    // One of the forty was left, besides what came with the renewal.
    for _ in 0..lent {
        assert!(gateway.send(&Request::of("a")).passed());
    }
    gateway.begin(&Request::of("a")).asks();
}

#[test]
fn a_lease_of_a_configuration_that_is_replaced_goes_back() {
    let mut redis = Redis::default();
    let mut gateway = lent(LEASE, &mut redis);
    gateway
        .update(&config(&LEASE.replace("600", "6000"), UPSTASH))
        .unwrap();
    gateway.begin(&Request::of("a")).asks().hang_up();
    gateway.run(&mut redis, 3000 * MS);
    assert_eq!(redis.debited, 4);
    gateway.drain();
    assert!(gateway.ask(&mut redis, &Request::of("a")).passed());
}
