//! Limits as pure functions of (parameters, stored state, now).
//!
//! Nothing here reads a clock, touches a store or knows what a request is, so
//! every promise about a limit can be tested with numbers alone. All times are
//! nanoseconds.

mod allowance;
mod bucket;
mod concurrency;
mod kind;
mod now;
mod quota;
mod scope;
mod settlement;
mod verdict;

pub use allowance::Allowance;
pub use bucket::{BucketState, Decision, InvalidBucket, Settled, TokenBucket, MAX_FILL};
pub use concurrency::{
    Concurrency, InvalidConcurrency, SlotDecision, SlotState, MAX_SLOTS, MAX_TIMEOUT,
};
pub use kind::{Kind, Ruling, State};
pub use now::Now;
pub use quota::{CalendarQuota, InvalidQuota, Period, QuotaDecision, QuotaState, MAX_PERIOD};
pub use scope::{Cluster, Consistency, Scope, LEASE_LENGTH_MS};
pub use settlement::Settlement;
pub use verdict::{Answer, Denial, Outcome, Standing, Standings, Verdict};

use std::num::NonZeroU32;
use std::rc::Rc;

/// A named limit as its routes share it, with the parameters of one plan.
#[derive(Debug)]
pub struct Limit {
    /// The public name: `[a-z0-9][a-z0-9_-]{0,63}`.
    pub name: Rc<str>,
    /// Position among the configuration's limits, for what is kept beside them.
    pub index: usize,
    /// What a client's state for this limit belongs to: name, kind, unit and
    /// the sources of the client's id. Another tag starts afresh.
    pub tag: u64,
    /// What a denial does.
    pub mode: Mode,
    /// What is limited.
    pub kind: Kind,
}

/// What a limit's denial does to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It does not pass.
    Enforce,
    /// Nothing: it is counted.
    Shadow,
    /// It passes, and Envoy and the upstream are told.
    Tag,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Requests, by their route's cost.
    Requests,
    /// Requests that are under way.
    ConcurrentRequests,
    /// A model's tokens.
    Tokens(Tokens),
}

/// Which of a request's tokens are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokens {
    /// What the model reads and what it writes.
    All,
    /// What it reads.
    Input,
    /// What it writes.
    Output,
}

/// What a request takes from a limit, in the limit's unit.
pub type Cost = NonZeroU32;

// === impl Unit ===

impl Unit {
    /// Its name: those of requests as draft-ietf-httpapi-ratelimit-headers-11
    /// registers them, those of tokens as they stand in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::ConcurrentRequests => "concurrent-requests",
            Self::Tokens(Tokens::All) => "tokens",
            Self::Tokens(Tokens::Input) => "input_tokens",
            Self::Tokens(Tokens::Output) => "output_tokens",
        }
    }
}

// === impl Limit ===

impl Limit {
    /// How the limit is counted in Redis, if it is.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.kind.cluster()
    }

    /// Whether the limit decides and is charged as if it were the only one.
    pub fn is_alone(&self) -> bool {
        self.mode != Mode::Enforce
    }

    /// Which tokens it counts, if it counts tokens.
    pub fn tokens(&self) -> Option<Tokens> {
        match &self.kind {
            Kind::Metered { tokens, .. } => *tokens,
            Kind::Concurrency(_) | Kind::Blocked => None,
        }
    }

    /// Whether it limits requests at one time.
    pub fn is_concurrency(&self) -> bool {
        matches!(self.kind, Kind::Concurrency(_))
    }

    /// Whether it follows the calendar.
    pub fn is_quota(&self) -> bool {
        let Kind::Metered { allowance, .. } = &self.kind else {
            return false;
        };
        matches!(allowance, Allowance::Quota(_))
    }

    /// Whether this gateway counts it by the calendar: always, or while Redis does
    /// not answer.
    pub fn needs_wall_clock(&self) -> bool {
        let Kind::Metered {
            allowance, scope, ..
        } = &self.kind
        else {
            return false;
        };
        let is_counted_here = match scope {
            Scope::Gateway => true,
            Scope::Cluster(cluster) => cluster.share.is_some(),
        };
        is_counted_here && matches!(allowance, Allowance::Quota(_))
    }

    /// The most units a client has at one time: burst, quota or slots.
    pub fn size(&self) -> u32 {
        match &self.kind {
            Kind::Metered { allowance, .. } => allowance.size(),
            Kind::Concurrency(concurrency) => concurrency.slots().get(),
            Kind::Blocked => 0,
        }
    }

    /// So many units, but at least one and no more than there can be.
    pub fn at_most_all(&self, units: u64) -> Cost {
        at_most(self.size(), units)
    }

    /// The same of what this gateway counts by itself: always, or while Redis does
    /// not answer.
    pub fn at_most_all_here(&self, units: u64) -> Cost {
        match &self.kind {
            Kind::Metered {
                allowance, scope, ..
            } => at_most(scope.here(allowance).size(), units),
            Kind::Concurrency(_) | Kind::Blocked => self.at_most_all(units),
        }
    }

    /// The time in which all units come back, ns; `None` where it is not time
    /// that brings them back.
    pub fn window(&self) -> Option<u64> {
        match &self.kind {
            Kind::Metered { allowance, .. } => Some(allowance.window()),
            Kind::Concurrency(_) | Kind::Blocked => None,
        }
    }

    /// What it counts.
    pub fn unit(&self) -> Unit {
        match &self.kind {
            Kind::Metered { tokens, .. } => tokens.map_or(Unit::Requests, Unit::Tokens),
            Kind::Blocked => Unit::Requests,
            Kind::Concurrency(_) => Unit::ConcurrentRequests,
        }
    }

    /// How much longer a request waits that takes so many units more than one that
    /// was denied, ns. Units of a bucket that are on lease may bind the dearer one
    /// alone, until the lease ends; a quota's come back together, and those on
    /// lease too.
    pub fn longer_wait(&self, units: u32) -> u64 {
        const LONGEST_LEASE: u64 = 2 * LEASE_LENGTH_MS * 1_000_000;
        let Kind::Metered {
            allowance: Allowance::Bucket(bucket),
            scope: Scope::Cluster(cluster),
            ..
        } = &self.kind
        else {
            return 0;
        };
        let refill = u64::from(units).saturating_mul(bucket.emission_interval().get());
        match (units, cluster.consistency) {
            (0, _) => 0,
            (_, Consistency::Strict) => refill,
            (_, Consistency::Lease) => refill.saturating_add(LONGEST_LEASE),
        }
    }
}

fn at_most(size: u32, units: u64) -> Cost {
    let units = units.min(size.into());
    let units = u32::try_from(units).unwrap_or(u32::MAX);
    Cost::new(units).unwrap_or(Cost::MIN)
}
