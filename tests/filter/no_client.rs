//! Who does not count as a client, or not as one.

use crate::clients::{from_ip, gateway, get, same};
use crate::host::{Answer, Request};

/// In an id the kind of the second part, and its name's length, stand between
/// the two values. Whoever sends them must not move the border.
#[test]
fn no_value_can_pose_as_the_border_of_two_parts() {
    let all = r#"[{"all": [{"query": "a"}, {"query": "b"}]}]"#;
    let pair = |a: &str, b: &str| Request::get(&format!("/?a={a}&b={b}"));
    for border in ["%01", "%01%00%00%00%00%00%00%00%00"] {
        let (early, late) = (format!("{border}y"), format!("x{border}"));
        assert!(
            !same(all, &pair("x", &early), &pair(&late, "y")),
            "{border}"
        );
    }
}

#[test]
fn only_listed_ids_are_known() {
    let gateway = gateway(
        r#"[{"header": "x-api-key", "known": true}, {"ip": {}}]"#,
        r#", "clients": {"alice": {}, "bob": {}}"#,
    );
    let from = |key: &str, address: &str| {
        let request = Request::of(key).attribute(&["source", "address"], address);
        gateway.send(&request).passed()
    };
    assert!(from("alice", "10.0.0.1:1"));
    assert!(!from("alice", "10.0.0.2:1"));
    assert!(from("bob", "10.0.0.1:1"));
    // Inventing keys helps nobody: the address counts.
    assert!(from("made up", "10.0.0.3:1"));
    assert!(!from("another", "10.0.0.3:1"));
}

/// So that who may read the configuration may not use its keys.
#[test]
fn a_key_may_be_known_by_its_hash() {
    let gateway = gateway(
        r#"[{"header": "authorization", "strip": "Bearer ", "known": true},
            {"query": "api_key", "known": true}, {"ip": {}}]"#,
        // Of "alice" and of "bob\xff".
        r#", "clients": {
            "sha256:2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90": {},
            "sha256:1A8C0981F42232E3B7C13519ADC6CD9B3ABC2BADC2A39B0D49E3DB1F1206CC42": {},
            "carol": {}}"#,
    );
    let bearer = |key: &[u8], address: &str| {
        let value = [b"Bearer ", key].concat();
        let request = from_ip(address).header("authorization", value);
        gateway.send(&request).passed()
    };
    assert!(bearer(b"alice", "10.0.0.1:1"));
    assert!(!bearer(b"alice", "10.0.0.2:1"));
    assert!(!gateway.send(&Request::get("/?api_key=%61lice")).passed());
    assert!(bearer(b"bob\xff", "10.0.0.1:1"));
    assert!(!bearer(b"bob\xff", "10.0.0.2:1"));
    assert!(bearer(b"carol", "10.0.0.1:1"));
    // Who has read the configuration knows a hash, and no key.
    let hash = b"2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90";
    assert!(bearer(hash, "10.0.0.3:1"));
    assert!(!bearer(&[b"sha256:", &hash[..]].concat(), "10.0.0.3:1"));
    assert!(!bearer(b"bob", "10.0.0.3:1"));
}

/// An address that is listed is no key.
#[test]
fn no_key_is_known_by_an_entry_of_another_kind() {
    let gateway = gateway(
        r#"[{"header": "x-api-key", "known": true}, {"ip": {}}, {"jwt_claim": "sub"}, {"constant": "c"}]"#,
        r#", "clients": {"alice": {}, "ip:49.50.51.52": {}, "jwt_claim:bob": {}, "constant:c": {}}"#,
    );
    assert!(gateway.send(&Request::of("made up")).passed());
    for key in [
        "1234",
        "49.50.51.52",
        "ip:49.50.51.52",
        "bob",
        "jwt_claim:bob",
        "c",
        "constant:c",
    ] {
        assert!(!gateway.send(&Request::of(key)).passed(), "{key}");
    }
    assert!(gateway.send(&Request::of("alice")).passed());
}

