//! What stands under `redis`.

use tollgate::config::{Config, Warning};
use tollgate::redis::{Bridge, Credentials, FailurePolicy};
use tollgate::secret::Secret;

use crate::errors;
use crate::errors::only;

/// A configuration whose `redis` holds these fields.
fn with_redis(fields: &str) -> String {
    cluster(&format!(r#""redis": {{{fields}}}"#))
}

/// One with these fields after the two that must be there, and a `gateways`.
pub(crate) fn with_more(fields: &str) -> String {
    with_redis(&format!(
        r#""upstream": "r", "bridge": "upstash", "gateways": 2, {fields}"#
    ))
}

/// A configuration with a cluster limit and these fields at the top.
pub(crate) fn cluster(top: &str) -> String {
    format!(
        r#"{{"client_from": [{{"ip": {{}}}}], "limits": {{"rpm": {{"rate": "9/s", "scope": "cluster"}}}}, {top}}}"#
    )
}

/// What a sound configuration says.
pub(crate) fn parse(json: &str) -> Config {
    Config::parse(json.as_bytes()).unwrap_or_else(|errors| panic!("{json}: {errors:?}"))
}

const NEEDED: &str = r#""upstream": "r", "bridge": "upstash", "gateways": 2"#;

#[test]
fn what_is_left_out_has_its_default() {
    let redis = parse(&with_redis(NEEDED)).redis.unwrap();
    assert_eq!((&*redis.upstream, redis.bridge), ("r", Bridge::Upstash));
    assert_eq!((&*redis.authority, &*redis.path), ("r", "/"));
    assert!(redis.credentials.is_none());
    assert_eq!(redis.timeout.get(), 50_000_000);
    assert_eq!(redis.on_failure, FailurePolicy::Local);
    assert_eq!(redis.breaker.failures.get(), 5);
    assert_eq!(redis.breaker.cooldown.get(), 1_000_000_000);
}

#[test]
fn what_is_said_is_meant() {
    let config = parse(&cluster(
        r#""hash_secret": {"env": "HASH_SECRET"}, "redis": {
            "upstream": "outbound|443||redis.svc", "bridge": "webdis", "authority": "h.example:8443", "path": "/redis?x=1",
            "user": "gw", "password": {"env": "WEBDIS_2"}, "timeout": "60s", "on_failure": "deny",
            "breaker": {"failures": 4294967295.0, "cooldown": "1h"}}"#,
    ));
    assert_eq!(config.hash_secret, Some(Secret::Env("HASH_SECRET".into())));
    let redis = config.redis.unwrap();
    assert_eq!(
        (&*redis.upstream, redis.bridge),
        ("outbound|443||redis.svc", Bridge::Webdis)
    );
    assert_eq!(
        (&*redis.authority, &*redis.path),
        ("h.example:8443", "/redis?x=1")
    );
    let Some(Credentials::Basic { user, password }) = redis.credentials else {
        panic!("{:?}", redis.credentials);
    };
    assert_eq!((&*user, password), ("gw", Secret::Env("WEBDIS_2".into())));
    assert_eq!(redis.timeout.get(), 60_000_000_000);
    assert_eq!(redis.on_failure, FailurePolicy::Deny);
    assert_eq!(redis.breaker.failures.get(), u32::MAX);
    assert_eq!(redis.breaker.cooldown.get(), 3_600_000_000_000);

    let token = parse(&with_more(
        r#""token": "t k\u00e9", "breaker": {}, "timeout": "1ms""#,
    ));
    let redis = token.redis.unwrap();
    assert_eq!(redis.timeout.get(), 1_000_000);
    assert_eq!(redis.breaker.failures.get(), 5);
    assert!(matches!(
        redis.credentials,
        Some(Credentials::Bearer(Secret::Text(text))) if &*text == "t ké"
    ));
}

#[test]
fn what_must_be_there() {
    for (found, shown) in [
        ("5", "5"),
        ("null", "null"),
        ("[]", "a list"),
        ("\"r\"", "\"r\""),
    ] {
        only(
            &cluster(&format!(r#""redis": {found}, "gateways": 2"#)),
            &format!(
                "redis: expected an object, such as {{\"upstream\": \"tollgate_redis\", \"bridge\": \
                 \"upstash\", \"gateways\": 2}}, found {shown}"
            ),
        );
    }
    assert_eq!(
        errors(&with_redis(r#""gateways": 2"#)),
        [
            "redis.upstream: expected the name of the bridge's Envoy cluster, such as \"tollgate_redis\", found nothing",
            "redis.bridge: expected \"upstash\" or \"webdis\", found nothing",
        ]
    );
    only(
        &with_more(r#""pasword": "hunter2""#),
        "redis: expected only the fields \"upstream\", \"bridge\", \"authority\", \"path\", \"token\", \"user\", \
         \"password\", \"timeout\", \"on_failure\", \"breaker\", \"gateways\", found an unknown field \"pasword\"",
    );
    only(
        &with_more(r#""gateways": 3"#),
        "redis: expected each field once, found \"gateways\" again",
    );
}

#[test]
fn each_wrong_value_of_a_field_that_must_be_there() {
    let upstream = "the name of the bridge's Envoy cluster, such as \"tollgate_redis\"";
    for (found, shown) in [
        ("5", "5"),
        ("null", "null"),
        ("\"\"", "\"\""),
        (r#""a\nb""#, "\"a\\nb\""),
        (r#""redis://:hunter2@host:6379""#, "a URL"),
    ] {
        only(
            &with_redis(&format!(
                r#""upstream": {found}, "bridge": "webdis", "gateways": 2"#
            )),
            &format!("redis.upstream: expected {upstream}, found {shown}"),
        );
    }
    for (found, shown) in [
        ("5", "5"),
        ("null", "null"),
        ("\"Upstash\"", "\"Upstash\""),
        ("{}", "an object"),
    ] {
        only(
            &with_redis(&format!(
                r#""upstream": "r", "bridge": {found}, "gateways": 2"#
            )),
            &format!("redis.bridge: expected \"upstash\" or \"webdis\", found {shown}"),
        );
    }
}

#[test]
fn each_wrong_value_of_a_field_that_may_be_left_out() {
    let authority = "authority: expected a host, with a port where it has one of its own, such as \"eu1-example.upstash.io\"";
    let path = "path: expected a path that begins with a slash and has no spaces, such as \"/\"";
    let timeout = "timeout: expected a duration from \"1ms\" to \"60s\"";
    let cooldown = "breaker.cooldown: expected a duration from \"1ms\" to \"3600s\"";
    let failures = "breaker.failures: expected a whole number";
    let on_failure = "on_failure: expected \"local\", \"allow\" or \"deny\"";
    let breaker = "breaker: expected an object, such as {\"failures\": 5, \"cooldown\": \"1s\"}";
    for (field, expected) in [
        (r#""authority": 5"#, format!("{authority}, found 5")),
        (r#""authority": """#, format!("{authority}, found \"\"")),
        (r#""authority": "a b""#, format!("{authority}, found \"a b\"")),
        (r#""authority": "a\r\nx: y""#, format!("{authority}, found \"a\\r\\nx: y\"")),
        (r#""authority": "https://eu1.upstash.io""#, format!("{authority}, found a URL")),
        (r#""authority": "default:hunter2@eu1.upstash.io""#, format!("{authority}, found a URL")),
        (r#""path": 5"#, format!("{path}, found 5")),
        (r#""path": "redis""#, format!("{path}, found \"redis\"")),
        (r#""path": "/a b""#, format!("{path}, found \"/a b\"")),
        (r#""path": "/\u0000""#, format!("{path}, found \"/\\0\"")),
        (r#""timeout": 50"#, format!("{timeout}, found 50")),
        (r#""timeout": null"#, format!("{timeout}, found null")),
        (r#""timeout": "50""#, format!("{timeout}, found \"50\"")),
        (r#""timeout": "0ms""#, format!("{timeout}, found \"0ms\"")),
        (r#""timeout": "-5ms""#, format!("{timeout}, found \"-5ms\"")),
        (r#""timeout": "0.5s""#, format!("{timeout}, found \"0.5s\"")),
        (r#""timeout": "60001ms""#, format!("{timeout}, found \"60001ms\"")),
        (r#""timeout": "9999999999999999999d""#, format!("{timeout}, found \"9999999999999999999d\"")),
        (r#""on_failure": true"#, format!("{on_failure}, found true")),
        (r#""on_failure": "open""#, format!("{on_failure}, found \"open\"")),
        (r#""breaker": 5"#, format!("{breaker}, found 5")),
        (r#""breaker": null"#, format!("{breaker}, found null")),
        (r#""breaker": {"failures": 0}"#, format!("{failures} of at least 1, found 0")),
        (r#""breaker": {"failures": 2.5}"#, format!("{failures} of at least 1, found 2.5")),
        (r#""breaker": {"failures": "5"}"#, format!("{failures} of at least 1, found \"5\"")),
        (r#""breaker": {"failures": 4294967296}"#, format!("{failures} from 1 to 4294967295, found 4294967296")),
        (r#""breaker": {"cooldown": 1}"#, format!("{cooldown}, found 1")),
        (r#""breaker": {"cooldown": "0s"}"#, format!("{cooldown}, found \"0s\"")),
        (r#""breaker": {"cooldown": "3601s"}"#, format!("{cooldown}, found \"3601s\"")),
        (r#""breaker": {"failure": 1}"#,
         "breaker: expected only the fields \"failures\", \"cooldown\", found an unknown field \"failure\"".to_owned()),
    ] {
        only(&with_more(field), &format!("redis.{expected}"));
    }
}

/// One look at the log is to be enough to mend the whole object.
#[test]
fn all_errors_come_at_once() {
    let found = errors(&cluster(
        r#""gateways": 2, "hash_secret": 5, "redis": {"upstream": 5, "bridge": "srh", "authority": 5, "path": "x",
           "token": 5, "timeout": "5", "on_failure": "open", "breaker": {"failures": 0, "cooldown": 0, "x": 1},
           "gateways": 3, "y": 1}"#,
    ));
    let paths: Vec<&str> = found
        .iter()
        .map(|error| error.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "hash_secret",
            "redis.upstream",
            "redis.bridge",
            "redis.authority",
            "redis.path",
            "redis.token",
            "redis.timeout",
            "redis.on_failure",
            "redis.breaker.failures",
            "redis.breaker.cooldown",
            "redis.breaker",
            "redis",
            "redis.gateways",
        ]
    );
}

#[test]
fn a_limit_too_small_to_lend_is_warned_of() {
    for (fields, warned) in [
        (r#""rate": "9/s", "burst": 23"#, Some(("burst", 24))),
        (r#""rate": "9/s", "burst": 24"#, None),
        (r#""quota": 79, "per": "month""#, Some(("quota", 80))),
        (r#""quota": 80, "per": "month""#, None),
    ] {
        let limit = format!(r#"{fields}, "scope": "cluster", "consistency": "lease""#);
        let redis = r#""redis": {"upstream": "r", "bridge": "webdis", "on_failure": "deny"}"#;
        let json = crate::with_limit(&limit).replacen('{', &format!("{{{redis}, "), 1);
        let expected: Vec<Warning> = warned
            .into_iter()
            .map(|(field, least)| Warning::NoRoomToLend {
                limit: "rpm".into(),
                field,
                least,
            })
            .collect();
        assert_eq!(parse(&json).warnings, expected, "{fields}");
        let strict = json.replace(r#", "consistency": "lease""#, "");
        assert_eq!(parse(&strict).warnings, []);
    }
    let warning = Warning::NoRoomToLend {
        limit: "weekly".into(),
        field: "quota",
        least: 80,
    };
    assert_eq!(
        warning.to_string(),
        "limits.weekly: a quota below 80 lends nothing, so Redis is asked for every request"
    );
}

#[test]
fn a_redis_that_nothing_is_counted_in_is_warned_of() {
    let redis = r#""redis": {"upstream": "r", "bridge": "webdis"}"#;
    let config = parse(&crate::with_top(redis));
    assert_eq!(config.warnings, [Warning::UnusedRedis]);
    assert!(config.redis.is_none());
    assert_eq!(
        Warning::UnusedRedis.to_string(),
        "redis: no limit has \"scope\": \"cluster\", so it is never asked"
    );
    // Wrong, it is an error all the same.
    only(
        &crate::with_top(r#""redis": {"upstream": "r", "bridge": "srh"}"#),
        "redis.bridge: expected \"upstash\" or \"webdis\", found \"srh\"",
    );
}
