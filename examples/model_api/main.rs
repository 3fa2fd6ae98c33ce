//! The demo model API: an upstream that looks like OpenAI's, Anthropic's and Triton's and
//! answers at once.
//!
//! `make run`, the tests and the benchmark put Envoy before it. It is Rust and one write
//! per answer, because a stand-in that writes headers and body apart waits 40 ms for a
//! delayed ACK, and every figure taken through it would be that wait.
//!
//! Any path it does not know is answered with the method, path and headers that arrived,
//! so that a test can see what a proxy before it has changed.

mod anthropic;
mod kserve;
mod openai;
mod responses;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{header, HeaderMap, HeaderValue};
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
use std::net::IpAddr;
use std::time::Duration;

const ANSWER: [&str; 9] = [
    "A", " toll", "gate", " lets", " each", " client", " pass", " in", " turn.",
];

#[derive(Parser)]
#[command(about = "A demo model API, in the shapes of OpenAI's, Anthropic's and Triton's")]
struct Args {
    /// Address to listen on. A demo has no reason to answer other machines; in a container
    /// it must.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port; 0 takes a free one.
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// Wait this long before each answer.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let listener = tokio::net::TcpListener::bind((args.host, args.port)).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on {}", listener.local_addr()?)?;
    stdout.flush()?;

    let app = Router::new()
        .route("/v1/chat/completions", post(openai::chat))
        .route("/v1/responses", post(responses::create))
        .route("/v1/embeddings", post(openai::embeddings))
        .route("/v1/models", get(openai::models))
        .route("/v1/messages", post(anthropic::messages))
        .route(
            "/inference.GRPCInferenceService/{method}",
            post(kserve::call),
        )
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

/// The words of the answer, fewer where one of these fields of the request asks for fewer,
/// and whether it did.
fn answer(asked: &Value, limits: &[&str]) -> (&'static [&'static str], bool) {
    let cut = limits
        .iter()
        .find_map(|name| asked.get(name)?.as_u64())
        .and_then(|limit| ANSWER.get(..usize::try_from(limit).ok()?))
        .filter(|words| words.len() < ANSWER.len());
    cut.map_or((&ANSWER[..], false), |words| (words, true))
}

/// Four bytes a token: near enough to what tokenizers make of English.
fn tokens(prompt: Option<&Value>) -> usize {
    prompt.map_or(0, |prompt| prompt.to_string().len().div_ceil(4))
}

/// The model that was asked for.
fn model(asked: &Value) -> Value {
    asked.get("model").cloned().unwrap_or_else(|| json!("demo"))
}

fn streamed(asked: &Value) -> bool {
    asked.get("stream") == Some(&Value::Bool(true))
}

/// Server-sent events, one write each.
fn events(events: Vec<String>) -> Response {
    let events = stream::iter(events.into_iter().map(Ok::<_, Infallible>));
    let kind = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (kind, Body::from_stream(events)).into_response()
}

/// The same, each under the name that it has as its `type`.
fn typed_events(parts: &[Value]) -> Response {
    let event = |data: &Value| {
        let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
        format!("event: {name}\ndata: {data}\n\n")
    };
    events(parts.iter().map(event).collect())
}
