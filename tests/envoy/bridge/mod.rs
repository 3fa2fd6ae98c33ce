//! The bridge that is shipped, on a real Redis: what each answer is, and that nobody ever
//! gets another's.

mod failures;
mod official_client;
mod protocol;
mod settings;
mod sharing;

use crate::harness::{Answer, Bridge, BridgeOptions, Client, Redis};

/// A bridge that waits for Redis as long as a busy machine needs, for what is not about time.
fn patient(redis: &Redis) -> Bridge {
    Bridge::with(&BridgeOptions {
        timeout_ms: Some(10_000),
        ..BridgeOptions::to(redis.port())
    })
}

/// A client of a bridge with its token, as the filter is one.
struct Caller {
    client: Client,
    authorization: String,
}

impl Caller {
    fn of(bridge: &Bridge) -> Self {
        Self {
            client: Client::new(bridge.address()),
            authorization: format!("Bearer {}", bridge.token()),
        }
    }

    fn post(&self, path: &str, body: &str) -> Answer {
        self.with(path, &[], body)
    }

    fn with(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("authorization", &self.authorization));
        let answer = self.client.post(path, &headers, body);
        let length = answer.header("content-length").map(str::to_owned);
        assert_eq!(length, Some(answer.body.len().to_string()));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        answer
    }

    /// The status and the body of a command, as a JSON text.
    fn ask(&self, command: &str) -> (u16, String) {
        let answer = self.post("/", command);
        (answer.status, answer.text())
    }

    /// The answer to a script that yields `number`.
    fn echo(&self, number: u64) -> (u16, String) {
        self.ask(&format!(
            r#"["EVAL","return tonumber(ARGV[1])",0,"{number}"]"#
        ))
    }
}

fn result(json: &str) -> (u16, String) {
    (200, format!(r#"{{"result":{json}}}"#))
}

fn error(status: u16, message: &str) -> (u16, String) {
    (status, format!(r#"{{"error":"{message}"}}"#))
}

/// A charge: it writes.
const WRITE: &str =
    r#"["EVAL","return redis.call('SET', KEYS[1], 'x', 'PX', 60000)",1,"tollgate:k"]"#;
