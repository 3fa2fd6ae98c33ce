//! Limits that are counted in Redis, and what gateways share while it is gone.

use tollgate::config::Warning;
use tollgate::limit::{Consistency, Limit};

use crate::errors::only;
use crate::redis::parse;
use crate::{errors, with_limit};

const REDIS: &str = r#""upstream": "tollgate_redis", "bridge": "upstash""#;

/// A configuration with these limits, fields of `redis`, and fields at the top,
/// each with the comma before it.
fn config(limits: &str, redis: &str, top: &str) -> String {
    format!(
        r#"{{"client_from": [{{"ip": {{}}}}], "limits": {{{limits}}}, "redis": {{{REDIS}{redis}}}{top}}}"#
    )
}

/// One cluster limit, `rpm`.
fn one(fields: &str, redis: &str, top: &str) -> String {
    config(
        &format!(r#""rpm": {{{fields}, "scope": "cluster"}}"#),
        redis,
        top,
    )
}

/// The burst of a gateway while Redis does not answer, and its interval in ns.
fn share(limit: &Limit) -> Option<(u32, u64)> {
    let share = limit.cluster().unwrap().share.as_ref();
    share.map(|share| (share.size(), share.interval()))
}

/// As in the README: several limits, some in Redis, one leased, one shared.
#[test]
fn a_whole_cluster_configuration_is_read() {
    let config = parse(
        r#"{
          "client_from": [ {"header": "authorization", "strip": "Bearer "}, {"ip": {}} ],
          "hash_secret": {"env": "HASH_SECRET"},
          "limits": {
            "rpm":    {"rate": "600/m", "burst": 100, "scope": "cluster"},
            "daily":  {"rate": "5000/d", "scope": "cluster", "consistency": "lease"},
            "shared": {"rate": "20/s", "scope": "share"},
            "per-ip": {"rate": "20/s", "client_from": [ {"ip": {"ipv6_prefix": 64}} ]}
          },
          "routes": [
            {"name": "batch", "match": {"path": "/v1/batch"}, "limits": ["rpm", "daily"], "cost": 25},
            {"match": {}, "limits": ["rpm", "daily", "shared", "per-ip"]}
          ],
          "redis": {"upstream": "tollgate_redis", "bridge": "upstash", "token": {"env": "BRIDGE_TOKEN"},
                    "timeout": "25ms", "on_failure": "local", "gateways": 4.0,
                    "breaker": {"failures": 3, "cooldown": "500ms"}},
          "namespace": "prod"
        }"#,
    );
    assert_eq!(config.warnings, []);
    let [rpm, daily, shared, per_ip] = config.limits.as_slice() else {
        panic!("{:?}", config.limits);
    };
    assert_eq!(rpm.cluster().unwrap().consistency, Consistency::Strict);
    assert_eq!(daily.cluster().unwrap().consistency, Consistency::Lease);
    assert!(shared.cluster().is_none() && per_ip.cluster().is_none());
    assert_eq!(rpm.size(), 100);
    assert_eq!(share(rpm), Some((25, 400_000_000)));
    assert_eq!(share(daily), Some((1250, 69_120_000_000)));
    assert_eq!(shared.size(), 5);
}

