//! OpenAI's responses, <https://platform.openai.com/docs/api-reference/responses>.
//!
//! Their usage comes unasked, also in a stream: in the last event, of the whole response.

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use axum::Json;
use serde_json::{json, Value};

pub(super) async fn create(body: Bytes) -> Response {
    let Ok(asked) = serde_json::from_slice::<Value>(&body) else {
        return super::openai::unreadable();
    };
    let (words, cut) = super::answer(&asked, &["max_output_tokens"]);
    let status = if cut { "incomplete" } else { "completed" };
    let input = super::tokens(asked.get("input"));
    let response = |status: &str, output: Value, usage: Value| {
        json!({
            "id": "resp_demo", "object": "response", "created_at": 1_700_000_000, "status": status,
            "model": super::model(&asked), "output": output, "usage": usage,
        })
    };
    let text = json!([{"type": "output_text", "text": words.concat(), "annotations": []}]);
    let output = json!([{"type": "message", "id": "msg_demo", "role": "assistant", "status": status, "content": text}]);
    let usage = json!({
        "input_tokens": input, "output_tokens": words.len(),
        "total_tokens": input.saturating_add(words.len()),
    });
    let whole = response(status, output, usage);
    if !super::streamed(&asked) {
        return Json(whole).into_response();
    }
    let begun = response("in_progress", json!([]), Value::Null);
    let mut parts = vec![json!({"type": "response.created", "response": begun})];
    parts.extend(words.iter().map(|word| {
        json!({"type": "response.output_text.delta", "item_id": "msg_demo", "output_index": 0, "content_index": 0, "delta": word})
    }));
    parts.push(json!({"type": format!("response.{status}"), "response": whole}));
    super::typed_events(&parts)
}
