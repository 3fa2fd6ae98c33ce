//! Concurrency: slots that are held while requests are under way.

use std::time::Duration;

use crate::host::{Gateway, Request, Store};

fn config(limits: &str) -> String {
    format!(r#"{{"client_from": [{{"header": "x-api-key"}}], "limits": {{{limits}}}}}"#)
}

fn gateway(limits: &str) -> Gateway {
    Gateway::start(&config(limits)).unwrap()
}

fn a() -> Request {
    Request::of("a")
}

/// How many more pass at once.
fn free(gateway: &Gateway, request: &Request) -> usize {
    let mut open = Vec::new();
    loop {
        let answer = gateway.send(request);
        if !answer.passed() {
            break;
        }
        // That one has ended: it is taken again, and held.
        open.push(gateway.open(request));
    }
    let free = open.len();
    open.into_iter().for_each(|open| open.reset());
    free
}

#[test]
fn a_request_holds_its_slot_to_its_end() {
    let gateway = gateway(r#""at-once": {"concurrency": 2}"#);
    let (first, second) = (gateway.open(&a()), gateway.open(&a()));
    let denied = gateway.send(&a());
    assert_eq!(denied.status, 429);
    assert_eq!(denied.header("retry-after"), Some("1"));
    assert_eq!(denied.header("ratelimit"), Some(r#""at-once";r=0"#));
    let policy = r#""at-once";q=2;qu="concurrent-requests""#;
    assert_eq!(denied.header("ratelimit-policy"), Some(policy));
    assert!(gateway.send(&Request::of("b")).passed());
    let answer = first.complete();
    assert_eq!(answer.header("ratelimit"), Some(r#""at-once";r=1"#));
    assert!(gateway.send(&a()).passed(), "a response's end");
    second.reset();
    assert_eq!(free(&gateway, &a()), 2, "a client's end");
    assert_eq!(gateway.counter("tollgate.limit.at-once.denied"), 2);
}

/// A request takes one slot, whatever it costs.
#[test]
fn a_cost_is_of_units_and_not_of_slots() {
    let routes = r#""routes": [{"match": {}, "limits": ["at-once"], "cost": 3}]"#;
    let config =
        config(r#""at-once": {"concurrency": 2}"#).replacen('{', &format!("{{{routes}, "), 1);
    assert_eq!(free(&Gateway::start(&config).unwrap(), &a()), 2);
}

#[test]
fn a_request_that_another_limit_denies_holds_nothing() {
    let gateway = gateway(r#""at-once": {"concurrency": 2}, "rpm": {"rate": "1/m"}"#);
    assert!(gateway.send(&a()).passed());
    for _ in 0..5 {
        let denied = gateway.send(&a());
        assert!(
            denied.body.contains(r#""violated-policies":["rpm"]"#),
            "{}",
            denied.body
        );
    }
    gateway.advance(Duration::from_secs(60));
    assert!(gateway.send(&a()).passed());
}

/// Of slots that nobody gives back, those of a crashed filter, all are free again after
/// between one and two timeouts.
#[test]
fn an_abandoned_slot_is_free_after_one_to_two_timeouts() {
    for into_generation in [0, 1, 30, 59] {
        let gateway = gateway(r#""at-once": {"concurrency": 1, "timeout": "1m"}"#);
        gateway.advance(Duration::from_secs(into_generation));
        let abandoned = gateway.open(&a());
        let mut waited = 0;
        while !gateway.send(&a()).passed() {
            gateway.advance(Duration::from_secs(1));
            waited += 1;
        }
        assert!((60..=120).contains(&waited), "{waited} s");
        // It comes back late, after another has taken the slot.
        let holder = gateway.open(&a());
        abandoned.complete();
        assert!(
            !gateway.send(&a()).passed(),
            "a late release frees another's slot"
        );
        holder.complete();
        assert!(gateway.send(&a()).passed());
    }
}

#[test]
fn workers_share_a_clients_slots() {
    let config = config(r#""at-once": {"concurrency": 2}"#);
    let store = Store::default();
    let [here, there] = [(); 2].map(|()| Gateway::worker(&config, store.clone()).unwrap());
    let (first, _second) = (here.open(&a()), there.open(&a()));
    assert!(!here.send(&a()).passed());
    first.complete();
    assert!(there.send(&a()).passed());
}

/// A release that loses every race is made up for on the tick.
#[test]
fn a_release_is_never_lost() {
    let gateway = gateway(r#""at-once": {"concurrency": 1}"#);
    let open = gateway.open(&a());
    gateway.lose_races(32);
    open.complete();
    assert!(!gateway.send(&a()).passed());
    assert!(gateway.tick());
    assert!(gateway.send(&a()).passed());
    assert!(gateway.rests(), "the tick ends when nothing is owed");
}

#[test]
fn slots_are_kept_over_a_reload() {
    let mut gateway = gateway(r#""at-once": {"concurrency": 2}"#);
    let (first, second) = (gateway.open(&a()), gateway.open(&a()));
    gateway
        .update(&config(r#""at-once": {"concurrency": 3, "timeout": "1h"}"#))
        .unwrap();
    let third = gateway.open(&a());
    assert!(!gateway.send(&a()).passed());
    first.complete();
    second.reset();
    assert_eq!(free(&gateway, &a()), 2);
    gateway
        .update(&config(r#""at-once": {"concurrency": 1}"#))
        .unwrap();
    assert!(!gateway.send(&a()).passed(), "one is still held");
    third.complete();
    assert_eq!(free(&gateway, &a()), 1);
}

/// A generation that began under a longer timeout than the one before once seemed to hold
/// the slots of both, and one of before that came back was missed for up to twice as long.
#[test]
fn a_longer_timeout_loses_no_slot_of_before() {
    let limit = |timeout: &str| {
        let limit = format!(r#""at-once": {{"concurrency": 2, "timeout": "{timeout}"}}"#);
        config(&limit)
    };
    let mut gateway = Gateway::start(&limit("1m")).unwrap();
    let held = gateway.open(&a());
    gateway.update(&limit("1h")).unwrap();
    // By now in the next generation.
    gateway.advance(Duration::from_secs(90));
    assert!(gateway.send(&a()).passed());
    held.complete();
    assert_eq!(free(&gateway, &a()), 2);
}

/// Slots that are held are the last that a crowded page gives up.
#[test]
fn held_slots_outlast_a_crowd() {
    let top = r#""max_entries": 1, "routes": [{"match": {"path": "/slow"}, "limits": ["at-once"]},
        {"match": {}, "limits": ["rpm"]}], "#;
    let limits = r#""at-once": {"concurrency": 1}, "rpm": {"rate": "9/d"}"#;
    let config = config(limits).replacen('{', &format!("{{{top}"), 1);
    let gateway = Gateway::start(&config).unwrap();
    let slow = a().with(":path", "/slow");
    let open = gateway.open(&slow);
    for client in 0..500 {
        gateway.send(&Request::of(&client.to_string()));
    }
    assert!(!gateway.send(&slow).passed());
    open.complete();
    assert!(gateway.send(&slow).passed());
}