#[test]
fn a_share_is_kept_only_for_the_policy_that_uses_it() {
    for (redis, gateways) in [(r#", "gateways": 2"#, ""), ("", r#", "gateways": 2.0"#)] {
        let config = parse(&one(r#""rate": "9/s""#, redis, gateways));
        assert_eq!(share(&config.limits[0]), Some((4, 222_222_222)));
    }
    for policy in ["allow", "deny"] {
        let redis = format!(r#", "on_failure": "{policy}""#);
        let config = parse(&one(r#""rate": "9/s""#, &redis, ""));
        assert_eq!(share(&config.limits[0]), None);
        assert_eq!(config.warnings, []);
        // Which divides nothing then.
        let config = parse(&one(r#""rate": "9/s""#, &redis, r#", "gateways": 2"#));
        assert_eq!(config.warnings, [Warning::UnusedGateways]);
    }
    assert_eq!(
        Warning::UnusedGateways.to_string(),
        "gateways: no limit is divided by it, which needs \"scope\": \"share\", or \"scope\": \"cluster\" \
         with \"on_failure\": \"local\""
    );
}

#[test]
fn scope_and_consistency_are_words() {
    let scope = "limits.rpm.scope: expected \"local\", \"share\" or \"cluster\", found";
    let consistency = "limits.rpm.consistency: expected \"strict\" or \"lease\", found";
    for (found, shown) in [("5", "5"), ("null", "null"), ("\"global\"", "\"global\"")] {
        only(
            &with_limit(&format!(r#""rate": "1/m", "scope": {found}"#)),
            &format!("{scope} {shown}"),
        );
        only(
            &one(
                &format!(r#""rate": "9/s", "consistency": {found}"#),
                r#", "gateways": 2"#,
                "",
            ),
            &format!("{consistency} {shown}"),
        );
    }
}

#[test]
fn consistency_is_for_what_is_counted_in_redis() {
    let expected =
        "limits.rpm.consistency: expected \"scope\": \"cluster\" beside it, found another scope";
    for word in ["strict", "lease"] {
        only(
            &with_limit(&format!(r#""rate": "1/m", "consistency": "{word}""#)),
            expected,
        );
        only(
            &with_limit(&format!(
                r#""rate": "1/m", "consistency": "{word}", "scope": "local""#
            )),
            expected,
        );
    }
    // A wrong scope is one mistake.
    assert_eq!(
        errors(&with_limit(
            r#""rate": "1/m", "scope": "clutser", "consistency": "lease""#
        ))
        .len(),
        1
    );
}

#[test]
fn a_cluster_limit_needs_redis() {
    only(
        r#"{"client_from": [{"ip": {}}], "limits": {
            "a": {"rate": "1/m", "scope": "cluster"}, "b": {"rate": "1/m", "scope": "cluster"}}}"#,
        "redis: expected how Redis is reached, which counts \"a\", \"b\", found nothing",
    );
}

#[test]
fn what_falls_back_to_a_share_needs_the_number_of_gateways() {
    let expected = "gateways: expected the number of gateways, each of which enforces its share of \"rpm\" while \
                    Redis does not answer (or an \"on_failure\" other than \"local\"), found nothing";
    only(&one(r#""rate": "9/s""#, "", ""), expected);
    only(
        &one(r#""rate": "9/s""#, r#", "on_failure": "local""#, ""),
        expected,
    );
    // One line, also where another limit needs it as well.
    only(
        &config(
            r#""rpm": {"rate": "9/s", "scope": "cluster"}, "s": {"rate": "9/s", "scope": "share"}"#,
            "",
            "",
        ),
        "gateways: expected the number of gateways that share \"s\", found nothing",
    );
}

#[test]
fn the_number_of_gateways_stands_in_one_place() {
    let both = "redis.gateways: expected gateways at the top or here, found both";
    only(
        &one(
            r#""rate": "9/s""#,
            r#", "gateways": 2"#,
            r#", "gateways": 2"#,
        ),
        both,
    );
    let at = |place: &str, found: &str, redis: &str, top: &str| {
        only(
            &one(r#""rate": "9/s""#, redis, top),
            &format!("{place}: expected a whole number of at least 1, found {found}"),
        );
    };
    for found in ["0", "-1", "2.5", "null", "\"2\""] {
        let field = format!(r#", "gateways": {found}"#);
        at("redis.gateways", found, &field, "");
        at("gateways", found, "", &field);
    }
    only(
        &one(r#""rate": "9/s""#, r#", "gateways": 4294967296"#, ""),
        "redis.gateways: expected a whole number from 1 to 4294967295, found 4294967296",
    );
}

#[test]
fn each_gateway_has_at_least_one_unit_of_the_burst() {
    let expected = |path: &str, found: u32| {
        format!(
            "limits.rpm.{path}: expected a burst of at least one for each of the 10 gateways, which share it while \
             Redis does not answer, found {found}"
        )
    };
    let ten = r#", "gateways": 10"#;
    only(
        &one(r#""rate": "60/m", "burst": 9"#, ten, ""),
        &expected("burst", 9),
    );
    only(&one(r#""rate": "9/m""#, ten, ""), &expected("rate", 9));
    assert_eq!(
        share(&parse(&one(r#""rate": "10/m""#, ten, "")).limits[0]),
        Some((1, 60_000_000_000))
    );
    for policy in ["allow", "deny"] {
        let redis = format!(r#"{ten}, "on_failure": "{policy}""#);
        assert_eq!(errors(&one(r#""rate": "9/m""#, &redis, "")), [""; 0]);
    }
}

/// A request that is dearer than the share would never pass while Redis is gone.
#[test]
fn a_cost_fits_the_share_of_each_gateway() {
    let routes = |cost: u32| {
        format!(r#", "routes": [{{"match": {{}}, "limits": ["rpm"], "cost": {cost}}}]"#)
    };
    let two = r#", "gateways": 2"#;
    let ten = r#""rate": "10/s""#;
    assert_eq!(errors(&one(ten, two, &routes(5))), [""; 0]);
    only(
        &one(ten, two, &routes(6)),
        "routes[0].limits[0]: expected a limit whose burst, in one gateway, covers the route's cost of 6 (this one's is 5), found \"rpm\"",
    );
    let deny = r#", "on_failure": "deny""#;
    assert_eq!(errors(&one(ten, deny, &routes(10))), [""; 0]);
    only(
        &one(ten, deny, &routes(11)),
        "routes[0].limits[0]: expected a limit whose burst covers the route's cost of 11 (this one's is 10), found \"rpm\"",
    );
}
