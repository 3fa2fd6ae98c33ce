//! Plans: fields laid over the limits' own.

use std::rc::Rc;

use tollgate::client::PlanIndex;
use tollgate::config::Config;
use tollgate::limit::{Kind, Limit, Mode};

use crate::errors;
use crate::errors::only;

const LIMITS: &str = r#""rpm": {"rate": "15/m", "burst": 10}, "hourly": {"rate": "900/h"},
    "weekly": {"quota": 1000, "per": "week"}, "at-once": {"concurrency": 4}"#;

fn with_plans(plans: &str) -> String {
    format!(r#"{{"client_from": [{{"ip": {{}}}}], "limits": {{{LIMITS}}}, "plans": {plans}}}"#)
}

/// The limits that a client of the one plan meets, in the route's order.
fn of_plan(overlay: &str) -> Vec<Rc<Limit>> {
    let json = with_plans(&format!(r#"{{"pro": {overlay}}}"#));
    let config =
        Config::parse(json.as_bytes()).unwrap_or_else(|errors| panic!("{json}: {errors:?}"));
    let tier = config.routes.last().tiers.of(Some(PlanIndex(0)));
    let limits = tier.groups.iter().flat_map(|group| group.limits());
    limits.cloned().collect()
}

fn one(overlay: &str, name: &str) -> Rc<Limit> {
    let limits = of_plan(overlay);
    let mut found = limits.into_iter().filter(|limit| *limit.name == *name);
    found
        .next()
        .unwrap_or_else(|| panic!("{overlay}: no {name}"))
}

#[test]
fn a_plans_fields_go_over_the_limits_own() {
    for (overlay, name, size, seconds) in [
        (r#"{"rpm": {"rate": "600/m"}}"#, "rpm", 10, Some(1)),
        (
            r#"{"rpm": {"rate": "600/m", "burst": 100}}"#,
            "rpm",
            100,
            Some(10),
        ),
        (r#"{"rpm": {"burst": 30}}"#, "rpm", 30, Some(120)),
        // The burst follows the rate where neither has set one.
        (
            r#"{"hourly": {"rate": "7200/h"}}"#,
            "hourly",
            7200,
            Some(3600),
        ),
        (r#"{"weekly": {"quota": 5}}"#, "weekly", 5, Some(7 * 86_400)),
        (r#"{"at-once": {"concurrency": 64}}"#, "at-once", 64, None),
        (r#"{"rpm": "blocked"}"#, "rpm", 0, None),
        (r#"{}"#, "rpm", 10, Some(40)),
    ] {
        let limit = one(overlay, name);
        assert_eq!(limit.size(), size, "{overlay}");
        let window = limit.window().map(|nanos| nanos / 1_000_000_000);
        assert_eq!(window, seconds, "{overlay}");
    }
    assert_eq!(
        one(r#"{"rpm": {"mode": "shadow"}}"#, "rpm").mode,
        Mode::Shadow
    );
    assert!(matches!(
        one(r#"{"weekly": "blocked"}"#, "weekly").kind,
        Kind::Blocked
    ));
}

#[test]
fn an_unlimited_limit_is_not_there() {
    let limits = of_plan(r#"{"weekly": "unlimited", "rpm": "unlimited"}"#);
    let names: Vec<&str> = limits.iter().map(|limit| &*limit.name).collect();
    assert_eq!(names, ["hourly", "at-once"]);
    let all = r#"{"weekly": "unlimited", "rpm": "unlimited", "hourly": "unlimited", "at-once": "unlimited"}"#;
    assert!(of_plan(all).is_empty());
}

/// What a client has spent goes with it from plan to plan.
#[test]
fn a_clients_state_is_the_same_in_every_plan() {
    let own = one("{}", "rpm").tag;
    assert_eq!(
        one(
            r#"{"rpm": {"rate": "600/m", "burst": 100, "mode": "tag"}}"#,
            "rpm"
        )
        .tag,
        own
    );
    assert_eq!(one(r#"{"rpm": "blocked"}"#, "rpm").tag, own);
}

/// A denial that Redis has said of one plan says nothing of another.
#[test]
fn a_denial_is_remembered_for_its_plan() {
    let json = r#"{"client_from": [{"ip": {}}], "limits": {"l": {"rate": "1/m", "scope": "cluster"}},
        "plans": {"pro": {"l": {"rate": "2/m"}}, "same": {}},
        "redis": {"upstream": "r", "bridge": "upstash", "on_failure": "deny"}}"#;
    let config = Config::parse(json.as_bytes()).unwrap();
    let cluster = |plan| {
        let group = &config.routes.last().tiers.of(plan).groups[0];
        let cluster = group.cluster[0].cluster().unwrap();
        (cluster.denials, cluster.key.clone())
    };
    assert_ne!(cluster(None).0, cluster(Some(PlanIndex(0))).0);
    assert_eq!(
        cluster(None).1,
        cluster(Some(PlanIndex(0))).1,
        "the same state in Redis"
    );
    assert_eq!(cluster(None).0, cluster(Some(PlanIndex(1))).0);
}

#[test]
fn wrong_plans() {
    for (plans, expected) in [
        ("5", "plans: expected an object of plans by name, such as {\"pro\": {\"rpm\": {\"rate\": \"600/m\"}}}, found 5"),
        (r#"{"Pro": {}}"#, "plans.\"Pro\": expected a name of a-z, 0-9, _ and -, at most 64 characters, the first one a letter or digit, found \"Pro\""),
        (r#"{"pro": 5}"#, "plans.pro: expected an object of limits by name, such as {\"rpm\": \"unlimited\"}, found 5"),
        (r#"{"pro": {"rpx": {}}}"#, "plans.pro.rpx: expected the name of a limit: \"rpm\", \"hourly\", \"weekly\" or \"at-once\", found \"rpx\""),
        (r#"{"pro": {"rpm": null}}"#, "plans.pro.rpm: expected \"unlimited\", \"blocked\" or an object of fields to change, such as {\"rate\": \"600/m\"}, found null"),
        (r#"{"pro": {"rpm": "free"}}"#, "plans.pro.rpm: expected \"unlimited\", \"blocked\" or an object of fields to change, such as {\"rate\": \"600/m\"}, found \"free\""),
        (r#"{"pro": {"rpm": {"quota": 5}}}"#, "plans.pro.rpm.quota: expected a change of the limit's own \"rate\", found another kind, \"quota\""),
        (r#"{"pro": {"rpm": {"scope": "share"}}}"#, "plans.pro.rpm: expected only the fields \"rate\", \"burst\", \"quota\", \"concurrency\", \"mode\", found an unknown field \"scope\""),
        (r#"{"pro": {"rpm": {"burst": 0}}}"#, "plans.pro.rpm.burst: expected a whole number of at least 1, found 0"),
        (r#"{"pro": {"weekly": {"burst": 5}}}"#, "plans.pro.weekly.burst: expected a \"rate\" beside it, found none"),
        (r#"{"pro": {}, "pro": {}}"#, "plans: expected each field once, found \"pro\" again"),
    ] {
        only(&with_plans(plans), expected);
    }
}

#[test]
fn an_error_of_the_limit_is_told_once_and_the_plans_own_besides() {
    let json = r#"{"client_from": [{"ip": {}}], "limits": {"rpm": {"rate": "15/mm", "burst": 0}},
        "plans": {"a": {"rpm": {"burst": 5}}, "b": {"rpm": {"mode": "x"}}, "c": {"rpm": "blocked"}}}"#;
    let paths: Vec<String> = errors(json)
        .iter()
        .map(|error| error.split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        paths,
        ["limits.rpm.rate", "limits.rpm.burst", "plans.b.rpm.mode"]
    );
}

/// Each plan once had the limit's own mistake again, at a place where it cannot be mended.
#[test]
fn what_a_limit_lacks_is_told_of_the_limit_alone() {
    for (limit, path) in [
        (r#"{"quota": 5}"#, "limits.l.per"),
        (r#"{"quota": 5, "per": "day", "rate": "1/s"}"#, "limits.l"),
    ] {
        let json = format!(
            r#"{{"client_from": [{{"ip": {{}}}}], "limits": {{"l": {limit}}},
                "plans": {{"a": {{"l": {{"quota": 9}}}}, "b": {{"l": {{"mode": "tag"}}}}}}}}"#
        );
        let found = errors(&json);
        let paths: Vec<&str> = found
            .iter()
            .map(|error| error.split(':').next().unwrap())
            .collect();
        assert_eq!(paths, [path], "{found:?}");
    }
}

#[test]
fn a_cost_above_a_plans_burst_is_an_error() {
    let json = r#"{"client_from": [{"ip": {}}], "limits": {"l": {"rate": "9/s"}},
        "plans": {"free": {"l": {"rate": "4/s"}}},
        "routes": [{"match": {}, "limits": ["l"], "cost": 5}]}"#;
    only(json, "routes[0].limits[0]: expected a limit whose burst, in one gateway, covers the route's cost of 5 (under a plan this one's is 4), found \"l\"");
}

#[test]
fn a_plan_that_nobody_can_be_on_is_warned_of() {
    let with = |more: &str| -> Vec<String> {
        let json = with_plans(&format!(r#"{{"pro": {{}}, "free": {{}}}}{more}"#));
        let config = Config::parse(json.as_bytes()).unwrap_or_else(|errors| panic!("{errors:?}"));
        config.warnings.iter().map(ToString::to_string).collect()
    };
    let unused = |plan: &str| {
        format!("plans.{plan}: no client in \"clients\" is on it, and there is no \"plan_from\"")
    };
    assert_eq!(with(""), [unused("pro"), unused("free")]);
    assert_eq!(
        with(r#", "clients": {"ip:10.0.0.1": {"plan": "pro"}}"#),
        [unused("free")]
    );
    assert_eq!(with(r#", "plan_from": [{"jwt_claim": "plan"}]"#), [""; 0]);
}
