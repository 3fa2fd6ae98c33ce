//! What Redis has denied is remembered, so that a client that goes on asking
//! costs it nothing.

use std::time::Duration;

use crate::cluster::UPSTASH;
use crate::host::{reply, Answer, Call, Gateway, Pending, Redis, Request, Response, Step, Store};
use tollgate::limit::Answer::{Allowed, Denied};

const MS: Duration = Duration::from_millis(1);

/// A limit of a unit in ten seconds, and routes that take one, two and five.
fn config(burst: u32) -> String {
    format!(
        r#"{{"client_from": [{{"header": "x-api-key"}}],
            "limits": {{"l": {{"rate": "6/m", "burst": {burst}, "scope": "cluster"}}}},
            "routes": [{{"match": {{"path": "/1"}}, "limits": ["l"]}},
                       {{"match": {{"path": "/5"}}, "limits": ["l"], "cost": 5}},
                       {{"match": {{}}, "limits": ["l"], "cost": 2}}],
            "redis": {{"upstream": "redis", "gateways": 2, {UPSTASH}}}}}"#
    )
}

/// A request of `a` that takes two.
fn two() -> Request {
    Request::of("a")
}

fn denied(call: &Call, wait: Duration) -> Response {
    let retry_after = u64::try_from(wait.as_nanos()).unwrap();
    let denied = Denied {
        remaining: 1,
        retry_after: Some(retry_after.try_into().unwrap()),
    };
    reply(call, &[denied])
}

fn deny(pending: Pending, wait: Duration) -> Answer {
    let response = denied(pending.call(), wait);
    pending.answer(response).done()
}

fn allow(pending: Pending) -> Answer {
    let response = reply(
        pending.call(),
        &[Allowed {
            remaining: 0,
            reset_in: 60_000_000_000,
        }],
    );
    pending.answer(response).done()
}

/// A gateway on which two units were just denied for so long.
fn after_denial(wait: Duration) -> Gateway {
    let gateway = Gateway::start(&config(10)).unwrap();
    let answer = deny(gateway.begin(&two()).asks(), wait);
    assert_eq!(answer.status, 429);
    gateway
}

/// Whether Redis is asked. It gives no answer.
fn asks(gateway: &Gateway, request: &Request) -> bool {
    match gateway.begin(request) {
        Step::Asks(pending) => {
            pending.hang_up();
            true
        }
        Step::Done(answer) => {
            assert_eq!(answer.details, "tollgate_l");
            false
        }
    }
}

