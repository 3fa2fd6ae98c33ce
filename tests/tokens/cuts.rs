//! Random bytes, and what nearly is JSON: cut anywhere, they are the same.

use proptest::prelude::*;
use proptest::sample::select;
use tollgate::tokens::{Framing, RequestScanner, Shape};

use crate::{read, request_in};

/// What bodies are made of.
const PARTS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "00",
    "d83d",
    "\\ude00",
    " ",
    "\n",
    "\r",
    "\r\n\r\n",
    "\n\n",
    "data: ",
    "data:",
    "dat",
    ": x",
    "[DONE]",
    "\u{FEFF}",
    "true",
    "nul",
    "12",
    "-",
    ".",
    "e5",
    "0",
    "\"usage\":{",
    "\"total_tokens\":",
    "\"model\":",
    "\"max_tokens\":",
    "\"type\":\"message_stop\"",
    "\"choices\":[]",
    "\"stream\":true",
    "\"text\":\"é",
    "é",
];

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let parts = prop::collection::vec(select(PARTS), 0..60);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        parts.prop_map(|parts| parts.concat().into_bytes()),
    ]
}

/// All that a request's scanner says.
fn said(scanner: &RequestScanner) -> String {
    format!(
        "{:?} {:?} {} {} {} {:?} {}",
        scanner.model(),
        scanner.max_output(),
        scanner.candidates(),
        scanner.streams(),
        scanner.has_stream_options(),
        scanner.closing_brace(),
        scanner.bytes(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_are_read_differently_when_cut(body in bodies(), size in 1_usize..8) {
        for framing in [Framing::Json, Framing::Events] {
            let whole = read(Shape::Auto, framing, [&body[..]]);
            prop_assert_eq!(read(Shape::Auto, framing, body.chunks(size)), whole);
            prop_assert_eq!(whole.2.bytes, body.len() as u64);
        }
        let whole = said(&request_in([&body[..]]));
        prop_assert_eq!(said(&request_in(body.chunks(size))), whole);
    }

    /// A body that is taken for an object is one: nobody who reads it otherwise
    /// takes it at all.
    #[test]
    fn what_a_parser_takes_is_taken(body in bodies()) {
        let parsed = serde_json::from_slice::<serde_json::Value>(&body);
        if parsed.is_ok_and(|value| value.is_object()) {
            prop_assert!(request_in([&body[..]]).closing_brace().is_some());
        }
    }
}
