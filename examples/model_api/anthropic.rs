//! Anthropic's messages, <https://docs.anthropic.com/en/api/messages> and, for the events,
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.
//!
//! Usage comes in two places of a stream, and both count: the input at its start, the
//! output, as a running total and not as an addition, near its end.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::Json;
use serde_json::{json, Value};

pub(super) async fn messages(body: Bytes) -> Response {
    let Ok(asked) = serde_json::from_slice::<Value>(&body) else {
        return unreadable();
    };
    let (words, cut) = super::answer(&asked, &["max_tokens"]);
    let reason = if cut { "max_tokens" } else { "end_turn" };
    let system = super::tokens(asked.get("system"));
    let input = super::tokens(asked.get("messages")).saturating_add(system);
    let message = |content: Value, reason: Value, output: usize| {
        json!({
            "id": "msg_demo", "type": "message", "role": "assistant", "model": super::model(&asked),
            "content": content, "stop_reason": reason, "stop_sequence": null,
            "usage": {"input_tokens": input, "output_tokens": output},
        })
    };
    if super::streamed(&asked) {
        // What the provider's own streams begin with: nothing of the text, one token of it.
        return stream_of(words, reason, &message(json!([]), Value::Null, 1));
    }
    let text = json!([{"type": "text", "text": words.concat()}]);
    Json(message(text, json!(reason), words.len())).into_response()
}

/// The message without its content, the content in pieces, why it ended and the usage.
fn stream_of(words: &[&str], reason: &str, message: &Value) -> Response {
    let mut parts = vec![
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
    ];
    parts.extend(words.iter().map(|word| {
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}})
    }));
    parts.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({
            "type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null},
            "usage": {"output_tokens": words.len()},
        }),
        json!({"type": "message_stop"}),
    ]);
    super::typed_events(&parts)
}

fn unreadable() -> Response {
    let error = json!({"type": "invalid_request_error", "message": "The body is not JSON."});
    let body = json!({"type": "error", "error": error});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
