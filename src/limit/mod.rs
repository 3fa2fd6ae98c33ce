//! Limits as pure functions of (parameters, stored state, now).
//!
//! Nothing here reads a clock, touches a store or knows what a request is, so
//! every promise about a limit can be tested with numbers alone. All times are
//! nanoseconds on the monotonic clock.

mod bucket;
mod verdict;

pub use bucket::{BucketState, Decision, InvalidBucket, TokenBucket, MAX_FILL};
pub use verdict::{Denial, Outcome, Standing, Verdict};

use std::num::NonZeroU32;
use std::rc::Rc;

/// A named limit as its routes share it.
#[derive(Debug)]
pub struct Limit {
    /// The public name: `[a-z0-9][a-z0-9_-]{0,63}`.
    pub name: Rc<str>,
    /// Position among the configuration's limits, for what is kept beside them.
    pub index: usize,
    /// What a client's state for this limit belongs to: name, kind, unit and
    /// the sources of the client's id. Another tag starts afresh.
    pub tag: u64,
    /// The token bucket each client gets.
    pub bucket: TokenBucket,
}

/// What a request takes from a limit, in the limit's unit.
pub type Cost = NonZeroU32;
