//! OpenAI's chat completions, embeddings and models: no more of their shapes than clients,
//! and a filter that reads usage, look at.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::Json;
use serde_json::{json, Value};

pub(super) async fn chat(body: Bytes) -> Response {
    let Ok(asked) = serde_json::from_slice::<Value>(&body) else {
        return unreadable();
    };
    let (words, cut) = super::answer(&asked, &["max_completion_tokens", "max_tokens"]);
    let reason = if cut { "length" } else { "stop" };
    let usage = usage(asked.get("messages"), words.len());
    let model = super::model(&asked);
    if super::streamed(&asked) {
        let wanted = asked.pointer("/stream_options/include_usage") == Some(&Value::Bool(true));
        return stream_of(words, reason, &model, wanted.then_some(usage));
    }
    let message = json!({"role": "assistant", "content": words.concat()});
    Json(json!({
        "id": "chatcmpl-demo", "object": "chat.completion", "created": 1_700_000_000, "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}], "usage": usage,
    }))
    .into_response()
}

/// One event per word, then the reason it ended, then the usage if asked for: OpenAI's order.
fn stream_of(words: &[&str], reason: &str, model: &Value, usage: Option<Value>) -> Response {
    let event = |choices: Value, usage: Option<&Value>| {
        let mut chunk = json!({
            "id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": model, "choices": choices,
        });
        if let (Some(usage), Some(chunk)) = (usage, chunk.as_object_mut()) {
            chunk.insert("usage".to_owned(), usage.clone());
        }
        format!("data: {chunk}\n\n")
    };
    let choice = |delta: Value, reason: Value| json!([{"index": 0, "delta": delta, "finish_reason": reason}]);
    let mut events: Vec<String> = words
        .iter()
        .map(|word| event(choice(json!({"content": word}), Value::Null), None))
        .collect();
    events.push(event(choice(json!({}), json!(reason)), None));
    events.extend(usage.map(|usage| event(json!([]), Some(&usage))));
    events.push("data: [DONE]\n\n".to_owned());
    super::events(events)
}

pub(super) async fn embeddings(body: Bytes) -> Response {
    let Ok(asked) = serde_json::from_slice::<Value>(&body) else {
        return unreadable();
    };
    let mut usage = usage(asked.get("input"), 0);
    if let Some(usage) = usage.as_object_mut() {
        usage.remove("completion_tokens");
    }
    let count = asked
        .get("input")
        .and_then(Value::as_array)
        .map_or(1, Vec::len);
    let data: Vec<Value> = (0..count)
        .map(|index| json!({"object": "embedding", "index": index, "embedding": [0.25, -0.5, 0.125]}))
        .collect();
    let model = asked.get("model");
    Json(json!({"object": "list", "data": data, "model": model, "usage": usage})).into_response()
}

pub(super) async fn models() -> Json<Value> {
    let model =
        json!({"id": "demo", "object": "model", "created": 1_700_000_000, "owned_by": "tollgate"});
    Json(json!({"object": "list", "data": [model]}))
}

fn usage(prompt: Option<&Value>, output: usize) -> Value {
    let prompt = super::tokens(prompt);
    json!({"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt.saturating_add(output)})
}

pub(super) fn unreadable() -> Response {
    let error =
        json!({"message": "The body is not JSON.", "type": "invalid_request_error", "code": null});
    (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response()
}
