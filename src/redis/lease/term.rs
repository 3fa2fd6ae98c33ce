//! For how long units on lease may be spent.
//!
//! To the end of the lease; and those of a quota no longer than the period that
//! they were debited in, or they would pass in one that Redis has not debited.

use crate::limit::Allowance;
use crate::redis::LEASE_LENGTH_MS;

/// The time of one lease. All times count from when it was asked for: Redis
/// answered later, so that none of them is too late.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Term {
    /// When the lease ends, ns.
    ends_at: u64,
    /// When the quota's period ends, ns; of a bucket never.
    period_ends_at: u64,
    /// The same by Redis' clock, ms, where it is the same in every answer; 0 of
    /// a bucket.
    period: u64,
}

/// What was said of a lease, and when.
pub(super) struct Said {
    /// Of which generation it is.
    pub(super) generation: u64,
    /// Time until the quota's period ends, ns.
    pub(super) reset_in: u64,
    /// Redis' clock, ms.
    pub(super) redis_now: u64,
    /// When it was asked for, ns.
    pub(super) sent_at: u64,
}

/// So long before its end a lease is renewed or given back, ns.
const ENDING: u64 = 400_000_000;

const NANOS_PER_MILLI: u64 = 1_000_000;

/// Redis' clock may show as much more than it said, ns.
const ROUNDED: u64 = NANOS_PER_MILLI;

// === impl Term ===

impl Term {
    /// The term of a lease of this allowance: to the end of the generation after
    /// its own.
    pub(super) fn of(allowance: &Allowance, said: &Said) -> Self {
        let end = said.generation.saturating_add(2);
        let end = end.saturating_mul(LEASE_LENGTH_MS);
        let left = end.saturating_sub(said.redis_now).min(2 * LEASE_LENGTH_MS);
        let left = left.saturating_mul(NANOS_PER_MILLI);
        let (period_ends_at, period) = match allowance {
            Allowance::Bucket(_) => (u64::MAX, 0),
            Allowance::Quota(_) => (
                said.sent_at.saturating_add(said.reset_in),
                said.redis_now
                    .saturating_add(said.reset_in / NANOS_PER_MILLI),
            ),
        };
        Self {
            ends_at: said.sent_at.saturating_add(left),
            period_ends_at,
            period,
        }
    }

    /// Whether its units may be spent no more.
    pub(super) fn is_over(&self, now: u64) -> bool {
        now.saturating_add(ROUNDED) >= self.ends_at.min(self.period_ends_at)
    }

    /// Whether it is to be renewed, or given back. The end of a period is no
    /// reason: there is nothing to be had of the next one yet.
    pub(super) fn is_ending(&self, now: u64) -> bool {
        now.saturating_add(ENDING) >= self.ends_at
    }

    /// Whether units of both were debited in one period.
    pub(super) fn is_of_the_period_of(&self, other: &Self) -> bool {
        self.period == other.period
    }

    /// Time until the quota's period ends, as far as was said, ns.
    pub(super) fn resets_in(&self, now: u64) -> u64 {
        self.period_ends_at.saturating_sub(now)
    }
}
