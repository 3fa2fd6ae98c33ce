//! Calls that the filter makes through Envoy, and what comes back.

use std::cell::RefCell;
use std::rc::Rc;

use percent_encoding::percent_decode_str;

use super::state::{turn_to, Host};
use super::{vm, Answer};

/// Why Envoy makes no call: it says so at once, and calls nothing back.
#[derive(Clone, Copy)]
pub enum Refused {
    /// `BadArgument`.
    NoCluster,
    /// `InternalFailure`, also where the cluster's circuit breaker is full.
    NoEndpoint,
}

/// A call that is under way.
#[derive(Debug, Clone)]
pub struct Call {
    pub(super) token: u32,
    pub(super) root: u32,
    pub(super) context: u32,
    pub upstream: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// ms.
    pub timeout: u64,
}

/// What answers a call.
#[derive(Debug, Clone)]
pub struct Response {
    /// None where the answer was cut off.
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

/// How far a request has come.
pub enum Step {
    /// The client has its answer.
    Done(Answer),
    /// It is held, and a call is under way for it.
    Asks(Pending),
}

/// A request that is held.
pub struct Pending {
    pub(super) host: Rc<RefCell<Host>>,
    pub(super) stream: u32,
    pub(super) call: Call,
}

// === impl Call ===

impl Call {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The Redis command.
    pub fn words(&self) -> Vec<String> {
        if self.body.starts_with('[') {
            return serde_json::from_str(&self.body).expect("a list of words");
        }
        let decoded = |word| percent_decode_str(word).decode_utf8().unwrap();
        self.body
            .split('/')
            .map(|word| decoded(word).into_owned())
            .collect()
    }

    pub fn keys(&self) -> Vec<String> {
        let words = self.words();
        let count: usize = words[2].parse().unwrap();
        words[3..3 + count].to_vec()
    }

    /// The script's arguments: a nonce, the length of a lease, ten for each key.
    pub fn arguments(&self) -> Vec<String> {
        self.words().split_off(3 + self.keys().len())
    }

    pub fn nonce(&self) -> u64 {
        self.arguments()[0].parse().unwrap()
    }
}

// === impl Response ===

impl Response {
    pub fn new(status: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            headers: vec![(":status".into(), status.into())],
            body: body.into(),
        }
    }

    /// The upstream was gone in the middle of its answer.
    pub fn cut_off() -> Self {
        Self {
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// What Envoy says of an upstream that does not answer in time.
    pub fn timeout() -> Self {
        Self::new("504", "upstream request timeout")
    }

    /// An error of Redis' through the bridge that speaks Upstash's protocol.
    pub fn error(error: &str) -> Self {
        Self::new("400", serde_json::json!({ "error": error }).to_string())
    }

    /// The script's numbers through the same.
    pub fn numbers(numbers: &[i64]) -> Self {
        Self::new("200", serde_json::json!({ "result": numbers }).to_string())
    }
}

// === impl Step ===

impl Step {
    /// The answer of a request that no call was to be made for.
    #[track_caller]
    pub fn done(self) -> Answer {
        match self {
            Self::Done(answer) => answer,
            Self::Asks(pending) => panic!("waits for {:?}", pending.call),
        }
    }

    #[track_caller]
    pub fn asks(self) -> Pending {
        match self {
            Self::Asks(pending) => pending,
            Self::Done(answer) => panic!("made no call: {answer:?}"),
        }
    }
}

// === impl Pending ===

impl Pending {
    /// What was asked.
    pub fn call(&self) -> &Call {
        &self.call
    }

    pub fn answer(self, response: Response) -> Step {
        turn_to(&self.host);
        vm::deliver(&self.call, response);
        vm::go_on(self.stream)
    }

    /// The client goes. The call is still under way.
    pub fn hang_up(self) -> Call {
        turn_to(&self.host);
        vm::end(self.stream);
        self.call
    }
}
