//! Who counts as the same client.

use crate::host::{Gateway, Request};

/// A gateway with one request per client, so that a second one shows who the
/// first one was.
pub(crate) fn gateway(client_from: &str, rest: &str) -> Gateway {
    let limits = r#""limits": {"once": {"rate": "1/d"}}"#;
    Gateway::start(&format!(
        r#"{{"client_from": {client_from}, {limits} {rest}}}"#
    ))
    .unwrap()
}

/// Whether two requests come from one client.
pub(crate) fn same(client_from: &str, a: &Request, b: &Request) -> bool {
    let gateway = gateway(client_from, "");
    assert!(gateway.send(a).passed());
    match gateway.send(b).status {
        200 => false,
        429 => true,
        status => panic!("no client, but {status}"),
    }
}

pub(crate) fn get() -> Request {
    Request::get("/")
}

pub(crate) fn from_ip(address: &str) -> Request {
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

/// As Envoy writes an object: the number of members, two lengths for each, and each name
/// and value with a NUL after it.
fn object(members: &[(&str, &[u8])]) -> Vec<u8> {
    let number = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let mut bytes = number(members.len()).to_vec();
    for (name, value) in members {
        bytes.extend([number(name.len()), number(value.len())].concat());
    }
    for (name, value) in members {
        bytes.extend([name.as_bytes(), b"\0", value, b"\0"].concat());
    }
    bytes
}

/// Envoy shuffles the members at each reading; the client is the same one.
#[test]
fn a_claim_that_is_an_object_is_one_client_in_any_order() {
    let gateway = Gateway::start(
        r#"{"client_from": [{"jwt_claim": "org"}], "limits": {"l": {"rate": "1/h", "burst": 2}}}"#,
    )
    .unwrap();
    let path = [
        "metadata",
        "filter_metadata",
        "envoy.filters.http.jwt_authn",
        "jwt_payload",
        "org",
    ];
    let sent = |claim: &[u8]| gateway.send(&get().attribute(&path, claim)).passed();
    let [inner, shuffled] = [[("a", &b"1"[..]), ("b", b"2")], [("b", b"2"), ("a", b"1")]];
    let [inner, shuffled] = [object(&inner), object(&shuffled)];
    assert!(sent(&object(&[("id", b"7"), ("of", &inner)])));
    assert!(sent(&object(&[("of", &shuffled), ("id", b"7")])));
    assert!(!sent(&object(&[("id", b"7"), ("of", &shuffled)])));
    assert!(sent(&object(&[("id", b"8"), ("of", &inner)])), "another");
    // What only begins as one is a text.
    let cut = &object(&[("id", b"7"), ("of", b"8")]);
    let cut_other = &object(&[("of", b"8"), ("id", b"7")]);
    for text in [cut, cut_other].map(|text| &text[..text.len() - 1]) {
        assert!(sent(text));
        assert!(sent(text));
    }
    let mut deep = Vec::new();
    for _ in 0..3000 {
        deep = object(&[("a", &deep)]);
    }
    assert!(sent(&deep));
}
