//! What the errors of a whole file say together, and what they do not say.

use tollgate::config::{Config, Warning};

use crate::errors::only;
use crate::{errors, with_routes, with_source, with_top};

/// One look at the log is to be enough to mend the whole file.
#[test]
fn all_errors_come_at_once() {
    let found = errors(
        r#"{"client_from": [{"hedder": "x"}, {"path_param": "modell"}],
            "limits": {"rpm": {"rate": "15/mm", "burst": 0}, "tpm": {"rate": "9/s", "scope": "share"}},
            "routes": [{"name": "a", "match": {"path": "/{model}"}, "limits": ["rpmm"], "cost": 0},
                       {"name": "a", "match": {"prefix": "/"}, "limits": ["rpm", 5]}],
            "feedback": {"body": 5}, "max_entries": null, "status": 5}"#,
    );
    let paths: Vec<&str> = found
        .iter()
        .map(|error| error.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "max_entries",
            "feedback.body",
            "client_from[0]",
            "limits.rpm.rate",
            "limits.rpm.burst",
            "gateways",
            "routes[0].cost",
            "routes[0].limits[0]",
            "routes[1].name",
            "routes[1].match",
            "routes[1].limits[1]",
            "status",
            "client_from[1].path_param"
        ]
    );
}

/// A table of secrets must not end up in a log by way of its own errors.
#[test]
fn ids_of_clients_are_never_shown() {
    for (table, expected) in [
        (
            r#"{"sk-secret": {}, "sk-secret": {}}"#,
            "clients (entry 2): expected each client once, found one again",
        ),
        (
            r#"{"a": {}, "sk-secret": {"x": 1}}"#,
            "clients (entry 2): expected only the fields \"plan\", found an unknown field \"x\"",
        ),
        (
            r#"{"sk-secret": 5}"#,
            "clients (entry 1): expected {} or {\"plan\": \"pro\"}, found 5",
        ),
        (
            r#"{"": {}}"#,
            "clients (entry 1): expected an id of at least one character, found an empty one",
        ),
    ] {
        let known = r#"{"header": "x-api-key", "known": true}"#;
        let config = with_source(known).replacen('{', &format!(r#"{{"clients": {table}, "#), 1);
        only(&config, expected);
    }
}

/// A first wrong field of a source hid the others.
#[test]
fn all_errors_of_a_source_come_at_once() {
    let found = errors(&with_source(
        r#"{"header": 5, "strip": 5, "known": 5, "foo": 1}"#,
    ));
    let paths: Vec<&str> = found
        .iter()
        .map(|error| error.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "client_from[0].strip",
            "client_from[0].header",
            "client_from[0].known",
            "client_from[0]"
        ]
    );
    let later = errors(&with_source(r#"{"body": 5, "foo": 1}"#));
    assert_eq!(later.len(), 2, "{later:?}");
}

#[test]
fn a_default_that_no_limit_uses_is_an_error() {
    let own = r#""limits": {"l": {"rate": "1/m", "client_from": [{"ip": {}}]}}"#;
    only(
        &format!(r#"{{"missing": "deny", {own}}}"#),
        "missing: expected a limit without sources of its own, which would use this, found none",
    );
}

/// One thing left out is one line, however many limits need it.
#[test]
fn one_mistake_is_one_line() {
    only(
        r#"{"limits": {"a": {"rate": "1/m", "scope": "share"}, "b": {"rate": "1/m"}}, "gateways": 2}"#,
        "client_from: expected a list of sources, for limits without their own: \"a\", \"b\", found nothing",
    );
}

#[test]
fn what_divides_a_limit_is_named() {
    let shared = r#"{"client_from": [{"ip": {}}], "gateways": 4000,
        "limits": {"l": {"rate": "1/d", "scope": "share"}}}"#;
    only(
        shared,
        "limits.l.rate: expected a rate that, divided by 4000 gateways, fills the burst of 1 within ten years, found \"1/d\"",
    );
}

/// With more, a client's entries would not fit one page, and some be lost.
#[test]
fn a_route_has_at_most_32_limits() {
    let limits = |count: usize| {
        let limit = |index| format!(r#""l{index}": {{"rate": "1/m"}}"#);
        let all: Vec<String> = (0..count).map(limit).collect();
        let all = all.join(",");
        format!(r#"{{"client_from": [{{"ip": {{}}}}], "limits": {{{all}}}}}"#)
    };
    assert_eq!(errors(&limits(32)), [""; 0]);
    only(
        &limits(33),
        "limits: expected at most 32 limits, or routes that choose among them, found 33",
    );
}

#[test]
fn a_free_last_route_after_a_limited_one_is_warned_of() {
    let warnings = |routes: &str| {
        let config = Config::parse(with_routes(routes).as_bytes()).unwrap();
        config.warnings
    };
    let free = r#"{"match": {}, "limits": []}"#;
    let limited = r#"{"match": {"prefix": "/v1/"}, "limits": ["rpm"]}"#;
    assert_eq!(
        warnings(&format!("[{limited}, {free}]")),
        [Warning::FreeLastRoute]
    );
    assert_eq!(
        warnings(&format!("[{free}]")),
        [Warning::UnusedLimit("rpm".into())]
    );
    let rest = r#"{"match": {}, "limits": ["rpm"]}"#;
    assert_eq!(warnings(&format!("[{limited}, {rest}]")), []);
}

#[test]
fn gateways_that_divide_nothing_are_warned_of() {
    let config = Config::parse(with_top(r#""gateways": 2"#).as_bytes()).unwrap();
    assert_eq!(config.warnings, [Warning::UnusedGateways]);
}

/// Where Envoy's routes look for the header of a tag, a client that sends it itself
/// chooses the route that `route_name` sees.
#[test]
fn a_route_that_a_forged_tag_can_choose_is_warned_of() {
    let warnings = |conditions: &str, limit: &str, pro: &str| {
        let config = format!(
            r#"{{"client_from": [{{"ip": {{}}}}], "limits": {{"rpm": {{"rate": "9/s"{limit}}}}},
                "plans": {{"pro": {{"rpm": {{{pro}}}}}}}, "plan_from": [{{"constant": "pro"}}], "routes": [
                    {{"match": {{{conditions}}}, "limits": ["rpm"]}}, {{"match": {{}}, "limits": ["rpm"]}}]}}"#
        );
        Config::parse(config.as_bytes()).unwrap().warnings
    };
    let (tag, warned) = (r#", "mode": "tag""#, [Warning::RouteBeforeTag]);
    assert_eq!(warnings(r#""route_name": "small""#, tag, ""), warned);
    assert_eq!(warnings(r#""route_metadata": "small""#, tag, ""), warned);
    let of_plan = warnings(r#""route_name": "small""#, "", r#""mode": "tag""#);
    assert_eq!(of_plan, warned);
    assert_eq!(warnings(r#""route_name": "small""#, "", ""), []);
    assert_eq!(warnings(r#""prefix": "/small/""#, tag, ""), []);
    assert!(Warning::RouteBeforeTag
        .to_string()
        .contains("early_header_mutation_extensions"));
}

/// A list of clients that no source asks for looks like one that is enforced.
#[test]
fn clients_that_no_source_asks_for_are_an_error() {
    only(
        &with_top(r#""clients": {"alice": {}}"#),
        "clients: expected a source with \"known\": true, which would use this, found none",
    );
}
