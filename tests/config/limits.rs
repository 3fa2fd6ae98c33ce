//! Quotas, concurrency and modes.

use tollgate::config::Config;
use tollgate::limit::{Allowance, Kind, Limit, Mode, Period};

use crate::errors::only;
use crate::{errors, with_limit, with_top};

fn limit(fields: &str) -> Limit {
    let json = with_limit(fields);
    let config =
        Config::parse(json.as_bytes()).unwrap_or_else(|errors| panic!("{json}: {errors:?}"));
    let mut limits = config.limits;
    drop(config.routes);
    std::rc::Rc::into_inner(limits.remove(0)).unwrap()
}

fn quota(fields: &str) -> (u32, Period, i64) {
    match limit(fields).kind {
        Kind::Metered {
            allowance: Allowance::Quota(quota),
            ..
        } => (quota.quota().get(), quota.period(), quota.offset()),
        other => panic!("{other:?}"),
    }
}

fn fixed(seconds: u64) -> Period {
    Period::Fixed(seconds.try_into().unwrap())
}

#[test]
fn a_quotas_period_and_its_offset() {
    for (fields, period, offset) in [
        (r#""per": "hour""#, fixed(3_600), 0),
        (r#""per": "day""#, fixed(86_400), 0),
        (r#""per": "day", "offset": "2h""#, fixed(86_400), 7_200),
        (r#""per": "day", "offset": "-90s""#, fixed(86_400), 86_310),
        // 1970 began on a Thursday.
        (r#""per": "week""#, Period::WEEK, 4 * 86_400),
        (r#""per": "7d""#, Period::WEEK, 0),
        (r#""per": "90s", "offset": "100s""#, fixed(90), 10),
        (r#""per": "3000ms""#, fixed(3), 0),
        (r#""per": "month""#, Period::Month, 0),
        (
            r#""per": "month", "offset": "-3d""#,
            Period::Month,
            -259_200,
        ),
    ] {
        let found = quota(&format!(r#""quota": 7, {fields}"#));
        assert_eq!(found, (7, period, offset), "{fields}");
    }
}

#[test]
fn slots_and_when_they_are_given_up_for_lost() {
    for (fields, slots, timeout) in [
        (r#""concurrency": 4"#, 4, 600),
        (r#""concurrency": 1, "timeout": "1h""#, 1, 3_600),
        (
            r#""concurrency": 1048575, "timeout": "24d""#,
            1_048_575,
            24 * 86_400,
        ),
    ] {
        let Kind::Concurrency(concurrency) = limit(fields).kind else {
            panic!("{fields}");
        };
        assert_eq!(concurrency.slots().get(), slots);
        assert_eq!(concurrency.timeout().get(), timeout);
    }
}

#[test]
fn modes() {
    assert_eq!(limit(r#""rate": "1/s""#).mode, Mode::Enforce);
    for (mode, expected) in [
        ("enforce", Mode::Enforce),
        ("shadow", Mode::Shadow),
        ("tag", Mode::Tag),
    ] {
        let found = limit(&format!(r#""concurrency": 1, "mode": "{mode}""#)).mode;
        assert_eq!(found, expected);
    }
}

/// Another kind, unit or period is another limit's state; numbers are not.
#[test]
fn what_a_clients_state_belongs_to() {
    let tag = |fields: &str| limit(fields).tag;
    let day = tag(r#""quota": 7, "per": "day""#);
    assert_eq!(
        day,
        tag(r#""quota": 8, "per": "86400s", "offset": "1h", "mode": "shadow""#)
    );
    assert_ne!(day, tag(r#""quota": 7, "per": "hour""#));
    assert_ne!(
        tag(r#""quota": 7, "per": "week""#),
        tag(r#""quota": 7, "per": "7d""#)
    );
    assert_ne!(day, tag(r#""rate": "7/d""#));
    let slots = tag(r#""concurrency": 4"#);
    assert_eq!(slots, tag(r#""concurrency": 5, "timeout": "1m""#));
    assert_ne!(slots, tag(r#""rate": "4/s""#));
}

#[test]
fn a_gateways_share_is_at_least_one() {
    for (fields, share) in [
        (r#""quota": 9, "per": "day""#, 2),
        (r#""quota": 3, "per": "day""#, 1),
        (r#""concurrency": 11"#, 2),
        (r#""concurrency": 2"#, 1),
    ] {
        let shared = format!(r#"{fields}, "scope": "share""#);
        let json = format!(
            r#"{{"client_from": [{{"ip": {{}}}}], "limits": {{"l": {{{shared}}}}}, "gateways": 4}}"#
        );
        let config = Config::parse(json.as_bytes()).unwrap();
        assert_eq!(config.limits[0].size(), share, "{fields}");
    }
}

#[test]
fn wrong_fields() {
    const PER: &str = "\"hour\", \"day\", \"week\", \"month\" or a duration of whole seconds up to ten years, such as \"12h\"";
    const OFFSET: &str = "a duration of whole seconds up to ten years, such as \"2h\" or \"-30m\"";
    const TIMEOUT: &str = "a duration of whole seconds up to 24 days, such as \"10m\"";
    const ONE: &str = "exactly one of the fields \"rate\", \"quota\" or \"concurrency\"";
    for (fields, path, expected, found) in [
        (
            r#""quota": 0, "per": "day""#,
            ".quota",
            "a whole number of at least 1",
            "0",
        ),
        (
            r#""quota": 1"#,
            ".per",
            "\"hour\", \"day\", \"week\", \"month\" or a duration",
            "nothing",
        ),
        (r#""quota": 1, "per": "year""#, ".per", PER, "\"year\""),
        (r#""quota": 1, "per": "1500ms""#, ".per", PER, "\"1500ms\""),
        (r#""quota": 1, "per": "3651d""#, ".per", PER, "\"3651d\""),
        (r#""quota": 1, "per": 5"#, ".per", PER, "5"),
        (
            r#""quota": 1, "per": "day", "offset": "2""#,
            ".offset",
            OFFSET,
            "\"2\"",
        ),
        (
            r#""quota": 1, "per": "day", "offset": "--2h""#,
            ".offset",
            OFFSET,
            "\"--2h\"",
        ),
        (
            r#""quota": 1, "per": "day", "offset": "0s""#,
            ".offset",
            OFFSET,
            "\"0s\"",
        ),
        (
            r#""quota": 1, "per": "day", "burst": 5"#,
            ".burst",
            "a \"rate\" beside it",
            "none",
        ),
        (
            r#""rate": "1/s", "per": "day""#,
            ".per",
            "a \"quota\" beside it",
            "none",
        ),
        (
            r#""rate": "1/s", "offset": "1h""#,
            ".offset",
            "a \"quota\" beside it",
            "none",
        ),
        (
            r#""rate": "1/s", "timeout": "1h""#,
            ".timeout",
            "a \"concurrency\" beside it",
            "none",
        ),
        (
            r#""concurrency": 0"#,
            ".concurrency",
            "a whole number from 1 to 1048575",
            "0",
        ),
        (
            r#""concurrency": 4, "timeout": "25d""#,
            ".timeout",
            TIMEOUT,
            "\"25d\"",
        ),
        (
            r#""concurrency": 4, "timeout": "0s""#,
            ".timeout",
            TIMEOUT,
            "\"0s\"",
        ),
        (
            r#""concurrency": 4, "unit": "requests""#,
            ".unit",
            "no unit, since slots are counted",
            "one",
        ),
        (
            r#""rate": "1/s", "mode": "audit""#,
            ".mode",
            "\"enforce\", \"shadow\" or \"tag\"",
            "\"audit\"",
        ),
        (
            r#""rate": "1/s", "quota": 5, "per": "day""#,
            "",
            ONE,
            "\"rate\", \"quota\", \"per\"",
        ),
        (r#""timeout": "5s""#, "", ONE, "\"timeout\""),
    ] {
        let found = format!("limits.rpm{path}: expected {expected}, found {found}");
        let errors = errors(&with_limit(fields));
        assert!(errors.contains(&found), "{fields}: {errors:?}");
    }
}

#[test]
fn slots_are_never_counted_in_redis() {
    let expected = "limits.rpm.scope: expected \"local\" or \"share\", since slots are counted where the requests are, found \"cluster\"";
    only(
        &with_limit(r#""concurrency": 4, "scope": "cluster""#),
        expected,
    );
    let redis = r#""redis": {"upstream": "r", "bridge": "upstash", "on_failure": "allow"}"#;
    let json = with_top(redis).replace(
        r#""rate": "9/s""#,
        r#""concurrency": 4, "scope": "cluster""#,
    );
    only(&json, "limits.rpm.scope: expected \"local\" or \"share\", since slots are counted where the requests are, found \"cluster\"");
}

#[test]
fn a_cost_above_the_quota_is_an_error() {
    let json = r#"{"client_from": [{"ip": {}}],
        "limits": {"q": {"quota": 5, "per": "day"}, "c": {"concurrency": 1}},
        "routes": [{"match": {}, "limits": ["q", "c"], "cost": 6}]}"#;
    only(json, "routes[0].limits[0]: expected a limit whose quota, in one gateway, covers the route's cost of 6 (this one's is 5), found \"q\"");
}