#[test]
fn equal_and_dearer_requests_are_denied_from_memory() {
    let gateway = after_denial(7000 * MS);
    gateway.advance(2500 * MS);
    let answer = gateway.send(&two());
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.header("retry-after-ms"), Some("4500"));
    assert_eq!(answer.header("ratelimit"), Some(r#""l";r=1;t=5"#));
    assert_eq!(answer.details, "tollgate_l");
    assert!(answer.body.contains(r#""violated-policies":["l"]"#));
    assert_eq!(gateway.send(&two().with(":path", "/5")).status, 429);
    assert_eq!(gateway.counter("tollgate.limit.l.denied"), 3);
    assert_eq!(gateway.counter("tollgate.redis.calls"), 1);
    assert_eq!(gateway.counter("tollgate.redis.fallbacks"), 0);
    gateway.advance(4499 * MS);
    assert!(!asks(&gateway, &two()));
}

/// It was told the wait of the cheaper request that Redis had denied, and was
/// denied once more when it came back.
#[test]
fn a_dearer_request_is_told_a_wait_that_will_do() {
    let (gateway, mut redis) = (Gateway::start(&config(10)).unwrap(), Redis::default());
    for _ in 0..5 {
        assert!(gateway.ask(&mut redis, &two()).passed());
    }
    assert_eq!(
        gateway.ask(&mut redis, &two()).header("retry-after"),
        Some("20")
    );
    gateway.advance(500 * MS);
    let five = two().with(":path", "/5");
    assert_eq!(gateway.send(&five).header("retry-after-ms"), Some("49500"));
    gateway.advance(49_500 * MS);
    assert!(gateway.ask(&mut redis, &five).passed());
}

#[test]
fn cheaper_requests_and_other_clients_ask() {
    let gateway = after_denial(7000 * MS);
    assert!(asks(&gateway, &two().with(":path", "/1")));
    assert!(asks(&gateway, &Request::of("b")));
    // What a cheaper one is denied holds for all.
    deny(gateway.begin(&two().with(":path", "/1")).asks(), 3000 * MS);
    assert!(!asks(&gateway, &two().with(":path", "/1")));
}

#[test]
fn no_denial_is_believed_for_longer_than_a_minute() {
    let gateway = after_denial(3_600_000 * MS);
    gateway.advance(59_999 * MS);
    assert!(!asks(&gateway, &two()));
    gateway.advance(MS);
    assert!(asks(&gateway, &two()));
}

#[test]
fn a_new_configuration_asks() {
    let mut gateway = after_denial(7000 * MS);
    gateway.update(&config(10)).unwrap();
    assert!(!asks(&gateway, &two()), "the same one again");
    gateway.update(&config(60)).unwrap();
    assert!(asks(&gateway, &two()));
}

/// Else a client with a hundred requests under way would have them all ask for
/// the one unit that has come back.
#[test]
fn when_it_lapses_one_asks_and_the_others_wait_for_its_answer() {
    let gateway = after_denial(7000 * MS);
    gateway.advance(7000 * MS);
    let first = gateway.begin(&two()).asks();
    gateway.advance(3 * MS);
    let answer = gateway.send(&two());
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(
        answer.header("retry-after-ms"),
        Some("47"),
        "until it has its answer"
    );
    assert!(allow(first).passed());
    assert!(
        asks(&gateway, &two()) && asks(&gateway, &two()),
        "it is over"
    );

    let gateway = after_denial(7000 * MS);
    gateway.advance(7001 * MS);
    deny(gateway.begin(&two()).asks(), 5000 * MS);
    gateway.advance(4999 * MS);
    assert!(!asks(&gateway, &two()), "denied again");
}

#[test]
fn one_that_gets_no_answer_does_not_hold_the_others_up() {
    let gateway = after_denial(7000 * MS);
    gateway.advance(7000 * MS);
    assert!(asks(&gateway, &two()), "and hangs up");
    assert!(asks(&gateway, &two()), "in nobody's way");

    let gateway = after_denial(7000 * MS);
    gateway.advance(7000 * MS);
    let failing = gateway.begin(&two()).asks();
    gateway.advance(50 * MS);
    assert!(
        failing.answer(Response::timeout()).done().passed(),
        "by its share"
    );
    assert!(asks(&gateway, &two()));
}

/// A client that comes back as told, with all its requests at once.
#[test]
fn long_after_it_has_lapsed_nobody_is_denied_by_it() {
    let gateway = after_denial(7000 * MS);
    gateway.advance(7020 * MS);
    let pending = [(); 3].map(|()| gateway.begin(&two()).asks());
    for pending in pending {
        assert!(allow(pending).passed());
    }
}

#[test]
fn all_workers_of_a_gateway_know_of_it() {
    let store = Store::default();
    let [first, second] = [(); 2].map(|()| Gateway::worker(&config(10), store.clone()).unwrap());
    deny(first.begin(&two()).asks(), 7000 * MS);
    assert!(!asks(&second, &two()));
    second.advance(7000 * MS);
    let claim = second.begin(&two()).asks();
    assert!(!asks(&first, &two()));
    assert!(allow(claim).passed());
    assert!(asks(&first, &two()));
}

/// It denies for the limit that denied, and for no other.
#[test]
fn of_several_limits_the_one_that_denied_is_remembered() {
    let limits = r#""limits": {"free": {"rate": "20/s", "scope": "cluster"},"#;
    let config = config(10).replacen(r#""limits": {"#, limits, 1);
    let config = config.replace(r#"["l"], "cost": 2"#, r#"["free", "l"], "cost": 2"#);
    let config = config.replace(r#"["l"], "cost": 5"#, r#"["free"], "cost": 5"#);
    let gateway = Gateway::start(&config).unwrap();
    let pending = gateway.begin(&two()).asks();
    let free = Allowed {
        remaining: 8,
        reset_in: 0,
    };
    let denied = Denied {
        remaining: 0,
        retry_after: Some(9_000_000_000.try_into().unwrap()),
    };
    let response = reply(pending.call(), &[free, denied]);
    assert_eq!(pending.answer(response).done().details, "tollgate_l");
    assert!(!asks(&gateway, &two()));
    assert!(asks(&gateway, &two().with(":path", "/5")));
}

/// It saves calls, and costs no unit: a client that asks two hundred times
/// a second gets what it would get from Redis alone.
#[test]
fn a_client_that_never_stops_asking_gets_its_rate_for_few_calls() {
    let gateway = Gateway::start(&config(10)).unwrap();
    let mut redis = Redis::default();
    let mut passed = 0;
    for _ in 0..24_000 {
        passed += u32::from(gateway.ask(&mut redis, &two()).passed());
        gateway.advance(5 * MS);
    }
    assert_eq!(passed, 5 + 5);
    assert!(redis.calls <= 5 + 2 * 6 + 2, "{}", redis.calls);
}

/// Of two denials that had lapsed, one was denied again: the other held everybody up for
/// all of the time that Redis may take.
#[test]
fn what_redis_allows_holds_nobody_up_though_another_limit_denies() {
    let config = r#"{"client_from": [{"header": "x-api-key"}],
            "limits": {"l": {"rate": "6/m", "scope": "cluster"},
                        "m": {"rate": "6/m", "scope": "cluster"}},
            "routes": [{"match": {"path": "/l"}, "limits": ["l"]},
                       {"match": {}, "limits": ["l", "m"]}],
            "redis": {"upstream": "redis", "bridge": "upstash", "on_failure": "deny"}}"#;
    let gateway = Gateway::start(config).unwrap();
    let no = Denied {
        remaining: 0,
        retry_after: Some(5_000_000_000.try_into().unwrap()),
    };
    let yes = Allowed {
        remaining: 0,
        reset_in: 60_000_000_000,
    };
    for answers in [[no, no], [yes, no]] {
        let pending = gateway.begin(&Request::of("a")).asks();
        let response = reply(pending.call(), &answers);
        assert_eq!(pending.answer(response).done().status, 429);
        gateway.advance(if answers[0] == no { 5000 * MS } else { MS });
    }
    assert!(asks(&gateway, &Request::of("a").with(":path", "/l")));
}
