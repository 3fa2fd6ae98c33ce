//! The harness without the filter under test, so that its faults are told from the filter's.

use crate::harness::{raw, wrk, Client, Envoy, EnvoyOptions, Filter, Load, ModelApi};
use serde_json::{json, Value};
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn a_filter_that_does_nothing_lets_everything_through() {
    let api = ModelApi::start();
    let envoy = Envoy::start(EnvoyOptions {
        filter: Filter::Noop,
        upstream: api.port(),
        ..EnvoyOptions::default()
    });
    let client = Client::new(envoy.address());
    assert_eq!(client.chat("alice").json()["usage"]["completion_tokens"], 9);
    let answer = raw(
        envoy.address(),
        b"GET /a//b/../%63 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    );
    let answer = answer.expect("HTTP");
    assert_eq!(
        answer.json()["path"],
        "/a/c",
        "Envoy's normalisation is on as shipped"
    );
    envoy.assert_vm_lives();
    assert!(envoy.memory() > 10 << 20);
    assert_eq!(envoy.access_log(2).lines().count(), 2);
    let load = Load {
        connections: 4,
        threads: 1,
        limit: Duration::from_secs(1),
        script: "",
        path: "/healthz",
    };
    assert!(wrk(envoy.address(), &load).contains("Requests/sec"));
    assert_eq!(envoy.stat("listener_manager.listener_create_failure"), 0);

    let (address, pid) = (envoy.address(), envoy.pid());
    drop(envoy);
    assert!(TcpStream::connect(address).is_err(), "Envoy still listens");
    assert!(
        !std::path::Path::new(&format!("/proc/{pid}")).exists(),
        "Envoy still runs"
    );
}

#[test]
fn the_demo_api_answers_in_anthropics_shapes_too() {
    let api = ModelApi::start();
    let client = Client::new(([127, 0, 0, 1], api.port()).into());
    let ask = |more: &str| {
        let body = r#"{"system":"Be brief.","messages":[{"role":"user","content":"Hi"}]"#;
        client.post("/v1/messages", &[], &format!("{body}{more}}}"))
    };
    let whole = ask("").json();
    assert_eq!(whole["type"], "message");
    assert_eq!(
        whole["content"][0]["text"],
        "A tollgate lets each client pass in turn."
    );
    assert_eq!(whole["stop_reason"], "end_turn");
    // {"content":"Hi","role":"user"} in brackets and "Be brief.", at four bytes a token.
    let usage = json!({"input_tokens": 8 + 3, "output_tokens": 9});
    assert_eq!(whole["usage"], usage);
    let cut = ask(r#","max_tokens":2"#).json();
    assert_eq!(cut["stop_reason"], "max_tokens");
    assert_eq!(cut["usage"]["output_tokens"], 2);

    let stream = ask(r#","max_tokens":2,"stream":true"#);
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    let text = stream.text();
    let events: Vec<(&str, Value)> = text
        .split_terminator("\n\n")
        .map(|event| {
            let (name, data) = event.split_once("\ndata: ").expect("an event");
            let data = serde_json::from_str(data).expect("JSON");
            (name.strip_prefix("event: ").expect("a name"), data)
        })
        .collect();
    let names: Vec<_> = events.iter().map(|(name, _)| *name).collect();
    let expected =
        "message_start content_block_start ping content_block_delta content_block_delta \
                    content_block_stop message_delta message_stop";
    assert_eq!(names.join(" "), expected);
    assert!(events.iter().all(|(name, data)| data["type"] == *name));
    assert_eq!(events[0].1["message"]["usage"]["input_tokens"], 11);
    assert_eq!(events[4].1["delta"]["text"], " toll");
    assert_eq!(events[6].1["usage"]["output_tokens"], 2);

    let refused = client.post("/v1/messages", &[], "nonsense");
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["type"], "error");
}

#[test]
fn a_listener_from_a_file_can_be_replaced() {
    let api = ModelApi::start();
    let mut envoy = Envoy::start(EnvoyOptions {
        filter: Filter::Noop,
        upstream: api.port(),
        lds: true,
        ..EnvoyOptions::default()
    });
    assert!(envoy.update("{}"));
    assert_eq!(
        Client::new(envoy.address()).get("/healthz", &[]).status,
        200
    );
}

#[test]
fn no_filter_at_all_for_comparison() {
    let envoy = Envoy::start(EnvoyOptions {
        filter: Filter::None,
        concurrency: 1,
        edits: vec![crate::harness::direct_response()],
        ..EnvoyOptions::default()
    });
    assert_eq!(Client::new(envoy.address()).get("/", &[]).text(), "ok");
}
