//! The demo model API: an upstream that looks like OpenAI's and answers at once.
//!
//! `make run`, the tests and the benchmark put Envoy before it. It is Rust and one write
//! per answer, because a stand-in that writes headers and body apart waits 40 ms for a
//! delayed ACK, and every figure taken through it would be that wait.
//!
//! Any path it does not know is answered with the method, path and headers that arrived,
//! so that a test can see what a proxy before it has changed.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{header, HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use clap::Parser;
use futures_util::stream;
use serde_json::{json, Map, Value};
use std::convert::Infallible;
use std::io::Write;
use std::time::Duration;

const ANSWER: [&str; 9] = [
    "A", " toll", "gate", " lets", " each", " client", " pass", " in", " turn.",
];

#[derive(Parser)]
#[command(about = "A demo model API, OpenAI-shaped")]
struct Args {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// Wait this long before each answer.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", args.port)).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on {}", listener.local_addr()?)?;
    stdout.flush()?;

    let app = Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/embeddings", post(embeddings))
        .route("/v1/models", get(models))
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(echo)
        .method_not_allowed_fallback(echo)
        .layer(middleware::from_fn_with_state(
            Duration::from_millis(args.delay_ms),
            operator,
        ));
    let listener = listener.tap_io(|stream| {
        // Without it a small answer waits; that it cannot be set is no reason to refuse.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await
}

/// What the operator's account with a model provider adds to every answer, if asked for.
async fn operator(State(delay): State<Duration>, request: Request, next: Next) -> Response {
    let limits = request.headers().contains_key("x-demo-operator-limits");
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let mut response = next.run(request).await;
    if limits {
        let headers = response.headers_mut();
        let fields = [
            ("x-ratelimit-remaining", "999"),
            ("ratelimit", "\"operator\";r=999;t=1"),
        ];
        for (name, value) in fields {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

async fn chat(body: Bytes) -> Response {
    let Ok(asked) = serde_json::from_slice::<Value>(&body) else {
        return unreadable();
    };
    let cut = ["max_completion_tokens", "max_tokens"]
        .iter()
        .find_map(|name| asked.get(name)?.as_u64())
        .and_then(|limit| ANSWER.get(..usize::try_from(limit).ok()?))
        .filter(|words| words.len() < ANSWER.len());
    let (words, reason) = cut.map_or((&ANSWER[..], "stop"), |words| (words, "length"));
    let usage = usage(asked.get("messages"), words.len());
    let model = asked.get("model").cloned();
    let model = model.unwrap_or_else(|| json!("demo"));
    if asked.get("stream") == Some(&Value::Bool(true)) {
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
    let events = stream::iter(events.into_iter().map(Ok::<_, Infallible>));
    let kind = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (kind, Body::from_stream(events)).into_response()
}

async fn embeddings(body: Bytes) -> Response {
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

async fn models() -> Json<Value> {
    let model =
        json!({"id": "demo", "object": "model", "created": 1_700_000_000, "owned_by": "tollgate"});
    Json(json!({"object": "list", "data": [model]}))
}

/// What the upstream saw, bytes that are no text shown as U+FFFD.
async fn echo(request: Request) -> Json<Value> {
    let path = request.uri().path_and_query().map(ToString::to_string);
    Json(json!({
        "method": request.method().as_str(), "path": path, "headers": seen(request.headers()),
    }))
}

fn seen(headers: &HeaderMap) -> Map<String, Value> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value).into()))
        .collect()
}

/// Four bytes a token: near enough to what tokenizers make of English.
fn usage(prompt: Option<&Value>, output: usize) -> Value {
    let prompt = prompt.map_or(0, |prompt| prompt.to_string().len().div_ceil(4));
    json!({"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt.saturating_add(output)})
}

fn unreadable() -> Response {
    let error =
        json!({"message": "The body is not JSON.", "type": "invalid_request_error", "code": null});
    (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response()
}
