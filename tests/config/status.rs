//! Where a client may ask where it stands.

use tollgate::config::Config;

use crate::errors::only;
use crate::with_top;

#[test]
fn a_status_shows_what_routes_apply() {
    let json = r#"{"client_from": [{"ip": {}}],
        "limits": {"a": {"rate": "1/s"}, "b": {"rate": "2/s"}, "c": {"rate": "3/s"},
                   "d": {"rate": "3/s", "client_from": [{"all": [{"ip": {}}, {"path_param": "m"}]}]}},
        "plans": {"pro": {"a": "unlimited"}},
        "routes": [{"match": {"path": "/{m}"}, "limits": ["b", "d"]}, {"match": {}, "limits": ["a"]}],
        "status": {"path": "/v1/limits", "limits": ["c"]}}"#;
    let status = Config::parse(json.as_bytes()).unwrap().status.unwrap();
    let names = |tier: &tollgate::route::Tier| -> Vec<String> {
        let limits = tier.groups.iter().flat_map(|group| group.limits());
        limits.map(|limit| limit.name.to_string()).collect()
    };
    assert_eq!(names(&status.shown.own), ["a", "b"]);
    assert_eq!(names(&status.shown.plans[0]), ["b"]);
    assert_eq!(names(&status.charged.own), ["c"]);
}

#[test]
fn wrong_fields() {
    const PATH: &str =
        "a path from its first /, such as \"/ratelimit\", without variables or a query";
    for (status, expected) in [
        ("5", "status: expected an object, such as {\"path\": \"/ratelimit\"}, found 5".to_owned()),
        ("{}", format!("status.path: expected {PATH}, found nothing")),
        (r#"{"path": 5}"#, format!("status.path: expected {PATH}, found 5")),
        (r#"{"path": "limits"}"#, format!("status.path: expected {PATH}, found \"limits\"")),
        (r#"{"path": "/{x}"}"#, format!("status.path: expected {PATH}, found \"/{{x}}\"")),
        (r#"{"path": "/x?y"}"#, format!("status.path: expected {PATH}, found \"/x?y\"")),
        (r#"{"path": "/x", "limits": ["y"]}"#, "status.limits[0]: expected the name of a limit: \"rpm\", found \"y\"".to_owned()),
        (r#"{"path": "/x", "limits": ["rpm", "rpm"]}"#, "status.limits[1]: expected each limit once, found \"rpm\"".to_owned()),
        (r#"{"path": "/x", "methods": []}"#, "status: expected only the fields \"path\", \"limits\", found an unknown field \"methods\"".to_owned()),
    ] {
        only(&with_top(&format!(r#""status": {status}"#)), &expected);
    }
}

#[test]
fn a_limit_that_only_asking_is_charged_to_is_used() {
    let json = r#"{"client_from": [{"ip": {}}], "limits": {"a": {"rate": "1/s"}, "ask": {"rate": "2/s"}},
        "routes": [{"match": {}, "limits": ["a"]}], "status": {"path": "/limits", "limits": ["ask"]}}"#;
    assert_eq!(Config::parse(json.as_bytes()).unwrap().warnings, []);
}
