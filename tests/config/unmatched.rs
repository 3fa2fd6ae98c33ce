//! Entries of `clients` that nobody can ever be: each looks like a rule.

use crate::clients::{check, with_plans, ALICE, KEY, KNOWN};
use crate::errors;

#[test]
fn a_network_is_named_as_client_from_counts_it() {
    let wide = r#"{"ip": {"ipv4_prefix": 24, "ipv6_prefix": 48}}"#;
    let entry = |id: &str| format!(r#""{id}": {{"plan": "pro"}}"#);
    for id in ["ip:203.0.113.0", "ip:2001:db8:1::"] {
        check(wide, &entry(id), &[]);
    }
    let both = format!(r#"{{"all": [{wide}, {KEY}]}}, {{"ip": {{}}}}"#);
    for id in ["ip:203.0.113.7", "ip:2001:db8:1:2::"] {
        check(&both, &entry(id), &[]);
    }
    let alike = format!(r#"{wide}, {{"ip": {{"ipv4_prefix": 24}}}}"#);
    let network = "the address of the network that client_from counts:";
    for (sources, id, networks) in [
        (wide, "ip:203.0.113.7", r#""ip:203.0.113.0""#),
        (&alike, "ip:203.0.113.7", r#""ip:203.0.113.0""#),
        (wide, "ip:::ffff:203.0.113.7", r#""ip:203.0.113.0""#),
        (
            &both,
            "ip:2001:db8:1:2::3",
            r#""ip:2001:db8:1::" or "ip:2001:db8:1:2::""#,
        ),
    ] {
        let expected = format!(
            "clients (entry 1): expected {network} {networks}, found another address of it"
        );
        check(sources, &entry(id), &[&expected]);
    }
}

/// An entry that nobody can be looks like a rule.
#[test]
fn an_entry_that_no_source_yields_is_an_error() {
    let ip = r#"{"ip": {}}"#;
    let hash = format!("sha256:{ALICE}");
    for (sources, id, missing) in [
        (ip, "alice", r#""header", "query" or "cookie""#),
        (ip, &hash, r#""header", "query" or "cookie""#),
        (KEY, "ip:10.0.0.1", r#""ip""#),
        (ip, "jwt_claim:a", r#""jwt_claim""#),
        (ip, "property:a", r#""property""#),
        (ip, "path_param:a", r#""path_param""#),
        (ip, "constant:a", r#""constant""#),
    ] {
        let expected = format!(
            "clients (entry 1): expected a source {missing} in client_from, which could yield this id, found none"
        );
        check(
            sources,
            &format!(r#""{id}": {{"plan": "pro"}}"#),
            &[&expected],
        );
    }
}

/// What is missing is one source, not a thousand entries.
#[test]
fn one_source_that_is_missing_is_one_error() {
    check(
        r#"{"ip": {}}"#,
        r#""a": {"plan": "pro"}, "b": {"plan": "pro"}, "jwt_claim:a": {"plan": "pro"}, "jwt_claim:b": {}"#,
        &[
            r#"clients (entry 1): expected a source "header", "query" or "cookie" in client_from, which could yield this id, found none"#,
            r#"clients (entry 3): expected a source "jwt_claim" in client_from, which could yield this id, found none"#,
        ],
    );
    // Nor is it two where the sources at the top are wrong, or left out.
    let entry = r#""clients": {"jwt_claim:a": {"plan": "pro"}}"#;
    let wrong = errors(&with_plans(&format!(
        r#""client_from": [{{"jwt": 5}}], {entry}"#
    )));
    assert!(
        wrong.len() == 1 && wrong[0].starts_with("client_from[0]"),
        "{wrong:?}"
    );
    let left_out = errors(&with_plans(entry));
    assert!(
        left_out.len() == 1 && left_out[0].starts_with("client_from:"),
        "{left_out:?}"
    );
}

/// Of two claims a client may choose one freely, such as its own user name.
#[test]
fn a_value_of_two_claims_is_not_clear() {
    let two = r#"{"all": [{"jwt_claim": ["org", "id"]}, {"jwt_claim": "sub"}]}"#;
    check(
        two,
        r#""jwt_claim:acme": {"plan": "pro"}, "jwt_claim:b": {}"#,
        &[
            r#"clients (entry 1): expected one source "jwt_claim" in client_from, so that it is clear whose value this is, found "org.id", "sub""#,
        ],
    );
    // One claim in two tokens is one claim.
    let one = r#"{"jwt_claim": "sub"}, {"jwt_claim": "sub", "payload": "other"}"#;
    check(one, r#""jwt_claim:acme": {"plan": "pro"}"#, &[]);
}

/// `known` may stand in a limit's own sources; a plan is the caller's, whom the
/// sources at the top find.
#[test]
fn who_is_merely_known_may_be_so_to_a_limit() {
    let config = |entry: &str| {
        format!(
            r#"{{"client_from": [{{"ip": {{}}}}], "clients": {{"alice": {entry}}}, "plans": {{"pro": {{"b": {{"rate": "5/s"}}}}}},
                "limits": {{"a": {{"rate": "9/s", "client_from": [{KNOWN}]}}, "b": {{"rate": "9/s"}}}}}}"#
        )
    };
    assert_eq!(errors(&config("{}")), [""; 0]);
    assert_eq!(
        errors(&config(r#"{"plan": "pro"}"#)),
        [
            r#"clients (entry 1): expected a source "header", "query" or "cookie" in client_from, which could yield this id, found none"#
        ]
    );
}
