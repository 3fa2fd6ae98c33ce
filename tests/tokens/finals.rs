//! After what no more is said of usage.

use crate::{events, json};

fn event(data: &str) -> bool {
    events(&format!("data: {data}\n\n")).1
}

#[test]
fn some_events_are_the_last() {
    for data in [
        "[DONE]",
        r#"{"choices":[],"usage":{"total_tokens":1}}"#,
        r#"{"usage":{"total_tokens":1},"choices":[ ]}"#,
        r#"{"type":"response.completed","response":{"usage":{"total_tokens":1}}}"#,
        r#"{"response":{"usage":{"total_tokens":1}},"type":"response.incomplete"}"#,
        r#"{"type":"response.failed","response":{"usage":{"total_tokens":1}}}"#,
        r#"{"type":"message_delta","usage":{"output_tokens":1}}"#,
        r#"{"type":"message_stop"}"#,
        r#"{"typ\u0065":"message_st\u006fp"}"#,
        r#"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"totalTokenCount":1}}"#,
        r#"[{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"totalTokenCount":1}}]"#,
    ] {
        assert!(event(data), "{data}");
    }
}

#[test]
fn others_are_not() {
    for data in [
        "",
        "[DONE",
        "[DONE]x",
        " [DONE]",
        "[DONE]\ndata: x",
        r#"{"choices":[]}"#,
        r#"{"choices":[],"usage":null}"#,
        r#"{"choices":[],"usage":{"total_tokens":null}}"#,
        r#"{"choices":[{"index":0}],"usage":{"total_tokens":1}}"#,
        r#"{"choices":[[]],"usage":{"total_tokens":1}}"#,
        r#"{"choices":[null],"usage":{"total_tokens":1}}"#,
        r#"{"choices":["x"],"usage":{"total_tokens":1}}"#,
        r#"{"choices":null,"usage":{"total_tokens":1}}"#,
        r#"{"usage":{"total_tokens":1}}"#,
        r#"{"type":"response.completed","response":{"usage":null}}"#,
        r#"{"type":"response.in_progress","response":{"usage":{"total_tokens":1}}}"#,
        r#"{"type":"response.completedx","response":{"usage":{"total_tokens":1}}}"#,
        r#"{"type":"message_delta"}"#,
        r#"{"type":"message_start","message":{"usage":{"output_tokens":1}}}"#,
        r#"{"delta":{"type":"message_stop"}}"#,
        r#"{"type":["message_stop"]}"#,
        r#"{"type":"message_stop""#,
        r#"{"candidates":[{"finishReason":"STOP"}]}"#,
        r#"{"candidates":[{"finishReason":null}],"usageMetadata":{"totalTokenCount":1}}"#,
        r#"{"candidates":[{"content":{"finishReason":"STOP"}}],"usageMetadata":{"totalTokenCount":1}}"#,
        r#"{"x":[{"finishReason":"STOP"}],"usageMetadata":{"totalTokenCount":1}}"#,
        r#"{"candidates":{"finishReason":"STOP"},"usageMetadata":{"totalTokenCount":1}}"#,
    ] {
        assert!(!event(data), "{data}");
    }
}

/// Each document is judged by itself.
#[test]
fn two_halves_are_no_last_event() {
    let halves = "data: {\"choices\":[]}\n\ndata: {\"usage\":{\"total_tokens\":1}}\n\n";
    assert!(!events(halves).1);
    let array =
        r#"[{"candidates":[{"finishReason":"STOP"}]},{"usageMetadata":{"totalTokenCount":1}}]"#;
    assert!(!event(array));
}

#[test]
fn one_json_text_ends_with_itself() {
    for (body, is_final) in [
        ("", false),
        ("{", false),
        ("{}", true),
        ("{} \n", true),
        ("{}x", false),
        ("{}{}", false),
        ("[{}", false),
        ("[{}]", true),
        ("[DONE]", false),
        ("<html>", false),
        ("\u{FEFF}{}", true),
        (r#"{"type":"message_stop""#, false),
    ] {
        assert_eq!(json(body).1, is_final, "{body}");
    }
}

#[test]
fn a_text_that_is_told_again_counts_once() {
    let events = events(concat!(
        "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hello\"}\n\n",
        "data: {\"type\":\"response.output_text.done\",\"text\":\"Hello\"}\n\n",
        "data: {\"text\":\"Hello\",\"type\":\"response.content_part.done\"}\n\n",
        "data: {\"type\":\"response.completed\",\"response\":{\"output\":[{\"text\":\"Hello\"}]}}\n\n",
        "data: {\"type\":\"response.refusal.delta\",\"delta\":\"\\u00e9\\n",
    ));
    assert_eq!(events.2.text, 8);
}
