//! Who counts as the same client.

use crate::host::{Answer, Gateway, Request};

/// A gateway with one request per client, so that a second one shows who the
/// first one was.
fn gateway(client_from: &str, rest: &str) -> Gateway {
    let limits = r#""limits": {"once": {"rate": "1/d"}}"#;
    Gateway::start(&format!(
        r#"{{"client_from": {client_from}, {limits} {rest}}}"#
    ))
    .unwrap()
}

/// Whether two requests come from one client.
fn same(client_from: &str, a: &Request, b: &Request) -> bool {
    let gateway = gateway(client_from, "");
    assert!(gateway.send(a).passed());
    match gateway.send(b).status {
        200 => false,
        429 => true,
        status => panic!("no client, but {status}"),
    }
}

fn get() -> Request {
    Request::get("/")
}

fn from_ip(address: &str) -> Request {
    get().attribute(&["source", "address"], address)
}

#[test]
fn a_header_is_bytes_and_its_prefix_may_be_in_any_case() {
    let bearer = r#"[{"header": "Authorization", "strip": "Bearer "}]"#;
    let auth = |value: &[u8]| get().header("authorization", value);
    assert!(same(bearer, &auth(b"Bearer k"), &auth(b"bEARER    k")));
    assert!(!same(bearer, &auth(b"Bearer k"), &auth(b"Bearer K")));
    assert!(!same(bearer, &auth(b"Bearer k"), &auth(b"Bearer \xff")));
    // Without the prefix, or with nothing after it, there is no client.
    assert!(same(bearer, &get(), &auth(b"Basic k")));
    assert!(same(bearer, &get(), &auth(b"Bearerk")));
    assert!(same(bearer, &get(), &auth(b"Bearer ")));
    assert!(same(bearer, &get(), &auth(b"")));
}

