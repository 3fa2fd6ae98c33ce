//! Who the filter is to the bridge, and that no message shows a secret.

use crate::errors;
use crate::errors::only;
use crate::redis::{cluster, parse, with_more};

#[test]
fn credentials_are_a_token_or_a_user_with_a_password() {
    for (fields, expected) in [
        (
            r#""token": "t", "user": "gw""#,
            "redis.token: expected a token alone, or a user and a password, found both",
        ),
        (
            r#""token": "t", "password": "hunter2""#,
            "redis.token: expected a token alone, or a user and a password, found both",
        ),
        (
            r#""token": "t", "user": "gw", "password": "hunter2""#,
            "redis.token: expected a token alone, or a user and a password, found both",
        ),
        (
            r#""user": "gw""#,
            "redis.password: expected the password that goes with the user, found nothing",
        ),
        (
            r#""password": "hunter2""#,
            "redis.user: expected the user that the password belongs to, found nothing",
        ),
        (
            r#""user": 5, "password": "hunter2""#,
            "redis.user: expected a user's name without a colon, found 5",
        ),
        (
            r#""user": "", "password": "hunter2""#,
            "redis.user: expected a user's name without a colon, found \"\"",
        ),
        (
            r#""user": "gw:hunter2", "password": "hunter2""#,
            "redis.user: expected a user's name without a colon, found one with a colon",
        ),
    ] {
        only(&with_more(fields), expected);
    }
}

/// Whatever is wrong with a secret, or with what stands in its place, a log is
/// no place for it.
#[test]
fn no_message_shows_a_secret() {
    let secret =
        "a text without control characters, or {\"env\": \"NAME\"} with the name of a variable";
    let variable = "the name of a variable, of letters, digits and _";
    for (found, at, expected) in [
        (r#""""#, "", format!("{secret}, found an empty text")),
        (
            r#""hunter2\n""#,
            "",
            format!("{secret}, found one with a control character"),
        ),
        (
            r#""hunter2\u0085""#,
            "",
            format!("{secret}, found one with a control character"),
        ),
        ("7411", "", format!("{secret}, found a number")),
        ("74.11", "", format!("{secret}, found a number")),
        ("true", "", format!("{secret}, found true or false")),
        ("null", "", format!("{secret}, found null")),
        (r#"["hunter2"]"#, "", format!("{secret}, found a list")),
        ("{}", ".env", format!("{variable}, found nothing")),
        (
            r#"{"env": "hunter2!"}"#,
            ".env",
            format!("{variable}, found another text"),
        ),
        (
            r#"{"env": ""}"#,
            ".env",
            format!("{variable}, found an empty text"),
        ),
        (
            r#"{"env": 7411}"#,
            ".env",
            format!("{variable}, found a number"),
        ),
        (
            r#"{"env": {"hunter2": "hunter2"}}"#,
            ".env",
            format!("{variable}, found an object"),
        ),
        (
            r#"{"env": "NAME", "hunter2": 1}"#,
            "",
            "only the fields \"env\", found an unknown field".to_owned(),
        ),
        (
            r#"{"env": "NAME", "env": "NAME"}"#,
            "",
            "each field once, found one again".to_owned(),
        ),
    ] {
        for (field, more) in [("token", ""), ("password", r#", "user": "gw""#)] {
            let json = with_more(&format!(r#""{field}": {found}{more}"#));
            only(&json, &format!("redis.{field}{at}: expected {expected}"));
        }
        let json = crate::with_top(&format!(r#""hash_secret": {found}"#));
        only(&json, &format!("hash_secret{at}: expected {expected}"));
        for error in errors(&json) {
            assert!(
                !error.contains("hunter2") && !error.contains("7411"),
                "{error}"
            );
        }
    }
}

/// What a panic or a careless log line would print.
#[test]
fn no_configuration_prints_its_secrets() {
    let json = cluster(
        r#""hash_secret": "hunter2", "gateways": 2,
           "redis": {"upstream": "r", "bridge": "webdis", "user": "gw", "password": "hunter2"}"#,
    );
    let shown = format!("{:?}", parse(&json));
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("Text(secret)"), "{shown}");
}
