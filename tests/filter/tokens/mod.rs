//! Limits in a model's tokens: reserved, raised, settled.

mod bodies;
mod cluster;
mod ends;
mod leases;
mod model;
mod parts;
mod reserve;
mod said;
mod usage;
mod worked_example;

use crate::host::{Answer, Exchange, Gateway, Request};
use said::{asking, input, usage};

/// A budget that does not refill to speak of.
const SLOW: &str = r#""rate": "1/m", "burst": 10000, "unit": "tokens""#;

fn gateway(rest: &str) -> Gateway {
    let json = format!(r#"{{"client_from": [{{"header": "x-api-key"}}], {rest}}}"#);
    Gateway::start(&json).unwrap_or_else(|logs| panic!("{logs:#?}"))
}

/// One limit in tokens, with a place to ask what is left.
fn tpm(limit: &str) -> Gateway {
    gateway(&format!(
        r#""limits": {{"tpm": {{{limit}}}}}, "status": {{"path": "/status"}}"#
    ))
}

/// What a client has left of a limit.
#[track_caller]
fn left(gateway: &Gateway, limit: &str) -> u64 {
    let answer = gateway.send(&Request::of("alice").with(":path", "/status"));
    let status: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let limits = status["limits"].as_array().unwrap();
    let found = limits.iter().find(|item| item["name"] == *limit).unwrap();
    found["remaining"].as_u64().unwrap()
}

/// A chat whose body has come to its end.
fn chat(gateway: &Gateway, body: &str) -> Exchange {
    let mut exchange = gateway.exchange(&Request::chat("alice").sized(body));
    exchange.send(body, true);
    exchange
}

fn answered(mut exchange: Exchange, response: &str) -> Answer {
    exchange.respond(200, &[("content-type", "application/json")]);
    exchange.receive(response, true);
    exchange.end()
}
