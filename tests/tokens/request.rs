//! What a request asks for.

use tollgate::tokens::{Closing, Model};

use crate::{request, request_in};

/// Bodies with the largest output and the number of answers that they ask for.
const NUMBERS: &[(&str, Option<u64>, u64)] = &[
    ("{}", None, 1),
    (r#"{"max_tokens":5}"#, Some(5), 1),
    (r#"{"max_completion_tokens":5}"#, Some(5), 1),
    (r#"{"max_output_tokens":5}"#, Some(5), 1),
    (r#"{"generationConfig":{"maxOutputTokens":5}}"#, Some(5), 1),
    (
        r#"{"generation_config":{"max_output_tokens":5}}"#,
        Some(5),
        1,
    ),
    (
        r#"{"max_tokens":5,"max_completion_tokens":9,"max_tokens":7}"#,
        Some(9),
        1,
    ),
    (r#"{"max_tokens":9,"max_tokens":1}"#, Some(9), 1),
    (r#"{"max_tokens":9,"max_tokens":null}"#, Some(9), 1),
    (r#"{"max\u005ftokens":5}"#, Some(5), 1),
    (r#"{"MAX_TOKENS":5,"N":2}"#, Some(5), 2),
    (r#"{"max_tokens":"5","n":"2"}"#, None, 1),
    (r#"{"maxOutputTokens":5}"#, None, 1),
    (r#"{"generationConfig":{"max_tokens":5,"n":3}}"#, None, 1),
    (r#"{"generationConfig":[{"maxOutputTokens":5}]}"#, None, 1),
    (
        r#"{"generationConfig":{"x":{"maxOutputTokens":5}}}"#,
        None,
        1,
    ),
    (
        r#"{"x":{"maxOutputTokens":5,"max_tokens":5,"n":5}}"#,
        None,
        1,
    ),
    (r#"{"messages":[{"max_tokens":5}],"x":[5]}"#, None, 1),
    (r#"{"max_tokens":{"n":5},"n":[5]}"#, None, 1),
    (
        r#"{"generationConfig":{"x":{},"y":[{}],"maxOutputTokens":5}}"#,
        Some(5),
        1,
    ),
    (r#"{"n":3}"#, None, 3),
    (r#"{"best_of":3,"n":2}"#, None, 3),
    (r#"{"candidateCount":3}"#, None, 3),
    (r#"{"generationConfig":{"candidateCount":3}}"#, None, 3),
    (r#"{"generation_config":{"candidate_count":3}}"#, None, 3),
    (r#"{"n":0}"#, None, 1),
    (r#"{"n":-3,"n":2.5}"#, None, 1),
    (r#"[{"max_tokens":5,"n":3}]"#, None, 1),
    // What was read of it still holds.
    (r#"{"max_tokens":5,"n":3,"#, Some(5), 3),
    (r#"{"max_tokens":5"#, None, 1),
];

#[test]
fn the_largest_number_counts() {
    for (body, max_output, candidates) in NUMBERS {
        for found in [request(body), request_in(body.as_bytes().chunks(1))] {
            assert_eq!(found.max_output(), *max_output, "{body}");
            assert_eq!(found.candidates(), *candidates, "{body}");
        }
    }
}

#[test]
fn a_stream_is_asked_for_at_the_top() {
    for (body, streams, has_options) in [
        (r#"{}"#, false, false),
        (r#"{"stream":true}"#, true, false),
        (
            r#"{"stream" : true , "stream_options":{"include_usage":true}}"#,
            true,
            true,
        ),
        (
            r#"{"str\u0065am":true,"stream_option\u0073":null}"#,
            true,
            true,
        ),
        (r#"{"stream":true,"stream":false}"#, false, false),
        (r#"{"stream":false,"stream":true}"#, true, false),
        (r#"{"stream":true,"stream":null}"#, false, false),
        (r#"{"stream":true,"stream":{"stream":true}}"#, false, false),
        (r#"{"stream":true,"stream":"true"}"#, false, false),
        (r#"{"stream":1}"#, false, false),
        (r#"{"Stream":true}"#, false, false),
        (r#"{"x":{"stream":true,"stream_options":{}}}"#, false, false),
        (
            r#"{"x":"\"stream\":true,\"stream_options\":{}"}"#,
            false,
            false,
        ),
        (r#"{"stream":[true]}"#, false, false),
    ] {
        for found in [request(body), request_in(body.as_bytes().chunks(1))] {
            assert_eq!(found.streams(), streams, "{body}");
            assert_eq!(found.has_stream_options(), has_options, "{body}");
        }
    }
}

#[test]
fn the_closing_brace_is_found() {
    let at = |at, has_members| Some(Closing { at, has_members });
    for (body, closing) in [
        ("", None),
        ("{", None),
        ("{}", at(1, false)),
        ("{ }\n\n", at(2, false)),
        ("\u{FEFF} {}", at(5, false)),
        (r#"{"a":1}"#, at(6, true)),
        (r#"{"a":{}} "#, at(7, true)),
        (r#"{"a":"}"}"#, at(8, true)),
        (r#"{"a":{"b":[]},"c":"\"}"}  "#, at(23, true)),
        (r#"{"a":1"#, None),
        (r#"{"a":1}}"#, None),
        (r#"{"a":1} x"#, None),
        ("[]", None),
        ("[{}]", None),
        ("{]", None),
        ("12 ", None),
    ] {
        for found in [request(body), request_in(body.as_bytes().chunks(1))] {
            assert_eq!(found.closing_brace(), closing, "{body}");
            assert_eq!(found.bytes(), body.len() as u64, "{body}");
        }
    }
}

/// One more member, put where the brace was, makes JSON again.
#[test]
fn a_member_can_be_put_before_the_closing_brace() {
    for body in ["{}", " { } ", r#"{"stream":true}"#, "\n{\"a\":{}\n}\n"] {
        let closing = request(body).closing_brace().unwrap();
        let (before, behind) = body.split_at(usize::try_from(closing.at).unwrap());
        let comma = if closing.has_members { "," } else { "" };
        let body = format!(r#"{before}{comma}"model":"m"{behind}"#);
        serde_json::from_str::<serde_json::Value>(&body).unwrap();
        assert_eq!(request(&body).model(), Model::One(b"m"), "{body}");
    }
}
