//! grpc-inference.yaml: limits by method, in gRPC's own words.

use super::{start, try_it};
use crate::harness::{eventually, ModelApi};
use axum::body::Bytes;
use h2::client::{handshake, ResponseFuture, SendRequest};
use h2::SendStream;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use ureq::http::{HeaderMap, Request};

const FILE: &str = "envoy/examples/grpc-inference.yaml";
/// A message without a field, as gRPC frames it.
const EMPTY: Bytes = Bytes::from_static(b"\0\0\0\0\0");

/// A client of gRPC's wire format (grpc.github.io/grpc/core/md_doc__p_r_o_t_o_c_o_l-_h_t_t_p2.html).
struct Grpc {
    runtime: Runtime,
    connection: SendRequest<Bytes>,
}

/// What came back.
struct Reply {
    headers: HeaderMap,
    message: Vec<u8>,
    /// None where headers and trailers are one.
    trailers: Option<HeaderMap>,
}

/// A call that has begun.
struct Call {
    response: ResponseFuture,
    request: SendStream<Bytes>,
}

impl Grpc {
    fn connect(address: SocketAddr) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let connection = runtime.block_on(async {
            let stream = TcpStream::connect(address).await.expect("a connection");
            let (client, connection) = handshake(stream).await.expect("HTTP/2");
            tokio::spawn(connection);
            client
        });
        Self {
            runtime,
            connection,
        }
    }

    fn wait<T>(&self, what: impl Future<Output = Result<T, h2::Error>>) -> T {
        let patience = Duration::from_secs(20);
        let done = self
            .runtime
            .block_on(async { tokio::time::timeout(patience, what).await });
        done.expect("an answer").expect("no reset")
    }

    fn begin(&self, method: &str, key: &str) -> Call {
        let request = Request::post(format!(
            "http://models/inference.GRPCInferenceService/{method}"
        ))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("x-api-key", key);
        let request = request.body(()).expect("a request");
        let mut connection = self.wait(self.connection.clone().ready());
        let (response, request) = connection.send_request(request, false).expect("a stream");
        Call { response, request }
    }

    fn end(&self, mut call: Call) -> Reply {
        // One that is refused at once has no use for the rest.
        let _ = call.request.send_data(EMPTY, true);
        self.wait(async {
            let response = call.response.await?;
            let (head, mut body) = response.into_parts();
            assert_eq!(head.status, 200, "of gRPC, always");
            let mut message = Vec::new();
            while let Some(piece) = body.data().await {
                message.extend(piece?);
            }
            let trailers = body.trailers().await?;
            Ok(Reply {
                headers: head.headers,
                message,
                trailers,
            })
        })
    }

    fn call(&self, method: &str, key: &str) -> Reply {
        self.end(self.begin(method, key))
    }
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("text"))
    }

    /// The status of gRPC, and whether it came in the headers already.
    fn status(&self) -> (&str, bool) {
        match &self.trailers {
            Some(trailers) => (trailers["grpc-status"].to_str().expect("text"), false),
            None => (self.header("grpc-status").expect("a status"), true),
        }
    }

    #[track_caller]
    fn assert_passed(&self, message: &[u8]) {
        assert_eq!(self.status(), ("0", false), "{:?}", self.headers);
        assert_eq!(self.message, message);
    }

    #[track_caller]
    fn assert_refused(&self, limit: &str) {
        assert_eq!(self.status(), ("8", true), "RESOURCE_EXHAUSTED, at once");
        assert!(self.message.is_empty());
        assert_eq!(self.header("content-type"), Some("application/grpc"));
        let told = self.header("ratelimit").expect("which limit");
        assert!(told.starts_with(&format!("\"{limit}\";r=0")), "{told}");
    }
}

const INFERRED: &[u8] = b"\0\0\0\0\x06\x0a\x04demo";
const STREAMED: &[u8] = b"\0\0\0\0\x08\x12\x06\x0a\x04demo";

#[test]
fn each_method_has_its_limits_and_a_refusal_is_resource_exhausted() {
    let api = ModelApi::start();
    let envoy = start(FILE, api.port());
    let tried = try_it(FILE, &envoy);
    assert!(tried.starts_with("HTTP/2 200"), "{tried}");
    assert!(tried.contains(r#"ratelimit: "infer";r=4;t=2"#), "{tried}");
    assert!(tried.trim_end().ends_with("grpc-status: 0"), "{tried}");

    let grpc = Grpc::connect(envoy.address());
    let mut passed = 0;
    let refused = loop {
        let reply = grpc.call("ModelInfer", "bob");
        if reply.status().0 != "0" {
            break reply;
        }
        reply.assert_passed(INFERRED);
        passed += 1;
    };
    assert!(passed >= 5, "{passed}");
    refused.assert_refused("infer");
    let message = refused.header("grpc-message").expect("a sentence");
    assert!(message.starts_with("Client exceeded sending requests. Please try again after "));
    assert!(matches!(refused.header("retry-after"), Some("1" | "2")));

    // The other methods have their own limits, or none.
    let metadata = grpc.call("ModelMetadata", "bob");
    metadata.assert_passed(INFERRED);
    let policy = Some(r#""metadata";q=20;w=20"#);
    assert_eq!(metadata.header("ratelimit-policy"), policy);
    for _ in 0..30 {
        let live = grpc.call("ServerLive", "bob");
        live.assert_passed(b"\0\0\0\0\x02\x08\x01");
        assert_eq!(live.header("ratelimit-policy"), None);
    }

    // Two streams, as long as they are open.
    let open = [(); 2].map(|()| grpc.begin("ModelStreamInfer", "carol"));
    let active = || envoy.stat("cluster.inference.upstream_rq_active");
    let both = eventually(Duration::from_secs(20), || (active() == 2).then_some(()));
    assert!(both.is_some(), "{} streams", active());
    grpc.call("ModelStreamInfer", "carol")
        .assert_refused("streams");
    for call in open {
        grpc.end(call).assert_passed(STREAMED);
    }
    let freed = eventually(Duration::from_secs(20), || {
        let reply = grpc.call("ModelStreamInfer", "carol");
        (reply.status().0 == "0").then_some(())
    });
    assert!(freed.is_some());

    let log = envoy.access_log(40);
    let line = "/ModelInfer 200 details=tollgate_infer tollgate=denied:infer ";
    assert!(log.contains(line), "{log}");
    envoy.assert_vm_lives();
}
