//! Limits that are not enforced: shadow and tag.

use std::time::Duration;

use crate::host::{reply, Gateway, Request, Store};
use tollgate::limit::Answer as Said;

fn config(limits: &str, more: &str) -> String {
    format!(r#"{{"client_from": [{{"header": "x-api-key"}}], "limits": {{{limits}}}{more}}}"#)
}

fn gateway(limits: &str) -> Gateway {
    Gateway::start(&config(limits, "")).unwrap()
}

fn a() -> Request {
    Request::of("a")
}

/// Its counters are those of the same limit enforced, and nobody sees it.
#[test]
fn a_shadow_counts_what_enforcing_would_do_and_changes_nothing() {
    for kind in [
        r#""rate": "2/s", "burst": 3"#,
        r#""quota": 5, "per": "10s""#,
    ] {
        let enforced = gateway(&format!(r#""l": {{{kind}}}"#));
        let shadow = gateway(&format!(r#""l": {{{kind}, "mode": "shadow"}}"#));
        for step in 0..40_u64 {
            let as_enforced = enforced.send(&a());
            let answer = shadow.send(&a().upstream("ratelimit-x", "1"));
            assert!(answer.passed());
            assert_eq!(answer.headers, [("ratelimit-x".to_owned(), "1".to_owned())]);
            assert_eq!(answer.forwarded("x-tollgate-over"), None);
            let state = if as_enforced.passed() {
                "allowed"
            } else {
                "shadow:l"
            };
            assert_eq!(answer.state, state);
            enforced.advance(Duration::from_millis(step * 20));
        }
        let count = |gateway: &Gateway, what| gateway.counter(&format!("tollgate.limit.l.{what}"));
        assert!(count(&enforced, "denied") > 5);
        assert_eq!(count(&shadow, "shadow_denied"), count(&enforced, "denied"));
        assert_eq!(count(&shadow, "allowed"), count(&enforced, "allowed"));
        assert_eq!(count(&shadow, "denied"), 0);
    }
}

/// Neither is it denied by others: its decisions are its own.
#[test]
fn a_shadow_decides_as_if_alone() {
    let gateway = gateway(r#""s": {"rate": "3/d", "mode": "shadow"}, "l": {"rate": "1/d"}"#);
    let answer = gateway.send(&a());
    assert_eq!(answer.header("ratelimit"), Some(r#""l";r=0;t=86400"#));
    assert_eq!(
        answer.header("ratelimit-policy"),
        Some(r#""l";q=1;w=86400"#)
    );
    for _ in 0..4 {
        let denied = gateway.send(&a());
        assert_eq!((denied.status, &*denied.state), (429, "denied:l"));
        assert!(denied.body.contains(r#""violated-policies":["l"]"#));
    }
    assert_eq!(gateway.counter("tollgate.limit.s.allowed"), 3);
    assert_eq!(gateway.counter("tollgate.limit.s.shadow_denied"), 2);
    assert_eq!(gateway.counter("tollgate.limit.l.allowed"), 1);
    assert_eq!(gateway.counter("tollgate.limit.l.denied"), 4);
}

#[test]
fn a_tag_tells_the_upstream_and_the_log() {
    let gateway = gateway(
        r#""fast": {"rate": "1/d", "mode": "tag"}, "s": {"rate": "1/d", "mode": "shadow"},
           "more": {"rate": "2/d", "mode": "tag"}"#,
    );
    let expected = [
        (None, "allowed"),
        (Some("fast"), "tagged:fast"),
        (Some("fast, more"), "tagged:fast"),
    ];
    for (over, state) in expected {
        let answer = gateway.send(&a());
        assert!(answer.passed());
        assert_eq!(
            (answer.forwarded("x-tollgate-over"), &*answer.state),
            (over, state)
        );
    }
    assert_eq!(gateway.counter("tollgate.limit.fast.tagged"), 2);
    assert_eq!(gateway.counter("tollgate.limit.more.tagged"), 1);
}

/// On every route, also one without limits.
#[test]
fn a_client_cannot_tag_its_own_request() {
    let routes = r#", "routes": [{"match": {"path": "/free"}, "limits": []}, {"match": {}, "limits": ["fast"]}]"#;
    let gateway =
        Gateway::start(&config(r#""fast": {"rate": "1/d", "mode": "tag"}"#, routes)).unwrap();
    let forged = a()
        .header("x-tollgate-over", "fast")
        .header("x-tollgate-over", "x");
    assert_eq!(gateway.send(&forged).forwarded("x-tollgate-over"), None);
    assert_eq!(
        gateway
            .send(&forged.clone().with(":path", "/free"))
            .forwarded("x-tollgate-over"),
        None
    );
    assert_eq!(
        gateway.send(&forged).forwarded("x-tollgate-over"),
        Some("fast")
    );
}

#[test]
fn a_shadowed_slot_is_held_and_comes_back() {
    let gateway = gateway(r#""c": {"concurrency": 1, "mode": "shadow"}"#);
    let open = gateway.open(&a());
    assert_eq!(gateway.send(&a()).state, "shadow:c");
    open.complete();
    assert_eq!(gateway.send(&a()).state, "allowed");
    assert_eq!(gateway.send(&a()).state, "allowed");
}

/// Every race is lost: what is not enforced is no reason to refuse.
#[test]
fn a_shadow_that_cannot_be_counted_lets_pass() {
    let gateway = gateway(r#""s": {"rate": "1/d", "mode": "shadow"}"#);
    gateway.lose_races(32);
    assert!(gateway.send(&a()).passed());
    assert_eq!(gateway.counter("tollgate.table.conflicts"), 1);
}

/// What it is denied for may be there again by the time at which its shadow is charged: a
/// slot that came back, units that were undone. It has been charged nothing for that, so it
/// stays denied.
#[test]
fn a_denial_stands_while_its_shadow_is_charged() {
    for denying in [
        r#""concurrency": 1"#,
        r#""rate": "1/d""#,
        r#""quota": 1, "per": "day""#,
    ] {
        let gateway = gateway(&format!(
            r#""l": {{{denying}}}, "s": {{"rate": "9/d", "mode": "shadow"}}"#
        ));
        let open = gateway.open(&a());
        gateway
            .store()
            .before_next_write(|store| store.overwrite_pages(b""));
        let denied = gateway.send(&a());
        assert_eq!((denied.status, &*denied.state), (429, "denied:l"));
        assert_eq!(gateway.counter("tollgate.limit.l.denied"), 1);
        assert_eq!(gateway.counter("tollgate.limit.s.allowed"), 2);
        open.reset();
    }
}

/// The page of the key is charged, that of the address never is. Were it not given back,
/// the next request would find its shadow over: one slot, or no room for as many tokens.
#[test]
fn what_a_shadow_holds_comes_back_where_the_request_cannot_be_counted() {
    for shadow in [
        r#""concurrency": 1"#,
        r#""rate": "600/d", "unit": "tokens""#,
    ] {
        let limits = format!(
            r#""s": {{{shadow}, "mode": "shadow"}},
               "ip": {{"rate": "9/d", "client_from": [{{"ip": {{}}}}]}}"#
        );
        let gateway = Gateway::worker(&config(&limits, ""), Store::with_hash_key()).unwrap();
        gateway.lose_races_after(1);
        assert_eq!(gateway.send(&a()).state, "refused:uncounted");
        gateway.lose_races(0);
        gateway.tick();
        assert_eq!(gateway.send(&a()).state, "allowed", "{shadow}");
    }
}

const REDIS: &str =
    r#", "redis": {"upstream": "redis", "bridge": "upstash", "on_failure": "deny"}"#;

fn said(denied: bool) -> Said {
    match denied {
        true => Said::Denied {
            remaining: 0,
            retry_after: 9_000_000_000.try_into().ok(),
        },
        false => Said::Allowed {
            remaining: 1,
            reset_in: 1_000_000_000,
        },
    }
}

/// In Redis too, each as if alone: the call asks for it so.
#[test]
fn a_shadow_in_redis_denies_nobody() {
    let limits = r#""s": {"rate": "1/m", "scope": "cluster", "mode": "shadow"}, "l": {"rate": "2/m", "scope": "cluster"}"#;
    for (shadow, enforced, state) in [
        (true, false, "shadow:s"),
        (false, true, "denied:l"),
        (true, true, "denied:l"),
        (false, false, "allowed"),
    ] {
        let gateway = Gateway::start(&config(limits, REDIS)).unwrap();
        let pending = gateway.begin(&a()).asks();
        let operations = [2, 13].map(|at| pending.call().arguments()[at + 1].clone());
        assert_eq!(operations, ["try", "charge"]);
        let response = reply(pending.call(), &[said(shadow), said(enforced)]);
        let answer = pending.answer(response).done();
        assert_eq!((answer.passed(), &*answer.state), (!enforced, state));
        assert_eq!(
            gateway.counter("tollgate.limit.s.shadow_denied"),
            u64::from(shadow)
        );
        assert_eq!(
            gateway.counter("tollgate.limit.s.allowed"),
            u64::from(!shadow)
        );
    }
}

/// Redis' last denial of a limit in shadow is no reason to ask it again, nor to deny.
#[test]
fn a_shadows_denial_is_remembered() {
    let gateway = Gateway::start(&config(
        r#""s": {"rate": "1/m", "scope": "cluster", "mode": "tag"}"#,
        REDIS,
    ))
    .unwrap();
    let pending = gateway.begin(&a()).asks();
    let response = reply(pending.call(), &[said(true)]);
    assert_eq!(
        pending.answer(response).done().forwarded("x-tollgate-over"),
        Some("s")
    );
    let answer = gateway.send(&a());
    assert_eq!(answer.forwarded("x-tollgate-over"), Some("s"));
    assert_eq!(gateway.counter("tollgate.redis.calls"), 1);
    assert_eq!(gateway.counter("tollgate.limit.s.tagged"), 2);
}

/// `on_failure: deny` is about limits that deny.
#[test]
fn an_outage_denies_nobody_for_a_shadow() {
    let gateway = Gateway::start(&config(
        r#""s": {"rate": "1/m", "scope": "cluster", "mode": "shadow"}"#,
        REDIS,
    ))
    .unwrap();
    let pending = gateway.begin(&a()).asks();
    let answer = pending.answer(crate::host::Response::timeout()).done();
    assert_eq!((answer.passed(), &*answer.state), (true, "allowed"));
}

#[test]
fn what_this_gateway_denies_gives_back_all_but_the_shadows() {
    let limits = r#""own": {"rate": "9/d"}, "s": {"rate": "9/d", "mode": "shadow"},
        "l": {"rate": "2/m", "scope": "cluster"}"#;
    let gateway = Gateway::start(&config(limits, REDIS)).unwrap();
    let pending = gateway.begin(&a()).asks();
    let response = reply(pending.call(), &[said(true)]);
    assert_eq!(pending.answer(response).done().status, 429);
    assert_eq!(
        gateway.counter("tollgate.limit.s.allowed"),
        1,
        "counted once"
    );
    gateway.advance(Duration::from_secs(10));
    let pending = gateway.begin(&a()).asks();
    let response = reply(pending.call(), &[said(false)]);
    let answer = pending.answer(response).done();
    assert_eq!(answer.header("ratelimit"), Some(r#""l";r=1;t=1"#));
    assert_eq!(gateway.counter("tollgate.limit.s.allowed"), 2);
    assert_eq!(gateway.counter("tollgate.limit.own.allowed"), 1);
}