#[test]
fn an_empty_list_knows_nobody() {
    let gateway = gateway(
        r#"[{"header": "x-api-key", "known": true}, {"ip": {}}]"#,
        r#", "clients": {}"#,
    );
    assert!(gateway.send(&Request::of("made up")).passed());
    assert!(!gateway.send(&Request::of("another")).passed());
}

#[test]
fn two_different_values_in_one_place_are_refused() {
    let sources = r#"[{"header": "x-api-key"}, {"query": "k"}, {"cookie": "c"}]"#;
    let refused = [
        Request::of("a").header("x-api-key", "b"),
        Request::of("a")
            .header("x-api-key", "a")
            .header("x-api-key", "b"),
        Request::get("/?k=a&k=b"),
        Request::get("/?k=a&%6b=b"),
        get().header("cookie", "c=a; c=b"),
        get().header("cookie", "c=a; c=a; c=b"),
        get().header("cookie", "c=a").header("cookie", "c=b"),
    ];
    for request in refused {
        let answer: Answer = gateway(sources, "").send(&request);
        assert_eq!(answer.status, 400);
        assert_eq!(answer.details, "tollgate_refused:ambiguous-client");
        assert_eq!(answer.state, "refused:ambiguous-client");
    }
    let alike = Request::of("a").header("x-api-key", "a");
    assert!(gateway(sources, "").send(&alike).passed());
}

/// Envoy joins several `authorization` lines into one, as a client may too.
#[test]
fn two_joined_authorization_lines_are_refused() {
    let bearer = r#"[{"header": "authorization", "strip": "Bearer "}]"#;
    let auth = |lines: &[&str]| {
        lines
            .iter()
            .fold(get(), |request, line| request.header("authorization", line))
    };
    for lines in [
        &["Bearer a", "Bearer b"][..],
        &["Bearer a", "bearer  b"],
        &["Bearer a", "x", "Bearer b"],
        &["Bearer a", "", "Bearer b"],
        &["Bearer a, bearer  b"],
    ] {
        let answer = gateway(bearer, "").send(&auth(lines));
        assert_eq!(answer.status, 400, "{lines:?}");
    }
    let (a, ab) = (auth(&["Bearer a"]), auth(&["Bearer a,b"]));
    assert!(same(bearer, &a, &auth(&["Bearer a", "Bearer a"])));
    assert!(same(bearer, &a, &auth(&["", "Bearer a", ""])));
    assert!(same(bearer, &ab, &auth(&["bearer a,b"])));
    assert!(!same(bearer, &ab, &a));
}

#[test]
fn requests_without_a_client_are_shared_denied_or_unlimited() {
    let keyed = r#"[{"header": "authorization", "strip": "Bearer "}]"#;
    assert!(same(keyed, &get(), &from_ip("10.9.9.9:1")));

    let deny = gateway(keyed, r#", "missing": "deny""#).send(&get());
    assert_eq!(deny.status, 401);
    assert_eq!(deny.header("www-authenticate"), Some("Bearer"));
    assert_eq!(deny.details, "tollgate_refused:missing-client");

    let unlimited = gateway(keyed, r#", "missing": "unlimited""#);
    for _ in 0..3 {
        let answer = unlimited.send(&get());
        assert!(answer.passed());
        assert_eq!(answer.header("ratelimit"), None);
    }
}

#[test]
fn the_challenge_is_the_scheme_of_the_authorization_header() {
    let key = r#"{"header": "x-key", "strip": "Key "}"#;
    let bearer = r#"{"header": "authorization", "strip": "Bearer "}"#;
    let bare = r#"{"header": "authorization"}"#;
    for (sources, challenge) in [
        (format!("[{key}]"), "ApiKey"),
        (format!("[{bare}]"), "ApiKey"),
        (format!("[{key}, {bearer}]"), "Bearer"),
    ] {
        let answer = gateway(&sources, r#", "missing": "deny""#).send(&get());
        let found = answer.header("www-authenticate");
        assert_eq!(found, Some(challenge), "{sources}");
    }
}

#[test]
fn nobody_is_not_a_client_with_an_empty_id() {
    let sources = r#"[{"header": "x-api-key"}]"#;
    let gateway = gateway(sources, r#", "missing": "deny""#);
    assert_eq!(gateway.send(&Request::of("")).status, 401);
}
