//! Which model a request names.

use tollgate::tokens::{Model, RequestScanner};

use crate::{request, request_in};

#[test]
fn one_model_is_named_or_none() {
    for (body, model) in [
        ("{}", Model::None),
        (r#"{"messages":[]}"#, Model::None),
        (r#"{"model":null}"#, Model::None),
        (r#"{"model":["m"]}"#, Model::None),
        (r#"{"model":{"model":"m"}}"#, Model::None),
        (
            r#"{"messages":[{"model":"m"}],"x":{"model":"m"}}"#,
            Model::None,
        ),
        (r#"{"x":"\"model\":\"m\""}"#, Model::None),
        (r#"{"model ":"m","models":"m"}"#, Model::None),
        (r#"{"model":"gpt-4o"}"#, Model::One(b"gpt-4o")),
        ("\u{FEFF}\t{ \"model\" :\r\n\"m\" } ", Model::One(b"m")),
        (r#"{"model":""}"#, Model::One(b"")),
        (
            r#"{"mod\u0065l":"a\u002fb\/\"\\"}"#,
            Model::One(b"a/b/\"\\"),
        ),
        (
            r#"{"model":"\u00e9\ud83d\ude00"}"#,
            Model::One("é😀".as_bytes()),
        ),
        (
            r#"{"x":{"model":"a"},"model":"m","y":[{"model":"b"}]}"#,
            Model::One(b"m"),
        ),
        (r#"{"model":"m","model":"m"}"#, Model::One(b"m")),
        (
            r#"{"model":"mm","model":"\u006dm","MODEL":"mm"}"#,
            Model::One(b"mm"),
        ),
        (r#"{"Model":"m"}"#, Model::One(b"m")),
    ] {
        for found in [request(body), request_in(body.as_bytes().chunks(1))] {
            assert_eq!(found.model(), model, "{body}");
        }
    }
}

/// Readers differ in whether they take the first or the last, and in whether
/// they take notice of case.
#[test]
fn several_models_are_not_one() {
    for body in [
        r#"{"model":"a","model":"b"}"#,
        r#"{"model":"a","messages":[],"model":"ab"}"#,
        r#"{"model":"ab","model":"a"}"#,
        r#"{"model":"a","model":""}"#,
        r#"{"model":"","model":"a"}"#,
        r#"{"model":"a","model":"b","model":"a"}"#,
        r#"{"model":"a","Model":"b"}"#,
        r#"{"model":"a","mod\u0065l":"b"}"#,
        r#"{"model":"a","model":null}"#,
        r#"{"model":5,"model":"a"}"#,
        r#"{"model":"a","model":["b"]}"#,
    ] {
        for found in [request(body), request_in(body.as_bytes().chunks(1))] {
            assert_eq!(found.model(), Model::Several, "{body}");
        }
    }
}

#[test]
fn what_cannot_be_told_is_unreadable() {
    let long = format!(r#"{{"model":"{}"}}"#, "m".repeat(257));
    for body in [
        "",
        " ",
        "null",
        "12 ",
        r#""model""#,
        r#"["model","m"]"#,
        r#"[{"model":"m"}]"#,
        "model=m&x=y",
        r#"{"model":"m""#,
        r#"{"model":"m"}}"#,
        r#"{"model":"m"} {"model":"x"}"#,
        r#"{"model":"m",}"#,
        r#"{"model":"m" "x":1}"#,
        r#"{'model':'m'}"#,
        r#"{model:"m"}"#,
        r#"{"model":"m",/* */"x":1}"#,
        "{\"model\":\"m\"}\0",
        &long,
    ] {
        for found in [request(body), request_in(body.as_bytes().chunks(1))] {
            assert_eq!(found.model(), Model::Unreadable, "{body}");
        }
    }
    assert_eq!(request(b"{\"model\":\"\xFF\"}").model(), Model::Unreadable);
    let name = "m".repeat(256);
    let longest = request(format!(r#"{{"model":"{name}"}}"#));
    assert_eq!(longest.model(), Model::One(name.as_bytes()));
}

#[test]
fn before_its_end_a_body_names_nothing() {
    let mut scanner = RequestScanner::new();
    scanner.feed(br#"{"model":"m"}"#);
    assert_eq!(scanner.model(), Model::Unreadable);
    scanner.end();
    assert_eq!(scanner.model(), Model::One(b"m"));
}
