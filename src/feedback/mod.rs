//! What a client is told: headers on what passes, a whole reply to what does
//! not.
//!
//! Numbers only turn into text here. Times are rounded up, so that a client
//! that waits as told is never early.

mod dialect;
mod refusal;
mod status;

pub use dialect::{policy, Dialect};
pub use refusal::{Refusal, Reply};
pub use status::{status, StatusItem};

use crate::limit::Standings;

/// Takes headers one by one: a name in lower case and a value.
pub trait Show: FnMut(&'static str, &str) {}

impl<F: FnMut(&'static str, &str)> Show for F {}

/// The operator's choice of what clients are told.
#[derive(Debug)]
pub struct Feedback {
    /// The header dialects, none to send no headers.
    pub dialects: Vec<Dialect>,
    /// The body of a denial.
    pub body: Body,
}

/// The body of a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// RFC 9457 problem details.
    Problem,
    /// One sentence.
    Text,
}

// === impl Feedback ===

impl Feedback {
    /// Shows the headers for where a client stands. `policy` is the
    /// `RateLimit-Policy` to go with it.
    pub fn show(&self, standings: &Standings, policy: &str, mut show: impl Show) {
        for dialect in &self.dialects {
            dialect.show(&standings.tightest, policy, &mut show);
        }
    }

    /// The names of all headers that the operator's dialects may have.
    pub fn header_names(&self) -> impl Iterator<Item = &'static str> + '_ {
        let names = self.dialects.iter().map(|dialect| dialect.header_names());
        names.flatten().copied()
    }
}

impl Default for Feedback {
    fn default() -> Self {
        Self {
            dialects: vec![Dialect::RateLimit],
            body: Body::Problem,
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
