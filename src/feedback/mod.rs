//! What a client is told: headers on what passes, a whole reply to what does
//! not.
//!
//! Numbers only turn into text here. Times are rounded up, so that a client
//! that waits as told is never early.

mod body;
mod dialect;
mod reason;
mod refusal;
mod reply;
mod reset;
mod status;

pub use body::Body;
pub use dialect::{policy, Dialect};
pub use refusal::Refusal;
pub use reply::{GrpcStatus, Protocol, Reply};
pub use status::{status, StatusItem};

use std::num::NonZeroU64;

use crate::limit::Standings;

/// Takes headers one by one: a name in lower case, and its value, or `None`
/// where the response is to have no header of that name.
pub trait Show: FnMut(&'static str, Option<&str>) {}

impl<F: FnMut(&'static str, Option<&str>)> Show for F {}

/// The operator's choice of what clients are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// The header dialects, none to send no headers.
    pub dialects: Vec<Dialect>,
    /// The body of a refusal.
    pub body: Body,
    /// The HTTP status of a denial.
    pub status: u32,
    /// The longest wait, ns, that a client's library may sit out by itself.
    pub long_wait: NonZeroU64,
}

// === impl Feedback ===

impl Feedback {
    /// The HTTP status of a denial where the operator has not chosen one.
    pub const STATUS: u32 = 429;

    /// The longest wait, ns, to be sat out where the operator has not chosen one.
    pub const LONG_WAIT: NonZeroU64 = match NonZeroU64::new(60_000_000_000) {
        Some(wait) => wait,
        None => NonZeroU64::MIN,
    };

    /// Shows the headers for where a client stands. `policy` is the
    /// `RateLimit-Policy` to go with it; `wall`, ns since 1970 UTC, is when it
    /// stood there, for [dialects that tell it](Self::tells_wall_time).
    pub fn show(
        &self,
        standings: &Standings,
        policy: &str,
        wall: Option<u64>,
        mut show: impl Show,
    ) {
        for dialect in &self.dialects {
            dialect.show(standings, policy, wall, &mut show);
        }
    }

    /// Shows that there is nothing to show.
    pub fn show_nothing(&self, mut show: impl Show) {
        let names = self.dialects.iter().flat_map(|dialect| dialect.names());
        names.for_each(|name| show(name, None));
    }

    /// Whether a time of the calendar is told, which costs a reading of the
    /// wall clock.
    pub fn tells_wall_time(&self) -> bool {
        self.dialects.contains(&Dialect::Anthropic)
    }

    /// Whether the upstream may have sent headers of the operator's dialects
    /// that are never shown, nor known by name: only its response says which.
    pub fn has_families(&self) -> bool {
        self.dialects.iter().any(|dialect| dialect.is_family())
    }

    /// Whether a header of this name, in lower case, may be such a one: it is to
    /// be removed before anything is shown.
    pub fn is_foreign(&self, name: &[u8]) -> bool {
        self.dialects.iter().any(|dialect| dialect.is_foreign(name))
    }
}

impl Default for Feedback {
    fn default() -> Self {
        Self {
            dialects: vec![Dialect::RateLimit],
            body: Body::Problem,
            status: Self::STATUS,
            long_wait: Self::LONG_WAIT,
        }
    }
}

/// Nanoseconds as whole seconds, rounded up.
fn seconds(nanos: u64) -> u64 {
    nanos.div_ceil(1_000_000_000)
}

/// Nanoseconds as whole milliseconds, rounded up.
fn millis(nanos: u64) -> u64 {
    nanos.div_ceil(1_000_000)
}
