//! Each error: its path, what was found, what is allowed.

use crate::{errors, with_limit, with_routes, with_source, with_top};

const RATE: &str = r#"a rate, such as "10/s", "100/m", "1000/h", "5000/d" or "100/30s""#;
const NAME: &str =
    "a name of a-z, 0-9, _ and -, at most 64 characters, the first one a letter or digit";

/// Asserts that a configuration has this error and no other.
#[track_caller]
pub(crate) fn only(json: &str, expected: &str) {
    assert_eq!(errors(json), [expected], "{json}");
}

#[test]
fn texts_that_are_no_json() {
    let object = "configuration: expected a JSON object, found";
    only(
        "# YAML\nadmin:",
        &format!("{object} text that begins with \"# YAML\""),
    );
    only(
        "\u{feff}{}",
        &format!("{object} a byte order mark before it"),
    );
    let binary = "binary data (Envoy takes the text in a StringValue)";
    only("\n\u{5}limit", &format!("{object} {binary}"));
    only("", "configuration: expected a JSON object, found nothing");
    only(
        " \n",
        "configuration: expected a JSON object, found nothing",
    );
    only("[]", "configuration: expected a JSON object, found a list");
    only(
        "{\"limits\":",
        "configuration: expected a JSON object, found an error in it: EOF while parsing a value at line 1 column 10",
    );
    only(
        "{} x",
        "configuration: expected a JSON object, found an error in it: trailing characters at line 1 column 4",
    );
}

