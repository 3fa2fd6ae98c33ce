//! Budgets in a model's tokens on a real Envoy: what is reserved, what the upstream sees
//! meanwhile, and what is settled, to the token, however a request ends.

mod asked;
mod burst;
mod early;
mod held;
mod hostile;
mod models;
mod providers;
mod refused;
mod reload;
#[path = "../../filter/tokens/said.rs"]
mod said;
mod sdk;
mod streams;
mod unreached;

use crate::harness::{
    bridge_edit, eventually, Bridge, BridgeOptions, Client, Envoy, EnvoyOptions, Exchange, Redis,
    Scripted, PATIENT,
};
use said::{asking, input, usage};
use std::time::Duration;

/// Envoy with the filter before an upstream that the test plays.
struct Play {
    envoy: Envoy,
    upstream: Scripted,
}

/// The same, counting in a Redis of its own.
struct Clustered {
    play: Play,
    redis: Redis,
    _bridge: Bridge,
    config: String,
    options: Box<dyn Fn() -> EnvoyOptions>,
}

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A budget that gives a token back in half an hour.
const TPM: &str = r#""tpm": {"rate": "2/h", "burst": 100000, "unit": "tokens"}"#;
const BUDGET: u64 = 100_000;

const CHAT: &str = "/v1/chat/completions";
const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";

/// How Envoy treats a filter that pauses at the headers: with the flag it hands it the
/// body nevertheless.
const BOTH: [bool; 2] = [false, true];

/// Clients by `x-api-key`, who may ask what is left, with these limits and whatever else.
fn config(limits: &str, more: &str) -> String {
    format!(
        r#"{{"client_from": [{{"header": "x-api-key"}}], "status": {{"path": "/status"}},
  "limits": {{{limits}}}{more}}}"#
    )
}

/// The shipped file for one buffer size and one setting of the flag.
fn edits(flag: bool) -> Vec<(String, String)> {
    let mut edits = vec![(
        "    filter_chains:\n".to_owned(),
        "    per_connection_buffer_limit_bytes: 65536\n    filter_chains:\n".to_owned(),
    )];
    if flag {
        edits.push((
            "failure_policy: FAIL_RELOAD\n".to_owned(),
            "failure_policy: FAIL_RELOAD\n                allow_on_headers_stop_iteration: true\n"
                .to_owned(),
        ));
    }
    edits
}

impl Play {
    fn start(limits: &str, more: &str, flag: bool) -> Self {
        Self::with(limits, more, edits(flag))
    }

    fn with(limits: &str, more: &str, edits: Vec<(String, String)>) -> Self {
        let upstream = Scripted::start();
        let envoy = Envoy::start(EnvoyOptions {
            config: Some(config(limits, more)),
            upstream: upstream.port(),
            edits,
            ..EnvoyOptions::default()
        });
        Self { envoy, upstream }
    }

    fn send(&self, request: &[u8]) -> Exchange {
        Exchange::begin(self.envoy.address(), request).expect("a connection")
    }

    /// Waits until a client has spent exactly so much, which it may have to be told first.
    #[track_caller]
    fn spent(&self, key: &str, tokens: u64) {
        spent(&self.envoy, key, tokens);
    }

    fn counted(&self, name: &str) -> u64 {
        self.envoy.counter(name)
    }
}

impl Clustered {
    fn start(limits: &str, more: &str, flag: bool) -> Self {
        Self::with(limits, more, flag, None)
    }

    /// With a listener that can be replaced, whose streams may go on for so many seconds.
    fn replaceable(limits: &str, drain: u32) -> Self {
        Self::with(limits, "", false, Some(drain))
    }

    fn with(limits: &str, more: &str, flag: bool, drain: Option<u32>) -> Self {
        let redis = Redis::start();
        let bridge = Bridge::with(&BridgeOptions {
            timeout_ms: Some(9_000),
            ..BridgeOptions::to(redis.port())
        });
        let mut edits = edits(flag);
        edits.push(bridge_edit(bridge.address()));
        let token = bridge.token();
        let more = format!(
            r#", "redis": {{"upstream": "tollgate_redis", "bridge": "upstash", "token": "{token}", {PATIENT}}}{more}"#
        );
        let upstream = Scripted::start();
        let config = config(limits, &more);
        let (json, port) = (config.clone(), upstream.port());
        let options = move || EnvoyOptions {
            config: Some(json.clone()),
            upstream: port,
            edits: edits.clone(),
            lds: drain.is_some(),
            drain: drain.unwrap_or(1),
            ..EnvoyOptions::default()
        };
        let envoy = Envoy::start(options());
        Self {
            play: Play { envoy, upstream },
            redis,
            _bridge: bridge,
            config,
            options: Box::new(options),
        }
    }

    /// One more Envoy before the same upstream.
    fn another(&self) -> Envoy {
        Envoy::start((self.options)())
    }
}

fn left(envoy: &Envoy, key: &str, limit: &str) -> u64 {
    let client = Client::new(envoy.address());
    let status = client.get("/status", &[("x-api-key", key)]).json();
    let limits = status["limits"].as_array().expect("limits").iter();
    let mut found = limits.filter(|item| item["name"] == *limit);
    let remaining = &found.next().expect("the limit")["remaining"];
    remaining.as_u64().unwrap_or_else(|| panic!("{status}"))
}

#[track_caller]
fn spent(envoy: &Envoy, key: &str, tokens: u64) {
    let mut seen = 0;
    let reached = eventually(PATIENCE, || {
        seen = BUDGET - left(envoy, key, "tpm");
        (seen == tokens).then_some(())
    });
    let log = envoy.log();
    assert!(reached.is_some(), "{seen} spent, not {tokens}\n{log}");
}

/// A POST without its body.
fn head(path: &str, key: &str, lines: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n{lines}\r\n").into_bytes()
}

/// A POST of JSON, whole.
fn post(path: &str, key: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let lines = format!("content-type: application/json\r\ncontent-length: {length}\r\n");
    let mut request = head(path, key, &lines);
    request.extend(body);
    request
}

/// An event of a stream with a piece of text.
fn delta(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}
