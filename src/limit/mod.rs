//! Limits as pure functions of (parameters, stored state, now).
//!
//! Nothing here reads a clock, touches a store or knows what a request is, so
//! every promise about a limit can be tested with numbers alone. All times are
//! nanoseconds: a bucket's on the monotonic clock, a calendar quota's since 1970.

mod bucket;
mod quota;
mod verdict;

pub use bucket::{BucketState, Decision, InvalidBucket, Settled, TokenBucket, MAX_FILL};
pub use quota::{CalendarQuota, InvalidQuota, Period, QuotaDecision, QuotaState, MAX_PERIOD};
pub use verdict::{Answer, Denial, Outcome, Standing, Verdict};

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
    /// The token bucket each client gets, and is told of.
    pub bucket: TokenBucket,
    /// Where it is counted.
    pub scope: Scope,
}

/// Where a limit is counted.
#[derive(Debug)]
pub enum Scope {
    /// In this gateway.
    Gateway,
    /// In Redis, for all gateways together.
    Cluster(Cluster),
}

/// How a limit is counted for all gateways together.
#[derive(Debug)]
pub struct Cluster {
    /// When Redis is asked.
    pub consistency: Consistency,
    /// The bucket of one gateway while Redis does not answer, where the
    /// operator wants one then.
    pub share: Option<TokenBucket>,
    /// What a key in Redis ends with: the limit's name, and what else its state
    /// belongs to.
    pub key: Box<str>,
    /// What a remembered denial belongs to: the limit under this very
    /// configuration.
    pub denials: u64,
}

/// When Redis is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// For every request.
    Strict,
    /// For a chunk of units, which are then spent without asking.
    Lease,
}

/// The length of a generation of leases, ms: a lease is good until the end of
/// the generation after its own.
pub const LEASE_LENGTH_MS: u64 = 2_000;

/// What a request takes from a limit, in the limit's unit.
pub type Cost = NonZeroU32;

// === impl Limit ===

impl Limit {
    /// How the limit is counted in Redis, if it is.
    pub fn cluster(&self) -> Option<&Cluster> {
        match &self.scope {
            Scope::Gateway => None,
            Scope::Cluster(cluster) => Some(cluster),
        }
    }

    /// How much longer a request waits that takes so many units more than one that
    /// was denied, ns. Units on lease may bind the dearer one alone, until the
    /// lease ends.
    pub fn longer_wait(&self, units: u32) -> u64 {
        const LONGEST_LEASE: u64 = 2 * LEASE_LENGTH_MS * 1_000_000;
        let is_leased = self
            .cluster()
            .is_some_and(|cluster| cluster.consistency == Consistency::Lease);
        let interval = self.bucket.emission_interval().get();
        match units {
            0 => 0,
            units => u64::from(units)
                .saturating_mul(interval)
                .saturating_add(if is_leased { LONGEST_LEASE } else { 0 }),
        }
    }

    /// The bucket that this gateway keeps by itself: always, or while Redis
    /// does not answer.
    pub fn gateway_bucket(&self) -> &TokenBucket {
        let share = self.cluster().and_then(|cluster| cluster.share.as_ref());
        share.unwrap_or(&self.bucket)
    }
}
