//! The two languages that bridges speak.

use super::{upstash, webdis, Call, Failure, FailureClass, Reply, Script};

/// What a bridge speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bridge {
    /// Upstash's REST protocol: the hosted service, or the bridge in `envoy/`.
    Upstash,
    /// Webdis, 0.1.20 or later.
    Webdis,
}

/// How the script is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// By its SHA-1, which is all that Redis needs if it has it.
    EvalSha,
    /// By its whole text.
    Eval,
}

/// The longest answer that is read. One of the script's, with the most limits
/// that a route may have, is a tenth of it.
pub const MAX_BODY: usize = 65_536;

// === impl Verb ===

impl Verb {
    /// Redis' command.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EvalSha => "EVALSHA",
            Self::Eval => "EVAL",
        }
    }
}

// === impl Bridge ===

impl Bridge {
    /// The type of a call's body.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Upstash => "application/json",
            Self::Webdis => "application/x-www-form-urlencoded",
        }
    }

    /// The body of a call.
    pub fn encode(self, verb: Verb, script: &Script, call: &Call) -> Vec<u8> {
        let named = match verb {
            Verb::EvalSha => script.sha(),
            Verb::Eval => script.body(),
        };
        let keys = call.keys();
        let head = [
            verb.as_str().to_owned(),
            named.to_owned(),
            keys.len().to_string(),
        ];
        let words = head
            .into_iter()
            .chain(keys.map(str::to_owned))
            .chain(call.arguments());
        match self {
            Self::Upstash => upstash::encode(words),
            Self::Webdis => webdis::encode(words),
        }
    }

    /// Reads an answer: its HTTP status, `None` where it was cut off, and body.
    ///
    /// # Errors
    /// [`Failure`], for anything but the script's answer to this very call.
    pub fn decode(
        self,
        verb: Verb,
        call: &Call,
        status: Option<u16>,
        body: &[u8],
    ) -> Result<Reply, Failure> {
        let Some(status) = status else {
            return Err(Failure::new(FailureClass::Unreachable, "cut off"));
        };
        if body.len() > MAX_BODY {
            return Err(Failure::new(FailureClass::Malformed, "too long"));
        }
        let numbers = match self {
            Self::Upstash => upstash::decode(status, body),
            Self::Webdis => webdis::decode(status, body, verb),
        }?;
        Reply::read(&numbers, call)
    }
}

/// A status that says all that there is to say, with what came along.
pub(super) fn failed_status(status: u16, body: &[u8]) -> Failure {
    let class = match status {
        401 | 403 => FailureClass::BridgeAuth,
        500 | 502 | 503 => FailureClass::Unreachable,
        504 => FailureClass::Timeout,
        _ => FailureClass::Bridge,
    };
    let body = String::from_utf8_lossy(body);
    Failure::new(class, &format!("status {status}, {body}"))
}

/// A list of whole numbers, and nothing else.
pub(super) fn numbers(value: &serde_json::Value) -> Result<Vec<i64>, Failure> {
    let numbers = value
        .as_array()
        .and_then(|items| items.iter().map(serde_json::Value::as_i64).collect());
    numbers.ok_or_else(|| Failure::new(FailureClass::Malformed, "not a list of whole numbers"))
}
