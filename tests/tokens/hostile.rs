//! Bodies that nobody sends in good faith.

use std::mem::{needs_drop, size_of};

use tollgate::tokens::{Framing, Model, RequestScanner, ResponseScanner, Shape};

use crate::{events, json, read, request, request_in};

const USAGE: &str = r#""usage":{"total_tokens":5}"#;

/// So they own no heap, and cannot come to own any.
#[test]
fn scanners_are_small_and_hold_nothing() {
    assert!(!needs_drop::<ResponseScanner>() && size_of::<ResponseScanner>() <= 640);
    assert!(!needs_drop::<RequestScanner>() && size_of::<RequestScanner>() <= 640);
}

#[test]
fn millions_of_brackets_are_counted() {
    for (open, close, depth) in [
        ("[", "]", 10_000_000),
        ("{\"a\":", "}", 100_000),
        ("[{\"usage\":", "}]", 100_000),
    ] {
        let (open, close) = (open.repeat(depth), close.repeat(depth));
        let body = format!(r#"{{"x":{open}0{close},{USAGE},"max_tokens":7}}"#);
        let (usage, is_final, _) = json(&body);
        assert_eq!((usage.total, is_final), (Some(5), true));
        let found = request(&body);
        assert_eq!(found.max_output(), Some(7));
        assert_eq!(found.closing_brace().unwrap().at, body.len() as u64 - 1);
        assert_eq!(found.model(), Model::Unreadable);
        if depth > 1_000_000 {
            continue;
        }
        // One bracket is missing: the rest is in there.
        let bracket = &close.chars().next().unwrap().to_string();
        let cut = format!(
            r#"{{"x":{open}0{},{USAGE}}}"#,
            close.replacen(bracket, "", 1)
        );
        assert!(json(&cut).0.is_empty());
    }
}

/// Containers have a bit each down to 128, and none below.
#[test]
fn nesting_is_exact_at_its_limit() {
    for depth in 120..140 {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let body = format!(r#"{{"x":{open}"]","\"]"{close},{USAGE},"model":"m"}}"#);
        assert_eq!(json(&body).0.total, Some(5), "{depth}");
        let expected = if depth < 128 {
            Model::One(b"m")
        } else {
            Model::Unreadable
        };
        assert_eq!(request(&body).model(), expected, "{depth}");
    }
}

#[test]
fn long_lines_keys_and_strings_pass() {
    let long = "x".repeat(1_000_000);
    for body in [
        format!(r#"{{"{long}":1,{USAGE}}}"#),
        format!(r#"{{"{long}":"{long}","content":"{long}\"",{USAGE}}}"#),
        format!(r#"{{"usage{long}":{{"total_tokens":6}},{USAGE}}}"#),
        format!(r#"{{"a":{},{USAGE}}}"#, "1".repeat(1_000_000)),
        format!(
            r#"{{"a":{}0{},{USAGE}}}"#,
            " ".repeat(1_000_000),
            "\n".repeat(1_000_000)
        ),
        format!(r#"{{"type":"{long}",{USAGE}}}"#),
        format!(r#"{{"a":"{}",{USAGE}}}"#, r"\u0022".repeat(100_000)),
    ] {
        assert_eq!(json(&body).0.total, Some(5));
        let bytes = read(Shape::Auto, Framing::Json, body.as_bytes().chunks(1));
        assert_eq!(bytes, json(&body));
        let lines = format!("{long}\n: {long}\ndata: {}\n\n", body.replace('\n', " "));
        assert_eq!(events(&lines).0.total, Some(5));
    }
}

#[test]
fn a_key_is_told_up_to_its_last_byte() {
    let key = "cache_creation_input_tokens";
    let body = format!(r#"{{"usage":{{"{key}":5,"{key}x":6,"{key}{key}":7}}}}"#);
    for read in [
        json(&body),
        read(Shape::Auto, Framing::Json, body.as_bytes().chunks(1)),
    ] {
        assert_eq!(read.0.input, Some(5));
    }
}

#[test]
fn other_encodings_are_unreadable() {
    let text = r#"{"usage":{"total_tokens":5},"model":"m"}"#;
    let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect();
    let utf32 = |bytes: fn(u32) -> [u8; 4]| {
        text.chars()
            .map(u32::from)
            .flat_map(bytes)
            .collect::<Vec<_>>()
    };
    let marked = |mark: &[u8], text: Vec<u8>| [mark.to_vec(), text].concat();
    let bodies: Vec<Vec<u8>> = vec![
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        utf32(u32::to_le_bytes),
        utf32(u32::to_be_bytes),
        marked(b"\xFF\xFE", utf16(u16::to_le_bytes)),
        marked(b"\xFE\xFF", utf16(u16::to_be_bytes)),
        marked(b"\xEF\xBB", text.into()),
        marked(b"\xEF\xBB\xBF\xEF\xBB\xBF", text.into()),
        // gzip
        b"\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\xFF{\"usage\":{\"total_tokens\":5}}".to_vec(),
    ];
    for body in bodies {
        for framing in [Framing::Json, Framing::Events] {
            let (usage, is_final, _) = read(Shape::Auto, framing, [&body[..]]);
            assert!(usage.is_empty() && !is_final, "{body:?}");
        }
        assert!(!read(Shape::Auto, Framing::Json, [&body[..]]).2.readable || body[0] == b'{');
        assert_eq!(request(&body).model(), Model::Unreadable, "{body:?}");
    }
}

#[test]
fn what_is_no_utf8_is_stepped_over() {
    let body = b"{\"\xFF\":\"\xC3\",\"content\":\"\xF0\x9F\",\"usage\":{\"total_tokens\":5},\"model\":\"m\"}";
    let (usage, _, passed) = read(Shape::Auto, Framing::Json, [&body[..]]);
    assert_eq!((usage.total, passed.text), (Some(5), 2));
    assert_eq!(request_in(body.chunks(1)).model(), Model::One(b"m"));
}

/// Halves of pairs, digits that are none, letters that mean nothing.
#[test]
fn escapes_that_are_none_stay_within_their_string() {
    for escape in [
        r"\ud83d",
        r"\ud83d\ud83d",
        r"\ude00",
        r"\ud83dx",
        r"\ud83d\n",
        r"\u12",
        r"\u",
        r"\uzzzz",
        r"\x41",
        r"\ud83d\u0041",
        r"\ud83d\u",
        r"\\",
        r"\u0000",
    ] {
        let body = format!(r#"{{"{escape}":1,"content":"{escape}","x":"{escape}",{USAGE}}}"#);
        let whole = json(&body);
        assert_eq!(whole.0.total, Some(5), "{body}");
        let bytes = read(Shape::Auto, Framing::Json, body.as_bytes().chunks(1));
        assert_eq!(bytes, whole, "{body}");
    }
}

#[test]
fn text_is_measured_without_its_escapes() {
    for (string, bytes) in [
        (r"", 0),
        (r"abc", 3),
        (r"\u0061\n\/\\\t\b\f\r", 8),
        (r"\u00e9", 2),
        (r"\u4e2d", 3),
        (r"\ud83d\ude00", 4),
        (r"\ud83d\ud83d\ude00", 7),
        (r"\ud83d", 3),
        ("\u{1F600}", 4),
    ] {
        let body = format!(
            r#"{{"a":[[{{"text":"{string}","other":"xxx"}},"y",{{"text":"{string}"}},"y"]],"z":"y"}}"#
        );
        assert_eq!(json(&body).2.text, 2 * bytes, "{body}");
    }
}

#[test]
fn what_is_no_json_breaks_off() {
    for broken in [
        "}",
        "]",
        "x",
        "[}",
        "{]",
        "{,",
        "[,",
        "{\"a\"}",
        "{\"a\",",
        "{\"a\"::",
        "{\"a\":1 2",
        "{1:2",
        "nul,",
        "trux",
        "'a'",
        "NaN",
        "{\"a\":1,}",
        "[1,]",
        "/**/",
        "\u{c}",
        "{\"a\":}",
    ] {
        let body = format!(r#"{{"x":{broken},{USAGE},"model":"m"}}"#);
        assert!(json(&body).0.is_empty(), "{body}");
        assert_eq!(request(&body).model(), Model::Unreadable, "{body}");
    }
}
