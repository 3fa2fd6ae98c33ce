//! Which numbers are tokens.

use tollgate::tokens::{Framing, Shape};

use crate::{json, read, request};

const TABLE: &[(&str, Option<u64>)] = &[
    ("0", Some(0)),
    ("12", Some(12)),
    ("120", Some(120)),
    ("1002003000", Some(1_002_003_000)),
    ("18446744073709551615", Some(u64::MAX)),
    ("12.0", Some(12)),
    ("12.000000000000000000000000000000", Some(12)),
    ("12.30e1", Some(123)),
    ("1e3", Some(1000)),
    ("1E+3", Some(1000)),
    ("1200e-2", Some(12)),
    ("0.12e2", Some(12)),
    ("0e999999999999", Some(0)),
    ("0.0", Some(0)),
    ("-0", None),
    ("-5", None),
    ("0.5", None),
    ("12.5", None),
    ("1.1234567890123456789012345", None),
    ("1e-1", None),
    ("1e-99999999999999999999", None),
    ("01", None),
    ("1.", None),
    ("1.e1", None),
    ("1e", None),
    ("1e+", None),
    ("1-2", None),
    ("--1", None),
    (".5", None),
    ("+5", None),
    ("5x", None),
    ("\"5\"", None),
    ("null", None),
    ("true", None),
    ("[5]", None),
];

/// Whole, but more than there is room for.
const TOO_LARGE: &[&str] = &[
    "18446744073709551616",
    "99999999999999999999999999999999999999999",
    "1e20",
    "1.5e99999999999999999999",
];

#[test]
fn whole_numbers_count_in_responses() {
    for (number, expected) in TABLE {
        let body = format!(r#"{{"usage":{{"total_tokens":{number}}}}}"#);
        assert_eq!(json(&body).0.total, *expected, "{body}");
    }
    for number in TOO_LARGE {
        let body = format!(r#"{{"usage":{{"total_tokens":7,"total_tokens":{number}}}}}"#);
        assert_eq!(json(&body).0.total, Some(7), "{body}");
    }
}

#[test]
fn whole_numbers_count_in_requests() {
    for (number, expected) in TABLE {
        let body = format!(r#"{{"max_tokens":{number}}}"#);
        assert_eq!(request(&body).max_output(), *expected, "{body}");
    }
    for number in TOO_LARGE {
        let body = format!(r#"{{"max_tokens":{number},"n":{number}}}"#);
        let found = request(&body);
        let most = (Some(u64::MAX), u64::MAX);
        assert_eq!((found.max_output(), found.candidates()), most, "{body}");
    }
}

#[test]
fn a_number_counts_when_the_byte_behind_it_has_come() {
    let body = r#"{"usage":{"total_tokens":1234}}"#;
    for end in 0..=body.len() {
        let counts = end > body.find("1234").unwrap() + 4;
        let expected = counts.then_some(1234);
        assert_eq!(
            read(Shape::Auto, Framing::Json, [&body.as_bytes()[..end]])
                .0
                .total,
            expected,
            "up to {end}"
        );
    }
}
