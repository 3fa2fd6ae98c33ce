//! A bridge that answers what a test wants, for what no real one says.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::Router;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub struct FakeBridge {
    address: SocketAddr,
    // Dropped, it ends its tasks.
    _runtime: Runtime,
}

impl FakeBridge {
    /// Answers each call, given as the words of its command.
    pub fn start(answer: impl Fn(&[Value]) -> (u16, Vec<u8>) + Send + Sync + 'static) -> Self {
        let answer = Arc::new(answer);
        let handler = move |body: Bytes| {
            let answer = answer.clone();
            async move {
                let words: Vec<Value> = serde_json::from_slice(&body).expect("a command");
                let (status, body) = answer(&words);
                (StatusCode::from_u16(status).expect("a status"), body)
            }
        };
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = Router::new().fallback(handler);
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self {
            address,
            _runtime: runtime,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// The script's answer that all is well, to a call about one key.
pub fn allowed(words: &[Value], remaining: u32) -> Vec<Value> {
    // After the verb, the script, the count of keys and one key.
    let nonce: u64 = words[4]
        .as_str()
        .expect("a text")
        .parse()
        .expect("a number");
    let numbers = [
        1,
        nonce,
        1_800_000_000_000,
        1,
        1,
        1,
        u64::from(remaining),
        0,
        1_000,
        0,
        0,
    ];
    numbers.map(Value::from).to_vec()
}
