//! `plan_from`: a plan that a client could choose for itself is refused.

use crate::clients::with_plans;
use crate::errors;

#[track_caller]
fn check(plan_from: &str, expected: &[&str]) {
    let rest = format!(r#""client_from": [{{"ip": {{}}}}], "plan_from": {plan_from}"#);
    assert_eq!(errors(&with_plans(&rest)), expected, "{plan_from}");
}

#[test]
fn sources_that_no_client_can_write() {
    check(
        r#"[{"jwt_claim": ["app", "plan"], "payload": "mine"}, {"jwt_claim": "plan"},
            {"property": ["metadata", "filter_metadata", "request", "plan"]},
            {"property": ["connection", "subject_peer_certificate"]}, {"constant": "free"}]"#,
        &[],
    );
}

#[test]
fn sources_that_a_client_can_write_are_refused() {
    let kinds = r#"a source that the client cannot write: exactly one of "jwt_claim", "property" or "constant""#;
    for (source, found) in [
        (r#"{"header": "x-plan"}"#, r#""header""#),
        (
            r#"{"header": "x-plan", "strip": "a"}"#,
            r#""header", "strip""#,
        ),
        (r#"{"query": "plan"}"#, r#""query""#),
        (r#"{"cookie": "plan"}"#, r#""cookie""#),
        (r#"{"ip": {}}"#, r#""ip""#),
        (r#"{"path_param": "plan"}"#, r#""path_param""#),
        (r#"{"body": "plan"}"#, r#""body""#),
        (r#"{"all": [{"jwt_claim": "plan"}]}"#, r#""all""#),
        (
            r#"{"jwt_claim": "plan", "constant": "free"}"#,
            r#""jwt_claim", "constant""#,
        ),
        ("{}", "no field"),
    ] {
        let expected = format!("plan_from[0]: expected {kinds}, found {found}");
        check(&format!("[{source}]"), &[&expected]);
    }
    let cannot = "an attribute that the client cannot write";
    for (names, expected) in [
        (r#"["request"]"#, format!(r#"{cannot}, found "request""#)),
        (
            r#"["request", "headers", "x-plan"]"#,
            format!(r#"{cannot}, found "request.headers.x-plan""#),
        ),
        (
            r#"["connection", "requested_server_name"]"#,
            format!(r#"{cannot}, found "connection.requested_server_name""#),
        ),
        (
            r#"["response", "headers", "x-plan"]"#,
            r#"an attribute that is there before the response, found "response.headers.x-plan""#
                .to_owned(),
        ),
    ] {
        let expected = format!("plan_from[0].property: expected {expected}");
        check(&format!(r#"[{{"property": {names}}}]"#), &[&expected]);
    }
}

#[test]
fn what_else_is_wrong_with_them() {
    let list = r#"a list of sources, such as [{"jwt_claim": "plan"}]"#;
    for (plan_from, expected) in [
        ("5", format!(": expected {list}, found 5")),
        ("{}", format!(": expected {list}, found an object")),
        ("[]", format!(": expected {list}, found an empty list")),
        ("[5]", r#"[0]: expected a source, such as {"jwt_claim": "plan"}, found 5"#.to_owned()),
        (
            r#"[{"jwt_claim": "plan", "known": true}]"#,
            r#"[0]: expected only the fields "jwt_claim", "property", "constant", "payload", found an unknown field "known""#
                .to_owned(),
        ),
        (
            r#"[{"jwt_claim": 5}]"#,
            r#"[0].jwt_claim: expected a claim, such as "sub" or ["org", "id"], found 5"#.to_owned(),
        ),
        (
            r#"[{"constant": "gold"}]"#,
            r#"[0].constant: expected the name of a plan: "free" or "pro", found "gold""#.to_owned(),
        ),
        (
            r#"[{"constant": 5}]"#,
            "[0].constant: expected the name of a plan, found 5".to_owned(),
        ),
        (
            r#"[{"constant": "free"}, {"jwt_claim": "plan"}]"#,
            "[0]: expected a constant only as the last source, since it always yields, found one before others".to_owned(),
        ),
    ] {
        check(plan_from, &[&format!("plan_from{expected}")]);
    }
}

#[test]
fn a_source_of_plans_needs_plans() {
    let config = |plan_from: &str| {
        format!(
            r#"{{"client_from": [{{"ip": {{}}}}], "limits": {{"rpm": {{"rate": "9/s"}}}}, "plan_from": [{plan_from}]}}"#
        )
    };
    for source in [r#"{"jwt_claim": "plan"}"#, r#"{"constant": "free"}"#] {
        assert_eq!(
            errors(&config(source)),
            [r#"plan_from: expected "plans" at the top, which this chooses from, found none"#]
        );
    }
}
