//! `clients`: whom an entry means, and on which plan it puts them.

use std::fmt::Write;

use crate::errors;

pub(crate) const ALICE: &str = "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90";
pub(crate) const KEY: &str = r#"{"header": "x-api-key"}"#;
pub(crate) const KNOWN: &str = r#"{"header": "x-api-key", "known": true}"#;

/// A configuration with two plans.
pub(crate) fn with_plans(rest: &str) -> String {
    format!(
        r#"{{"limits": {{"rpm": {{"rate": "9/s"}}}},
            "plans": {{"pro": {{"rpm": {{"rate": "90/s"}}}}, "free": {{"rpm": {{"rate": "8/s"}}}}}}, {rest}}}"#
    )
}

/// Asserts the errors of these clients, found by these sources.
#[track_caller]
pub(crate) fn check(client_from: &str, clients: &str, expected: &[&str]) {
    let rest = format!(r#""client_from": [{client_from}], "clients": {{{clients}}}"#);
    assert_eq!(
        errors(&with_plans(&rest)),
        expected,
        "{client_from} {clients}"
    );
}

#[test]
fn an_entry_may_name_a_plan_or_none() {
    let zeros = "0".repeat(64);
    let entries = format!(r#""alice": {{"plan": "pro"}}, "sha256:{zeros}": {{}}"#);
    check(KEY, &entries, &[]);
    check(KNOWN, r#""alice": {}"#, &[]);
    let plans = r#"the name of a plan: "free" or "pro""#;
    for (entry, expected) in [
        (
            "5",
            r#": expected {} or {"plan": "pro"}, found 5"#.to_owned(),
        ),
        (
            "null",
            r#": expected {} or {"plan": "pro"}, found null"#.to_owned(),
        ),
        (
            r#"{"plan": "gold"}"#,
            format!(r#".plan: expected {plans}, found "gold""#),
        ),
        (
            r#"{"plan": null}"#,
            ".plan: expected the name of a plan, found null".to_owned(),
        ),
        (
            r#"{"x": 1, "plan": "pro"}"#,
            r#": expected only the fields "plan", found an unknown field "x""#.to_owned(),
        ),
    ] {
        let expected = format!("clients (entry 2){expected}");
        check(KNOWN, &format!(r#""a": {{}}, "b": {entry}"#), &[&expected]);
    }
}

/// A wrong entry hides no other error, of its id or of another entry.
#[test]
fn all_errors_of_an_entry_come_at_once() {
    check(
        KEY,
        r#""sha256:a": 5, "b": {"plan": "gold", "x": 1}, "b": {}"#,
        &[
            r#"clients (entry 1): expected {} or {"plan": "pro"}, found 5"#,
            r#"clients (entry 1): expected 64 hexadecimal digits after "sha256:", found 1 character"#,
            r#"clients (entry 2): expected only the fields "plan", found an unknown field "x""#,
            r#"clients (entry 2).plan: expected the name of a plan: "free" or "pro", found "gold""#,
            "clients (entry 3): expected each client once, found one again",
        ],
    );
}

#[test]
fn a_plan_needs_plans() {
    let config = |plans: &str| {
        format!(
            r#"{{"client_from": [{KEY}], "limits": {{"rpm": {{"rate": "9/s"}}}}, "clients": {{"a": {{"plan": "pro"}}}} {plans}}}"#
        )
    };
    assert_eq!(
        errors(&config("")),
        [
            r#"clients (entry 1).plan: expected the name of a plan, but there is no "plans" at the top, found "pro""#
        ]
    );
    // Plans that cannot be read may be those that were meant.
    let found = errors(&config(r#", "plans": 5"#));
    assert!(
        !found.iter().any(|error| error.contains("clients")),
        "{found:?}"
    );
}

#[test]
fn a_hash_has_64_hexadecimal_digits() {
    let upper = ALICE.to_uppercase();
    check(KEY, &format!(r#""sha256:{upper}": {{"plan": "pro"}}"#), &[]);
    let digits = r#"64 hexadecimal digits after "sha256:""#;
    for (hash, found) in [
        ("", "0 characters"),
        ("a", "1 character"),
        (&ALICE[1..], "63 characters"),
        ("sk-secret", "9 characters"),
        (&format!("g{}", &ALICE[1..]), "another character among them"),
        (&format!("é{}", &ALICE[1..]), "another character among them"),
    ] {
        let expected = format!("clients (entry 1): expected {digits}, found {found}");
        check(
            KEY,
            &format!(r#""sha256:{hash}": {{"plan": "pro"}}"#),
            &[&expected],
        );
    }
}

#[test]
fn each_client_stands_once() {
    let upper = ALICE.to_uppercase();
    let again = "expected each client once, found one again";
    let twice = [
        (
            r#""a": {}, "a": {"plan": "pro"}"#.to_owned(),
            format!("(entry 2): {again}"),
        ),
        (
            format!(r#""sha256:{ALICE}": {{}}, "b": {{}}, "sha256:{upper}": {{}}"#),
            format!("(entry 3): {again}"),
        ),
        (
            r#""ip:10.0.0.1": {}, "ip:::ffff:10.0.0.1": {}"#.to_owned(),
            format!("(entry 2): {again}"),
        ),
        (
            format!(r#""b": {{}}, "alice": {{}}, "sha256:{ALICE}": {{}}"#),
            r#"(entry 2): expected each client once, found one that its "sha256:" lists too"#
                .to_owned(),
        ),
    ];
    for (clients, expected) in twice {
        check(
            &format!(r#"{KNOWN}, {{"ip": {{}}}}"#),
            &clients,
            &[&format!("clients {expected}")],
        );
    }
}

#[test]
fn a_client_of_another_kind_stands_after_its_kind() {
    let all = format!(
        r#"{KEY}, {{"all": [{{"ip": {{}}}}, {{"jwt_claim": ["org", "id"]}}, {{"property": ["a"]}}, {{"constant": "c"}}]}}, {{"path_param": "m"}}"#
    );
    let routes = r#""routes": [{"match": {"path": "/{m}"}, "limits": ["rpm"]}, {"match": {}, "limits": ["rpm"]}]"#;
    let check = |clients: &str, expected: &[&str]| {
        let rest = format!(
            r#""client_from": [{all}], {routes}, "clients": {{"x": {{"plan": "pro"}}, {clients}}}"#
        );
        assert_eq!(errors(&with_plans(&rest)), expected, "{clients}");
    };
    check(
        r#""ip:10.0.0.1": {"plan": "pro"}, "ip:2001:db8::": {}, "jwt_claim:a:b": {}, "property:é": {}, "path_param: ": {}, "constant:c": {}"#,
        &[],
    );
    let address =
        r#"an address after "ip:", without a port or the length of a prefix, found another text"#;
    for (id, expected) in [
        (
            "ip:2001:db8::1",
            r#"the address of the network that client_from counts: "ip:2001:db8::", found another address of it"#,
        ),
        ("ip:", address),
        ("ip:10.0.0.0/8", address),
        ("ip:10.0.0.1:80", address),
        ("ip:[2001:db8::]", address),
        ("ip:sk-secret", address),
        (
            "jwt_claim:",
            "a value after the kind of its source, found nothing",
        ),
        (
            "constant:",
            "a value after the kind of its source, found nothing",
        ),
        (
            "constant:d",
            r#"a constant of client_from: "c", found another text"#,
        ),
        (
            "all:a",
            r#"the id that one of the sources in "all" yields, found "all:" before it"#,
        ),
        (
            "header:a",
            r#"the id alone, as the client sends it (or by its "sha256:" where it begins so), found the kind of its source before it"#,
        ),
        (
            "query:a",
            r#"the id alone, as the client sends it (or by its "sha256:" where it begins so), found the kind of its source before it"#,
        ),
        (
            "cookie:a",
            r#"the id alone, as the client sends it (or by its "sha256:" where it begins so), found the kind of its source before it"#,
        ),
        (
            "SHA256:0",
            "the kind of its source in lower case, found another spelling",
        ),
        (
            "Jwt_Claim:a",
            "the kind of its source in lower case, found another spelling",
        ),
        ("", "an id of at least one character, found an empty one"),
    ] {
        let expected = format!("clients (entry 2): expected {expected}");
        check(&format!(r#""{id}": {{"plan": "pro"}}"#), &[&expected]);
    }
}

#[test]
fn no_configuration_prints_its_clients() {
    let json = format!(
        r#"{{"client_from": [{KNOWN}], "limits": {{"rpm": {{"rate": "9/s"}}}}, "clients": {{"sk-secret": {{}}, "sha256:{ALICE}": {{}}}}}}"#
    );
    let config = crate::redis::parse(&json);
    let shown = format!("{config:?}");
    assert!(shown.contains("Clients(2 listed)"), "{shown}");
    assert!(!shown.contains("sk-secret"), "{shown}");
}

/// As many as the largest operators have, all of them looked at.
#[test]
fn a_hundred_thousand_clients_are_read() {
    let mut clients = String::new();
    for number in 0_u32..50_000 {
        let plan = if number % 2 == 0 {
            r#"{"plan": "pro"}"#
        } else {
            "{}"
        };
        write!(
            clients,
            r#""sk-{number:032}": {plan}, "sha256:{number:064x}": {plan},"#
        )
        .unwrap();
    }
    clients.push_str(r#""last": {"plan": "gold"}"#);
    check(
        KNOWN,
        &clients,
        &[
            r#"clients (entry 100001).plan: expected the name of a plan: "free" or "pro", found "gold""#,
        ],
    );
}

/// One plan renamed makes every entry wrong; to say so must not take Envoy's main thread
/// the square of their number.
#[test]
fn a_hundred_thousand_errors_are_told() {
    let entries = (0_u32..100_000).map(|number| format!(r#""sk-{number}": {{"plan": "gold"}}"#));
    let entries: Vec<String> = entries.collect();
    let clients = entries.join(",");
    let rest = format!(r#""client_from": [{KEY}], "clients": {{{clients}}}"#);
    assert_eq!(errors(&with_plans(&rest)).len(), 100_000);
}
