//! Calendar quotas, on the wall clock.

use std::time::Duration;

use crate::host::{Gateway, Request, Store};

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400;
/// 2026-01-01, a Thursday.
const NEW_YEAR: u64 = 1_767_225_600;

fn config(fields: &str) -> String {
    format!(r#"{{"client_from": [{{"header": "x-api-key"}}], "limits": {{"q": {{{fields}}}}}}}"#)
}

/// A gateway at so many seconds after the new year.
fn gateway(fields: &str, after: u64) -> Gateway {
    let gateway = Gateway::start(&config(fields)).unwrap();
    gateway.set_wall((NEW_YEAR + after) * SECOND);
    gateway
}

fn a() -> Request {
    Request::of("a")
}

/// How many more pass.
fn left(gateway: &Gateway) -> usize {
    (0..100).take_while(|_| gateway.send(&a()).passed()).count()
}

#[test]
fn a_quota_comes_back_all_at_once_with_the_next_period() {
    for (fields, after, wait) in [
        (r#""quota": 3, "per": "hour""#, 60, 3_540),
        (r#""quota": 3, "per": "day""#, DAY - 1, 1),
        (r#""quota": 3, "per": "day", "offset": "2h""#, 3_600, 3_600),
        (
            r#""quota": 3, "per": "day", "offset": "-2h""#,
            3_600,
            DAY - 3 * 3_600,
        ),
        // Until Monday the fifth.
        (r#""quota": 3, "per": "week""#, 0, 4 * DAY),
        (
            r#""quota": 3, "per": "week", "offset": "9h""#,
            0,
            4 * DAY + 9 * 3_600,
        ),
        (r#""quota": 3, "per": "month""#, DAY, 30 * DAY),
        // February.
        (r#""quota": 3, "per": "month""#, 31 * DAY, 28 * DAY),
        (r#""quota": 3, "per": "90s""#, 0, 90),
    ] {
        let gateway = gateway(fields, after);
        let first = gateway.send(&a());
        let header = format!(r#""q";r=2;t={wait}"#);
        assert_eq!(first.header("ratelimit"), Some(&*header), "{fields}");
        assert_eq!(left(&gateway), 2, "{fields}");
        let denied = gateway.send(&a());
        assert_eq!(
            denied.header("retry-after"),
            Some(&*wait.to_string()),
            "{fields}"
        );
        assert!(gateway.send(&Request::of("b")).passed());
        gateway.advance(Duration::from_secs(wait) - Duration::from_nanos(1));
        assert_eq!(left(&gateway), 0, "{fields}");
        gateway.advance(Duration::from_nanos(1));
        assert_eq!(left(&gateway), 3, "{fields}");
    }
}

#[test]
fn a_policy_tells_the_period() {
    for (fields, policy) in [
        (r#""quota": 3, "per": "hour""#, r#""q";q=3;w=3600"#),
        (r#""quota": 3, "per": "week""#, r#""q";q=3;w=604800"#),
        (r#""quota": 3, "per": "month""#, r#""q";q=3;w=2678400"#),
    ] {
        let answer = gateway(fields, 0).send(&a());
        assert_eq!(answer.header("ratelimit-policy"), Some(policy));
    }
}

/// Whoever steps the clock back over a boundary gives nobody a second quota.
#[test]
fn a_step_back_keeps_the_later_periods_count() {
    let gateway = gateway(r#""quota": 3, "per": "day""#, DAY - 1);
    assert_eq!(left(&gateway), 3);
    gateway.advance(Duration::from_secs(2));
    assert_eq!(left(&gateway), 3, "the next day");
    gateway.set_wall((NEW_YEAR + DAY - 10) * SECOND);
    assert_eq!(left(&gateway), 0, "back before midnight");
    gateway.set_wall((NEW_YEAR + DAY) * SECOND);
    assert_eq!(left(&gateway), 0);
    gateway.set_wall((NEW_YEAR + 2 * DAY) * SECOND);
    assert_eq!(left(&gateway), 3);
}

/// A gateway that looks for a place must not take that of a quota which runs.
#[test]
fn a_crowd_costs_nobody_the_count_of_a_running_period() {
    let top = r#"{"max_entries": 1, "#;
    let fields = r#""quota": 2, "per": "month""#;
    let config = config(fields).replacen('{', top, 1);
    let gateway = Gateway::start(&config).unwrap();
    assert_eq!(left(&gateway), 2);
    for client in 0..127 {
        assert!(gateway.send(&Request::of(&format!("c{client}"))).passed());
    }
    assert_eq!(gateway.counter("tollgate.table.evictions"), 0);
    assert_eq!(left(&gateway), 0);
    gateway.advance(Duration::from_secs(31 * DAY));
    assert!(gateway.send(&Request::of("new")).passed());
    assert_eq!(
        gateway.counter("tollgate.table.evictions"),
        0,
        "all are free again"
    );
}

#[test]
fn workers_share_a_quota_and_a_reload_keeps_it() {
    let store = Store::default();
    let of = |fields: &str| Gateway::worker(&config(fields), store.clone()).unwrap();
    let (mut here, there) = (
        of(r#""quota": 4, "per": "day""#),
        of(r#""quota": 4, "per": "day""#),
    );
    assert!(here.send(&a()).passed() && there.send(&a()).passed());
    here.update(&config(r#""quota": 10, "per": "day""#))
        .unwrap();
    assert_eq!(left(&here), 8);
    here.update(&config(r#""quota": 10, "per": "hour""#))
        .unwrap();
    assert_eq!(left(&here), 10, "another period is another limit");
}

/// What a denied request had taken comes back to the period it was taken from.
#[test]
fn a_quota_is_given_back_when_another_limit_denies() {
    let json = r#"{"client_from": [{"header": "x-api-key"}], "limits": {
        "q": {"quota": 9, "per": "day"},
        "ip": {"rate": "1/d", "client_from": [{"ip": {}}]}}}"#;
    let gateway = Gateway::start(json).unwrap();
    assert!(gateway.send(&a()).passed());
    for _ in 0..5 {
        assert!(!gateway.send(&a()).passed());
    }
    let other = a().attribute(&["source", "address"], "10.0.0.2:1");
    let answer = gateway.send(&other);
    assert!(answer
        .header("ratelimit-policy")
        .unwrap()
        .contains(r#""q";q=9"#));
    let third = a().attribute(&["source", "address"], "10.0.0.3:1");
    gateway.send(&third);
    let fourth = a().attribute(&["source", "address"], "10.0.0.4:1");
    let passed = (0..20_u8).filter(|n| {
        let address = format!("10.0.1.{n}:1");
        gateway
            .send(&fourth.clone().attribute(&["source", "address"], address))
            .passed()
    });
    assert_eq!(passed.count(), 6, "three were used");
}

/// No limit that is left follows the calendar, so nobody reads it, and what was spent of
/// quotas never seems over: once it crowded the buckets of all other clients out for ever.
#[test]
fn quotas_that_are_gone_crowd_nobody_out() {
    let of = |limit: &str| {
        format!(
            r#"{{"client_from": [{{"header": "x-api-key"}}], "max_entries": 1, "limits": {{"l": {{{limit}}}}}}}"#
        )
    };
    let mut gateway = Gateway::start(&of(r#""quota": 9, "per": "hour""#)).unwrap();
    for client in 0..128 {
        for _ in 0..9 {
            assert!(gateway.send(&Request::of(&client.to_string())).passed());
        }
    }
    gateway.update(&of(r#""rate": "3/d""#)).unwrap();
    gateway.advance(Duration::from_secs(7_200));
    for _ in 0..3 {
        assert!(gateway.send(&Request::of("a")).passed());
    }
    for client in 0..9 {
        gateway.send(&Request::of(&client.to_string()));
    }
    assert_eq!(gateway.send(&Request::of("a")).status, 429);
}

/// Each reading costs a call: only where this gateway counts by the calendar itself.
#[test]
fn a_quota_that_redis_alone_counts_reads_no_wall_clock_here() {
    let cluster = r#""quota": 3, "per": "day", "scope": "cluster""#;
    for (on_failure, readings) in [(r#""deny""#, 0), (r#""local", "gateways": 2"#, 1)] {
        let redis = format!(
            r#", "redis": {{"upstream": "redis", "bridge": "upstash", "on_failure": {on_failure}}}"#
        );
        let config = config(cluster);
        let config = config.strip_suffix('}').unwrap().to_owned() + &redis + "}";
        let gateway = Gateway::start(&config).unwrap();
        gateway.reads();
        gateway.begin(&a()).asks();
        assert_eq!(gateway.reads().wall, readings, "{on_failure}");
    }
}
