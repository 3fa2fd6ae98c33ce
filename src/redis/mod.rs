//! Limits that all gateways share: what is said to Redis, through an HTTP
//! bridge, and what its answers mean.
//!
//! Pure: calls and replies are values, and every reply is bytes of unknown
//! origin. `host` sends and receives them.

mod breaker;
mod bridge;
mod call;
mod complaints;
mod failure;
mod lease;
mod name;
mod reply;
mod script;
mod upstash;
mod webdis;

pub use crate::limit::LEASE_LENGTH_MS;
pub use breaker::{Breaker, BreakerSettings};
pub use bridge::{Bridge, Verb, MAX_BODY};
pub use call::{Ask, Call, LeaseTerms, Operation, MAX_KEYS};
pub use complaints::Complaints;
pub use failure::{Failure, FailureClass};
pub use lease::{least_to_lend, Consulted, LeaseBook, Told};
pub use name::{limit_key, Names};
pub use reply::{KeyReply, Reply};
pub use script::Script;

use std::num::NonZeroU64;

use crate::secret::Secret;

/// How Redis is reached, and what is to happen where it is not.
#[derive(Debug)]
pub struct Settings {
    /// The Envoy cluster of the bridge.
    pub upstream: Box<str>,
    /// What the bridge speaks.
    pub bridge: Bridge,
    /// The `:authority` of every call.
    pub authority: Box<str>,
    /// The `:path` of every call.
    pub path: Box<str>,
    /// Who the filter is to the bridge.
    pub credentials: Option<Credentials>,
    /// How long a request may wait for Redis, ns.
    pub timeout: NonZeroU64,
    /// What decides where Redis does not.
    pub on_failure: FailurePolicy,
    /// When Redis is left alone for a while.
    pub breaker: BreakerSettings,
}

/// Who the filter is to the bridge.
#[derive(Debug)]
pub enum Credentials {
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// `Authorization: Basic …`.
    Basic {
        /// The user's name.
        user: Box<str>,
        /// Its password.
        password: Secret,
    },
}

/// What decides on a request where Redis does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailurePolicy {
    /// This gateway by itself, with its share of each limit.
    Local,
    /// Nothing: the request passes.
    Allow,
    /// Nothing: the request is refused with 503.
    Deny,
}