#[test]
fn the_same_key_is_the_same_client_however_it_comes() {
    let sources = r#"[{"header": "x-api-key"}, {"query": "api_key"}, {"cookie": "key"}]"#;
    let ways = [
        get().header("x-api-key", "a/b c"),
        Request::get("/?x=1&api_key=a%2Fb%20c"),
        Request::get("/?%61pi%5Fkey=a/b%20c#api_key=z"),
        get().header("cookie", "other=1; key=a/b c"),
        get().header("cookie", "key=%61/b%20c"),
        get().header("cookie", r#"key="a/b c""#),
        get()
            .header("cookie", "other=1")
            .header("cookie", "key=a/b c"),
    ];
    for way in &ways {
        assert!(same(sources, &ways[0], way));
        assert!(!same(sources, &Request::of("other"), way));
    }
}

/// The same four bytes from each kind of source, and one name for all that
/// have a name.
#[test]
fn other_kinds_of_ids_never_meet() {
    let value = "1234";
    let nobody = get().attribute(&["source", "address"], "");
    let claim = |name: &'static str| {
        let place = [
            "metadata",
            "filter_metadata",
            "envoy.filters.http.jwt_authn",
            "jwt_payload",
        ];
        [&place[..], &[name]].concat()
    };
    let ways = [
        (r#"{"header": "h"}"#, nobody.clone().header("h", value)),
        (
            r#"{"ip": {}}"#,
            get().attribute(&["source", "address"], "49.50.51.52:1"),
        ),
        (
            r#"{"jwt_claim": "sub"}"#,
            nobody.clone().attribute(&claim("sub"), value),
        ),
        (
            r#"{"jwt_claim": "azp"}"#,
            nobody.clone().attribute(&claim("azp"), value),
        ),
        (
            r#"{"property": ["a"]}"#,
            nobody.clone().attribute(&["a"], value),
        ),
        (
            r#"{"property": ["sub"]}"#,
            nobody.clone().attribute(&["sub"], value),
        ),
        (
            r#"{"path_param": "a"}"#,
            nobody.clone().with(":path", "/a/1234"),
        ),
        (
            r#"{"path_param": "sub"}"#,
            nobody.clone().with(":path", "/sub/1234"),
        ),
        (
            r#"{"all": [{"header": "g"}]}"#,
            nobody.clone().header("g", "1235"),
        ),
        // The last, as every request has it.
        (r#"{"constant": "1234"}"#, nobody.clone()),
    ];
    let sources = ways.each_ref().map(|(source, _)| *source).join(",");
    let gateway = gateway(
        &format!("[{sources}]"),
        r#", "routes": [{"match": {"path": "/a/{a}"}, "limits": ["once"]},
                        {"match": {"path": "/sub/{sub}"}, "limits": ["once"]},
                        {"match": {}, "limits": ["once"]}]"#,
    );
    for (source, request) in &ways {
        assert!(gateway.send(request).passed(), "{source} met another");
        assert!(!gateway.send(request).passed(), "{source} is not its own");
    }
}

#[test]
fn parts_of_a_combination_do_not_run_together() {
    let all = r#"[{"all": [{"header": "a"}, {"header": "b"}]}]"#;
    let pair = |a: &str, b: &str| get().header("a", a).header("b", b);
    assert!(!same(all, &pair("a", "bc"), &pair("ab", "c")));
    assert!(!same(all, &pair("a", "b"), &pair("b", "a")));
    assert!(same(all, &get(), &get().header("a", "only one of the two")));
}

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
fn addresses_are_counted_by_their_network() {
    let ip = r#"[{"ip": {}}]"#;
    for (a, b, expected) in [
        ("10.0.0.1:1", "10.0.0.1:2", true),
        ("10.0.0.1:1", "10.0.0.2:1", false),
        ("[2001:db8::1]:1", "[2001:db8::ffff]:1", true),
        ("[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false),
        ("10.0.0.1:1", "[::ffff:10.0.0.1]:1", true),
        ("10.0.0.1:1", "/var/run/socket", false),
    ] {
        assert_eq!(same(ip, &from_ip(a), &from_ip(b)), expected, "{a} {b}");
    }
    let wide = r#"[{"ip": {"ipv4_prefix": 24, "ipv6_prefix": 32}}]"#;
    assert!(same(wide, &from_ip("10.0.0.1:1"), &from_ip("10.0.0.255:1")));
    assert!(same(
        wide,
        &from_ip("[2001:db8::]:1"),
        &from_ip("[2001:db8:ffff::]:1")
    ));
    assert!(!same(wide, &from_ip("10.0.0.1:1"), &from_ip("10.0.1.1:1")));
}

#[test]
fn a_verified_claim_may_be_nested_and_lie_anywhere() {
    let nested = r#"[{"jwt_claim": ["org", "id"], "payload": "mine"}]"#;
    let path = [
        "metadata",
        "filter_metadata",
        "envoy.filters.http.jwt_authn",
        "mine",
        "org",
        "id",
    ];
    let claim = |value: &str| get().attribute(&path, value);
    assert!(same(nested, &claim("a"), &claim("a")));
    assert!(!same(nested, &claim("a"), &claim("b")));
}

#[test]
fn a_variable_of_the_path_has_one_value_in_all_spellings() {
    let gateway = gateway(
        r#"[{"path_param": "model"}]"#,
        r#", "routes": [{"match": {"path": "/v1/{model}:predict"}, "limits": ["once"]},
                        {"match": {"path": "/files/{model=**}"}, "limits": ["once"]},
                        {"match": {}, "limits": []}]"#,
    );
    assert!(gateway.send(&Request::get("/v1/a:b:predict")).passed());
    for spelling in [
        "/v1/a%3Ab:predict",
        "/v1/%61:b%3apredict?x",
        "//v1/./a:b:predict/",
        "/files/a%3Ab",
    ] {
        assert_eq!(
            gateway.send(&Request::get(spelling)).status,
            429,
            "{spelling}"
        );
    }
    assert!(gateway.send(&Request::get("/v1/other:predict")).passed());
    assert!(gateway.send(&Request::get("/files/a:b/c")).passed());
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
