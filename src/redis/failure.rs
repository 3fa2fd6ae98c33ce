//! Why Redis did not answer, told apart by what an operator has to do.

use std::fmt;

/// A call that has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong.
    pub class: FailureClass,
    /// What the other side said, cut short.
    pub message: String,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// Nobody there, or gone before it answered.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// Redis has lost the script: to be sent again with its body.
    NoScript,
    /// The bridge does not know the filter.
    BridgeAuth,
    /// Redis does not know the bridge, or forbids it something.
    RedisAuth,
    /// Redis takes no writes for now.
    NotWritable,
    /// Redis Cluster without somebody to follow it, or keys in two places.
    Topology,
    /// The script refused a key or an argument.
    State,
    /// The bridge answered something else than Redis' words.
    Bridge,
    /// The answer makes no sense.
    Malformed,
    /// Somebody else's answer.
    Foreign,
}

/// The most characters of the other side's words that are kept.
const SHOWN: usize = 160;

// === impl Failure ===

impl Failure {
    /// A failure with the other side's words. What might break a log is cut off.
    pub fn new(class: FailureClass, message: &str) -> Self {
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        Self {
            class,
            message: message.chars().take(SHOWN).map(plain).collect(),
        }
    }

    /// An error of Redis', classed by its first word.
    pub(super) fn of_redis(message: &str) -> Self {
        let (code, rest) = message.split_once(' ').unwrap_or((message, ""));
        let class = match code {
            "NOSCRIPT" => FailureClass::NoScript,
            "NOAUTH" | "WRONGPASS" | "NOPERM" => FailureClass::RedisAuth,
            "READONLY" | "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "NOREPLICAS" | "MISCONF"
            | "TRYAGAIN" | "BUSY" | "OOM" => FailureClass::NotWritable,
            "MOVED" | "ASK" | "CROSSSLOT" => FailureClass::Topology,
            "BRIDGE" => FailureClass::Unreachable,
            // The words of serverless-redis-http, with status 400.
            "Missing/Invalid" if rest.starts_with("authorization") => FailureClass::BridgeAuth,
            "ERR" if rest.starts_with("The user executing the script") => FailureClass::RedisAuth,
            // What Redis says of a long command before anybody has logged in.
            "ERR" if rest.starts_with("Protocol error: unauthenticated") => FailureClass::RedisAuth,
            "ERR" if rest.starts_with("Script attempted to access a non local key") => {
                FailureClass::Topology
            }
            // A hosted account's own limits.
            "ERR" if rest.starts_with("max ") => FailureClass::Unreachable,
            _ => FailureClass::State,
        };
        Self::new(class, message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.message)
    }
}

// === impl FailureClass ===

impl FailureClass {
    /// Every class, in the order of [`FailureClass::index`].
    pub const ALL: [Self; 11] = [
        Self::Unreachable,
        Self::Timeout,
        Self::NoScript,
        Self::BridgeAuth,
        Self::RedisAuth,
        Self::NotWritable,
        Self::Topology,
        Self::State,
        Self::Bridge,
        Self::Malformed,
        Self::Foreign,
    ];

    /// A number for what is kept by class.
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "no answer in time",
            Self::NoScript => "script lost again",
            Self::BridgeAuth => "the bridge refuses the credentials",
            Self::RedisAuth => "Redis refuses the bridge",
            Self::NotWritable => "takes no writes for now",
            Self::Topology => "keys are in another place",
            Self::State => "the script refused",
            Self::Bridge => "the bridge failed",
            Self::Malformed => "unreadable answer",
            Self::Foreign => "an answer to somebody else",
        })
    }
}
