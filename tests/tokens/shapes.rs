//! Which numbers count, and as what.

use tollgate::tokens::{Framing, Shape, Usage};

use crate::{events, json, read, usage};

fn of(input: Option<u64>, output: Option<u64>, total: Option<u64>) -> Usage {
    Usage {
        input,
        output,
        total,
    }
}

#[test]
fn each_field_counts_where_its_api_puts_it() {
    let table = [
        (r#"{"usage":{"prompt_tokens":5}}"#, of(Some(5), None, None)),
        (
            r#"{"usage":{"completion_tokens":5}}"#,
            of(None, Some(5), None),
        ),
        (r#"{"usage":{"total_tokens":5}}"#, of(None, None, Some(5))),
        (r#"{"usage":{"input_tokens":5}}"#, of(Some(5), None, None)),
        (r#"{"usage":{"output_tokens":5}}"#, of(None, Some(5), None)),
        (
            r#"{"response":{"usage":{"output_tokens":5}}}"#,
            of(None, Some(5), None),
        ),
        (
            r#"{"message":{"usage":{"output_tokens":5}}}"#,
            of(None, Some(5), None),
        ),
        (
            r#"{"usage":{"input_tokens":1,"cache_read_input_tokens":2,"cache_creation_input_tokens":4}}"#,
            of(Some(7), None, None),
        ),
        (
            r#"{"usage":{"cache_read_input_tokens":2}}"#,
            of(Some(2), None, None),
        ),
        (
            r#"{"usageMetadata":{"promptTokenCount":1,"toolUsePromptTokenCount":2}}"#,
            of(Some(3), None, None),
        ),
        (
            r#"{"usageMetadata":{"candidatesTokenCount":1,"thoughtsTokenCount":2}}"#,
            of(None, Some(3), None),
        ),
        (
            r#"{"usageMetadata":{"thoughtsTokenCount":2,"totalTokenCount":9}}"#,
            of(None, Some(2), Some(9)),
        ),
        (
            r#"[{"usageMetadata":{"promptTokenCount":1}},{"usageMetadata":{"promptTokenCount":2}}]"#,
            of(Some(2), None, None),
        ),
        (
            r#"{"\u0075sage":{"prompt_tok\u0065ns":5}}"#,
            of(Some(5), None, None),
        ),
    ];
    for (body, expected) in table {
        assert_eq!(json(body).0, expected, "{body}");
    }
}

#[test]
fn nothing_counts_elsewhere() {
    for body in [
        r#"{"usage":null}"#,
        r#"{"usage":5}"#,
        r#"{"usage":[{"prompt_tokens":5}]}"#,
        r#"{"usage":[5]}"#,
        r#"{"usage":{"prompt_tokens":[5]}}"#,
        r#"{"usage":{"prompt_tokens":{"prompt_tokens":5}}}"#,
        r#"{"usage":{"prompt_tokens_details":{"prompt_tokens":5}}}"#,
        r#"{"usage":{"usage":{"prompt_tokens":5}}}"#,
        r#"{"usage":{"promptTokenCount":5}}"#,
        r#"{"usageMetadata":{"prompt_tokens":5,"cachedContentTokenCount":4}}"#,
        r#"{"prompt_tokens":5,"total_tokens":5,"promptTokenCount":5}"#,
        r#"{"Usage":{"prompt_tokens":5}}"#,
        r#"{"choices":[{"usage":{"prompt_tokens":5}}]}"#,
        r#"{"choices":[{"message":{"usage":{"prompt_tokens":5}}}]}"#,
        r#"{"message":{"content":[{"usage":{"prompt_tokens":5}}]}}"#,
        r#"{"message":{"message":{"usage":{"prompt_tokens":5}}}}"#,
        r#"{"message":[{"usage":{"prompt_tokens":5}}]}"#,
        r#"{"data":{"usage":{"prompt_tokens":5}}}"#,
        r#"{"response":{"usageMetadata":{"promptTokenCount":5}}}"#,
        r#"[{"usage":{"prompt_tokens":5}}]"#,
        r#"[[{"usageMetadata":{"promptTokenCount":5}}]]"#,
        r#"{"content":"\"usage\":{\"prompt_tokens\":5}"}"#,
        r#"{"content":"{\"usage\":{\"prompt_tokens\":5}}"}"#,
        r#"{"\\u0075sage":{"prompt_tokens":5}}"#,
        r#"{"usage ":{"prompt_tokens":5}}"#,
        r#"{"usage":{"prompt_tokens\u0000":5}}"#,
        r#""usage":{"prompt_tokens":5}"#,
    ] {
        assert!(json(body).0.is_empty(), "{body}");
    }
}

#[test]
fn the_last_word_on_each_number_wins() {
    let chunk = |tokens| format!("data: {{\"usage\":{{\"prompt_tokens\":{tokens}}}}}\n\n");
    let (found, _, _) = events(&(chunk("5") + &chunk("9") + &chunk("7") + &chunk("null")));
    assert_eq!(found.input, Some(7));
    let twice = json(r#"{"usage":{"total_tokens":3},"usage":{"output_tokens":2}}"#).0;
    assert_eq!((twice.total, twice.output), (Some(3), Some(2)));
}

/// OpenRouter, and others that speak Anthropic's language.
#[test]
fn a_delta_that_repeats_the_input_replaces_it() {
    let (found, _, _) = events(concat!(
        "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":0,\"output_tokens\":1}}}\n\n",
        "data: {\"type\":\"message_delta\",\"usage\":{\"input_tokens\":9,\"cache_read_input_tokens\":4,\"output_tokens\":3}}\n\n",
    ));
    assert_eq!(found, of(Some(13), Some(3), None));
    assert_eq!(found.total(), Some(16));
}

/// LiteLLM sends Anthropic's cache beside a prompt that includes it, others
/// zeros for OpenAI's newer words.
#[test]
fn two_words_for_one_thing_count_once() {
    let cached = json(
        r#"{"usage":{"prompt_tokens":100,"completion_tokens":5,"total_tokens":105,"cache_read_input_tokens":80,"cache_creation_input_tokens":0}}"#,
    );
    assert_eq!(cached.0, usage(100, 5, 105));
    let zeros = json(
        r#"{"usage":{"prompt_tokens":100,"completion_tokens":5,"total_tokens":105,"input_tokens":0,"output_tokens":0}}"#,
    );
    assert_eq!(zeros.0, usage(100, 5, 105));
}

#[test]
fn a_shape_reads_only_its_own_words() {
    let body = br#"{"usage":{"prompt_tokens":1,"input_tokens":2,"cache_read_input_tokens":4,"total_tokens":8},"response":{"usage":{"output_tokens":16}},"message":{"usage":{"output_tokens":32}},"usageMetadata":{"promptTokenCount":64}}"#;
    let input_output = |shape| {
        let (found, _, _) = read(shape, Framing::Json, [&body[..]]);
        (found.input, found.output, found.total)
    };
    assert_eq!(input_output(Shape::OpenAi), (Some(2), Some(16), Some(8)));
    assert_eq!(input_output(Shape::Anthropic), (Some(6), Some(32), None));
    assert_eq!(input_output(Shape::Gemini), (Some(64), None, None));
}

#[test]
fn a_total_is_said_or_the_sum() {
    assert_eq!(of(Some(1), Some(2), Some(9)).total(), Some(9));
    assert_eq!(of(Some(1), Some(2), None).total(), Some(3));
    assert_eq!(of(Some(1), None, None).total(), Some(1));
    assert_eq!(of(None, None, None).total(), None);
    assert_eq!(of(Some(u64::MAX), Some(2), None).total(), Some(u64::MAX));
    assert!(!of(None, Some(0), None).is_empty());
}

#[test]
fn the_content_type_says_the_framing() {
    for (content_type, framing) in [
        ("text/event-stream", Framing::Events),
        ("Text/Event-Stream; charset=utf-8", Framing::Events),
        (" text/event-stream ;x", Framing::Events),
        ("application/json", Framing::Json),
        ("text/event-streams", Framing::Json),
        ("", Framing::Json),
        ("application/json; x=text/event-stream", Framing::Json),
    ] {
        assert_eq!(
            Framing::of(content_type.as_bytes()),
            framing,
            "{content_type}"
        );
    }
    assert_eq!(Framing::of(b"\xFF;\xFF"), Framing::Json);
}