#[test]
fn limits() {
    for found in [
        "\"\"",
        "\"15\"",
        "\"15/\"",
        "\"/m\"",
        "\"0/m\"",
        "\"-1/m\"",
        "\"+1/m\"",
        "\"1/w\"",
        "\"1/0s\"",
        "\"1/ms\"",
        "\"1.5/m\"",
        "\"1 /m\"",
        "\"4294967296/m\"",
        "15",
        "null",
        "true",
    ] {
        let shown = found;
        only(
            &with_limit(&format!(r#""rate": {found}"#)),
            &format!("limits.rpm.rate: expected {RATE}, found {shown}"),
        );
    }
    only(
        &with_limit(""),
        "limits.rpm: expected exactly one of the fields \"rate\", \"quota\" or \"concurrency\", found no field",
    );
    let least = "of at least 1";
    let most = "from 1 to 4294967295";
    for (burst, allowed, shown) in [
        ("0", least, "0"),
        ("-1", least, "-1"),
        ("1.5", least, "1.5"),
        ("4294967296", most, "4294967296"),
        ("1e10", most, "10000000000"),
        ("1e300", least, "1e300"),
        ("\"9\"", least, "\"9\""),
        ("null", least, "null"),
        ("[]", least, "a list"),
        ("{}", least, "an object"),
    ] {
        only(
            &with_limit(&format!(r#""rate": "1/m", "burst": {burst}"#)),
            &format!("limits.rpm.burst: expected a whole number {allowed}, found {shown}"),
        );
    }
    only(
        &with_limit(r#""rate": "1000001/s""#),
        "limits.rpm.rate: expected a rate of at most 1000000 per second, found \"1000001/s\"",
    );
    only(&with_limit(r#""rate": "1/d", "burst": 3651"#), "limits.rpm.rate: expected a rate that fills the burst of 3651 within ten years, found \"1/d\"");
    only(&with_limit(r#""rate": "1/m", "brust": 1"#),
        "limits.rpm: expected only the fields \"rate\", \"burst\", \"quota\", \"per\", \"offset\", \"concurrency\", \"timeout\", \"unit\", \"scope\", \"consistency\", \"mode\", \"client_from\", found an unknown field \"brust\"");
    only(
        &with_limit(r#""rate": "1/m", "scope": "global""#),
        "limits.rpm.scope: expected \"local\", \"share\" or \"cluster\", found \"global\"",
    );
    only(
        &with_limit(r#""rate": "1/m", "scope": "share""#),
        "gateways: expected the number of gateways that share \"rpm\", found nothing",
    );
    only(
        &with_limit(r#""rate": "1/m", "rate": "2/m""#),
        "limits.rpm: expected each field once, found \"rate\" again",
    );
    only(
        r#"{"client_from": [{"ip": {}}], "limits": {}}"#,
        "limits: expected at least one limit, found none",
    );
    only(
        r#"{"client_from": [{"ip": {}}]}"#,
        "limits: expected an object of limits by name, found nothing",
    );
    only(
        r#"{"client_from": [{"ip": {}}], "limits": {"RPM": {"rate": "1/m"}}}"#,
        &format!("limits.\"RPM\": expected {NAME}, found \"RPM\""),
    );
    only(
        r#"{"limits": {"rpm": {"rate": "1/m"}}}"#,
        "client_from: expected a list of sources, for limits without their own: \"rpm\", found nothing",
    );
}

#[test]
fn sources() {
    let kinds = r#"exactly one of the fields "header", "query", "cookie", "ip", "jwt_claim", "property", "path_param", "constant", "body" or "all""#;
    for (source, expected) in [
        ("{}", format!("client_from[0]: expected {kinds}, found no field")),
        (r#"{"hedder": "x"}"#, format!("client_from[0]: expected {kinds}, found \"hedder\"")),
        (r#"{"header": "x", "ip": {}}"#, format!("client_from[0]: expected {kinds}, found \"header\", \"ip\"")),
        (r#"{"header": "a b"}"#, "client_from[0].header: expected the name of a header, such as \"x-api-key\", found \"a b\"".into()),
        (r#"{"header": ""}"#, "client_from[0].header: expected the name of a header, such as \"x-api-key\", found \"\"".into()),
        (r#"{"header": "x", "known": true}"#, "client_from[0].known: expected a table \"clients\" at the top that lists the known ids, found true".into()),
        (r#"{"header": "x", "strip": 1}"#, "client_from[0].strip: expected a prefix, such as \"Bearer \", found 1".into()),
        (r#"{"query": "x", "strip": "y"}"#, "client_from[0]: expected only the fields \"header\", \"query\", \"cookie\", \"ip\", \"jwt_claim\", \"property\", \"path_param\", \"constant\", \"body\", \"all\", \"known\", found an unknown field \"strip\"".into()),
        (r#"{"ip": {"ipv6_prefix": 129}}"#, "client_from[0].ip.ipv6_prefix: expected a whole number from 1 to 128, found 129".into()),
        (r#"{"ip": {"ipv4_prefix": 0}}"#, "client_from[0].ip.ipv4_prefix: expected a whole number from 1 to 32, found 0".into()),
        (r#"{"property": []}"#, "client_from[0].property: expected a list of names, such as [\"connection\", \"uri_san_peer_certificate\"], found an empty list".into()),
        (r#"{"property": ["a\u0000b"]}"#, "client_from[0].property[0]: expected a name, found \"a\\0b\"".into()),
        (r#"{"jwt_claim": 5}"#, "client_from[0].jwt_claim: expected a claim, such as \"sub\" or [\"org\", \"id\"], found 5".into()),
        (r#"{"path_param": "model"}"#, "client_from[0].path_param: expected a variable of some route's path template, found \"model\"".into()),
        (r#"{"constant": ""}"#, "client_from[0].constant: expected a text of at least one character, found \"\"".into()),
        (r#"{"all": [{"ip": {}}, {"ip": 4}]}"#, "client_from[0].all[1].ip: expected an object, such as {} or {\"ipv6_prefix\": 56}, found 4".into()),
        ("5", "client_from[0]: expected a source, such as {\"header\": \"x-api-key\"} or {\"ip\": {}}, found 5".into()),
    ] {
        only(&with_source(source), &expected);
    }
}

#[test]
fn routes() {
    for (routes, expected) in [
        ("[]", "routes: expected a list of routes, the last with \"match\": {}, found an empty list"),
        (r#"[{"match": {"prefix": "/"}, "limits": []}]"#, "routes[0].match: expected {} in the last route, so that every request has one, found conditions"),
        (r#"[{"match": {}, "limits": []}, {"match": {}, "limits": []}]"#, "routes[0].match: expected conditions in all routes but the last, found none, which hides the routes that follow"),
        (r#"[{"match": {}}]"#, "routes[0].limits: expected a list of limits by name, or [] for none, found nothing"),
        (r#"[{"limits": []}]"#, "routes[0].match: expected conditions, or {} for every request, found nothing"),
        (r#"[{"match": {}, "limits": ["rmp"]}]"#, "routes[0].limits[0]: expected the name of a limit: \"rpm\", found \"rmp\""),
        (r#"[{"match": {}, "limits": ["rpm", "rpm"]}]"#, "routes[0].limits[1]: expected each limit once, found \"rpm\""),
        (r#"[{"match": {}, "limits": ["rpm"], "cost": 10}]"#, "routes[0].limits[0]: expected a limit whose burst, in one gateway, covers the route's cost of 10 (this one's is 9), found \"rpm\""),
        (r#"[{"match": {}, "limits": [], "cost": 0}]"#, "routes[0].cost: expected a whole number of at least 1, found 0"),
        (r#"[{"name": "a", "match": {"prefix": "/"}, "limits": []}, {"name": "a", "match": {}, "limits": []}]"#, "routes[1].name: expected a name that no other route has, found \"a\""),
    ] {
        only(&with_routes(routes), expected);
    }
}

#[test]
fn conditions() {
    let path = "a path from its first /, such as \"/v1/models/{model}\", without a query, %2F, %5C, %00 or \\";
    for (matcher, expected) in [
        (r#""path": "v1""#, format!("path: expected {path}, found \"v1\"")),
        (r#""path": "/a%2Fb""#, format!("path: expected {path}, found \"/a%2Fb\"")),
        (r#""path": "/a?b""#, format!("path: expected {path}, found \"/a?b\"")),
        (r#""path": "/{a""#, "path: expected braces only around a variable, as in {model}, found \"/{a\"".into()),
        (r#""path": "/{A}""#, "path: expected variables with names of their own, of a-z, 0-9 and _, found \"/{A}\"".into()),
        (r#""path": "/{a}/{a}""#, "path: expected variables with names of their own, of a-z, 0-9 and _, found \"/{a}/{a}\"".into()),
        (r#""path": "/{a}{b}""#, "path: expected at most one variable in a segment, found \"/{a}{b}\"".into()),
        (r#""path": "/{a=**}/b""#, "path: expected {name=**} only at the end, found \"/{a=**}/b\"".into()),
        (r#""prefix": """#, "prefix: expected a path from its first /, such as \"/v1/\", without a query, dot segment, %2F, %5C, %00 or \\, found \"\"".into()),
        (r#""methods": []"#, "methods: expected a list of methods, such as [\"POST\"], found an empty list".into()),
        (r#""methods": ["post"]"#, "methods[0]: expected a method in capitals, such as \"POST\", found \"post\"".into()),
        (r#""host": "example.com:80""#, "host: expected a host without port and final dot, such as \"api.example.com\" or \"*.example.com\", found \"example.com:80\"".into()),
        (r#""host": "*.*.com""#, "host: expected a host without port and final dot, such as \"api.example.com\" or \"*.example.com\", found \"*.*.com\"".into()),
        (r#""headers": {"a b": "c"}"#, "headers.\"a b\": expected the name of a header, found \"a b\"".into()),
        (r#""headers": {"a": 1}"#, "headers.a: expected the header's exact value, found 1".into()),
        (r#""headers": {"X-A": "1", "x-a": "2"}"#, "headers.x-a: expected each header once, found \"x-a\"".into()),
        (r#""path": "/a%7Bx%7D""#, "path: expected braces only around a variable, as in {model}, found \"/a%7Bx%7D\"".into()),
        (r#""prefix": "/wing/.""#, "prefix: expected a path from its first /, such as \"/v1/\", without a query, dot segment, %2F, %5C, %00 or \\, found \"/wing/.\"".into()),
        (r#""route_name": """#, "route_name: expected a text of at least one character, found \"\"".into()),
    ] {
        let routes = format!(r#"[{{"match": {{{matcher}}}, "limits": []}}, {{"match": {{}}, "limits": []}}]"#);
        only(&with_routes(&routes), &format!("routes[0].match.{expected}"));
    }
    only(
        &with_routes(
            r#"[{"match": {"path": "/a", "prefix": "/b"}, "limits": []}, {"match": {}, "limits": []}]"#,
        ),
        "routes[0].match: expected one of path and prefix, found both",
    );
}

#[test]
fn the_rest_of_the_top() {
    for (fields, expected) in [
        (r#""missing": "no""#, "missing: expected \"shared\", \"deny\" or \"unlimited\", found \"no\""),
        (r#""max_entries": 0"#, "max_entries: expected a whole number from 1 to 16777216, found 0"),
        (r#""namespace": "A""#, &format!("namespace: expected {NAME}, found \"A\"")),
        (r#""gateways": 0"#, "gateways: expected a whole number of at least 1, found 0"),
        (r#""limit": {}"#, "configuration: expected only the fields \"namespace\", \"max_entries\", \"feedback\", \"hash_secret\", \"redis\", \"clients\", \"missing\", \"client_from\", \"gateways\", \"limits\", \"plans\", \"log_client\", \"routes\", \"status\", \"plan_from\", found an unknown field \"limit\""),
    ] {
        only(&with_top(fields), expected);
    }
}
