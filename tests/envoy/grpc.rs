//! What a gRPC client gets for a request that does not pass: one frame of headers that is
//! the end, and in it a status of its own kind.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, Request};
use tokio::net::TcpStream;

use crate::harness::{direct_response, promptly, Envoy, EnvoyOptions};

/// An answer over HTTP/2.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    /// Whether nothing follows the headers: what gRPC calls trailers-only.
    is_all: bool,
}

// === impl Answer ===

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// One call with these headers, on a connection of its own.
fn call(address: SocketAddr, headers: &[(&str, &str)]) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let answer = async {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let (client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        tokio::spawn(connection);
        let mut client = client.ready().await.expect("a stream");
        let mut request = Request::post(format!("http://{address}/inference.Model/Predict"))
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).expect("a request");
        let (response, mut body) = client.send_request(request, false).expect("sent");
        // An empty message. Who is refused at the headers may not want it any more.
        let _ = body.send_data(Bytes::from_static(&[0; 5]), true);
        let response = response.await.expect("an answer");
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            is_all: response.body().is_end_stream(),
        }
    };
    runtime
        .block_on(async { tokio::time::timeout(Duration::from_secs(20), answer).await })
        .expect("an answer in time")
}

fn start(config: &str) -> Envoy {
    Envoy::start(EnvoyOptions {
        config: Some(config.to_owned()),
        concurrency: 1,
        edits: vec![direct_response()],
        ..EnvoyOptions::default()
    })
}

const GRPC: (&str, &str) = ("content-type", "application/grpc");

#[track_caller]
fn assert_refused(answer: &Answer, status: &str, message: &str) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.is_all, "{answer:?}");
    for (name, value) in [
        ("content-type", "application/grpc"),
        ("grpc-status", status),
        ("grpc-message", message),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name} of {answer:?}");
    }
}

#[test]
fn a_denial_is_resource_exhausted_whatever_http_is_told() {
    let message = "Client exceeded sending requests. Please try again after 86400 seconds.";
    for feedback in ["{}", r#"{"status": 529, "body": "openai"}"#] {
        let envoy = start(&format!(
            r#"{{
              "client_from": [{{"header": "x-api-key"}}],
              "limits": {{"rpd": {{"rate": "1/d"}}}},
              "feedback": {feedback}
            }}"#
        ));
        let (allowed, denied, web) = promptly(|key| {
            let key = ("x-api-key", key);
            let [allowed, denied] = [(); 2].map(|()| call(envoy.address(), &[GRPC, key]));
            let web = ("content-type", "application/grpc-web+proto");
            (allowed, denied, call(envoy.address(), &[web, key]))
        });
        assert_eq!(allowed.header("ratelimit"), Some(r#""rpd";r=0;t=86400"#));
        assert_refused(&denied, "8", message);
        for (name, value) in [
            ("retry-after", "86400"),
            ("x-should-retry", "false"),
            ("x-envoy-ratelimited", "true"),
            ("ratelimit", r#""rpd";r=0;t=86400"#),
        ] {
            assert_eq!(denied.header(name), Some(value), "{name}");
        }
        // The same client, of a kind that Envoy does not answer in gRPC.
        let expected = if feedback == "{}" { 429 } else { 529 };
        assert_eq!((web.status, web.is_all), (expected, false), "{web:?}");
        assert_eq!(web.header("grpc-status"), None);
        let log = envoy.access_log(3);
        assert!(
            log.contains("200 details=tollgate_rpd tollgate=denied:rpd"),
            "{log}"
        );
        envoy.assert_vm_lives();
    }
}

#[test]
fn other_refusals_have_their_own_statuses() {
    let envoy = start(
        r#"{
          "client_from": [{"header": "x-api-key"}],
          "missing": "deny",
          "limits": {"rpd": {"rate": "1/d", "scope": "cluster"}},
          "redis": {"upstream": "model_api", "bridge": "upstash", "on_failure": "deny"}
        }"#,
    );
    let missing = call(envoy.address(), &[GRPC]);
    let message = "The request names no client, or none that is known here.";
    assert_refused(&missing, "16", message);
    assert!(missing.header("www-authenticate").is_some());
    let twice = [GRPC, ("x-api-key", "a"), ("x-api-key", "b")];
    let message = "The request names two different clients in one place.";
    assert_refused(&call(envoy.address(), &twice), "3", message);
    // Nothing listens where the bridge should.
    let unavailable = call(envoy.address(), &[GRPC, ("x-api-key", "a")]);
    let message = "Requests cannot be counted for the moment. Please try again after 1 second.";
    assert_refused(&unavailable, "14", message);
    envoy.assert_vm_lives();
}
