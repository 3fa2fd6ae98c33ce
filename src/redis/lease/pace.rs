//! How often to ask for a lease while Redis has less than is wanted.

use std::num::NonZeroU64;

use super::demand::Demand;
use crate::limit::{Allowance, Cost, Limit, TokenBucket};

/// When the next call for a lease may be made, and what to say until then.
#[derive(Debug)]
pub(super) struct Pace {
    /// No call before, ns.
    next_call: u64,
    /// Redis has not a single unit before, ns.
    dry_until: u64,
    /// From call to call while Redis has less than is wanted, ns; 0 while it has
    /// enough.
    between: u64,
    /// Redis has all units again, whatever it had before: a quota's period has
    /// ended, ns. Of a bucket never.
    all_back_at: u64,
}

/// What a call has brought.
pub(super) struct Turn {
    pub(super) granted: u32,
    pub(super) wanted: u32,
    /// Units that Redis has left.
    pub(super) remaining: u32,
    /// Time until all is as if never used, ns. Of a bucket later than when it is
    /// full, if there are leases that end later.
    pub(super) reset_in: u64,
}

/// So long after the time of its next call the book has its answer, ns.
const ANSWERED: u64 = 30_000_000;

/// While Redis has less than is wanted, calls are so far apart that a client
/// asks for so many units between them: the less often, the more has come
/// back by then.
const UNITS_A_CALL: u64 = 32;

/// And at most so far, ns.
const LONGEST_PACE: u64 = 500_000_000;

/// The longest time for which it is believed that Redis has nothing, ns: others
/// may have given some back by then.
const BELIEVED: u64 = 60_000_000_000;

/// A lease is at most this part of a bucket: units on lease, spent or not, take
/// up room there, and so keep others from coming back.
const PART_OF_BUCKET: u32 = 6;

/// And at most this part of a quota, which misses those of a gateway that was
/// killed to its period's end. The script lends no more either.
const PART_OF_QUOTA: u32 = 20;

// === impl Pace ===

impl Pace {
    /// Nothing is known yet.
    pub(super) fn new(now: u64) -> Self {
        Self {
            next_call: now,
            dry_until: now,
            between: 0,
            all_back_at: u64::MAX,
        }
    }

    pub(super) fn may_call(&self, now: u64) -> bool {
        now >= self.next_call
    }

    /// How long a request has to wait for its units, where the calls that have
    /// been made say that there are none: until the next one has its answer, if
    /// it comes. `None` where Redis has to be asked.
    pub(super) fn denies(
        &self,
        cost: Cost,
        limit: &Limit,
        pending: bool,
        now: u64,
    ) -> Option<NonZeroU64> {
        let answer_at = self.next_call.saturating_add(ANSWERED);
        let is_asked = now >= answer_at && !pending;
        if self.between == 0 || is_asked || now >= self.all_back_at {
            return None;
        }
        let more = limit.longer_wait(cost.get().saturating_sub(1));
        let there_at = answer_at.max(self.dry_until.saturating_add(more));
        let there_at = there_at.min(self.all_back_at);
        let wait = NonZeroU64::new(there_at.saturating_sub(now));
        Some(wait.unwrap_or(NonZeroU64::MIN))
    }

    pub(super) fn answered(
        &mut self,
        turn: &Turn,
        allowance: &Allowance,
        demand: &Demand,
        now: u64,
    ) {
        match allowance {
            Allowance::Bucket(bucket) => self.answered_of_bucket(turn, bucket, demand, now),
            Allowance::Quota(_) => self.answered_of_quota(turn, now),
        }
    }

    fn answered_of_bucket(&mut self, turn: &Turn, bucket: &TokenBucket, demand: &Demand, now: u64) {
        self.between = self.between_after(turn, bucket, demand, now);
        let rest = u64::from(bucket.burst().get().saturating_sub(1));
        let interval = bucket.emission_interval().get();
        let all_but_one = interval.saturating_mul(rest);
        let dry = match turn.remaining {
            0 => turn.reset_in.saturating_sub(all_but_one).min(interval),
            _ => 0,
        };
        self.dry_until = now.saturating_add(dry);
        let pause = if self.between > 0 {
            dry.min(BELIEVED)
        } else {
            0
        };
        self.next_call = now.saturating_add(pause.max(self.between));
    }

    /// Nothing comes back before the period's end, but what others give back.
    fn answered_of_quota(&mut self, turn: &Turn, now: u64) {
        let is_dry = turn.remaining == 0 && turn.granted < turn.wanted;
        self.between = if is_dry {
            turn.reset_in.min(BELIEVED)
        } else {
            0
        };
        self.next_call = now.saturating_add(self.between);
        self.all_back_at = now.saturating_add(turn.reset_in);
        self.dry_until = self.all_back_at;
    }

    pub(super) fn failed(&mut self, back_off: NonZeroU64, now: u64) {
        self.between = 0;
        self.next_call = now.saturating_add(back_off.get());
    }

    /// Others want the same units: the less of what was wanted was there, the
    /// longer it takes until there is as much again.
    fn between_after(&self, turn: &Turn, bucket: &TokenBucket, demand: &Demand, now: u64) -> u64 {
        let Turn {
            granted, wanted, ..
        } = turn;
        let quarters = granted.saturating_mul(4).checked_div(*wanted).unwrap_or(4);
        let longest = LONGEST_PACE.min(four_turns(bucket));
        let shortest = longest.min(demand.time_for(UNITS_A_CALL, now));
        match quarters {
            0 | 1 => {
                let interval = bucket.emission_interval().get();
                let half = interval.saturating_mul(u64::from(wanted / 2));
                let longer = self.between.saturating_mul(2).max(half);
                longer.clamp(shortest, longest)
            }
            2 => self.between.max(shortest),
            _ => {
                let shorter = self.between.saturating_sub(self.between / 4);
                if shorter < shortest {
                    0
                } else {
                    shorter
                }
            }
        }
    }
}

/// The largest lease of this allowance.
pub(super) fn most(allowance: &Allowance) -> u32 {
    match allowance {
        Allowance::Bucket(bucket) => bucket.burst().get() / PART_OF_BUCKET,
        Allowance::Quota(quota) => quota.quota().get() / PART_OF_QUOTA,
    }
}

/// The smallest allowance of which so many units are lent at once.
pub(super) fn least_of(allowance: &Allowance, units: u32) -> u32 {
    units.saturating_mul(match allowance {
        Allowance::Bucket(_) => PART_OF_BUCKET,
        Allowance::Quota(_) => PART_OF_QUOTA,
    })
}

/// The time in which as much comes back as four take that take the most.
fn four_turns(bucket: &TokenBucket) -> u64 {
    let most = u64::from(bucket.burst().get() / PART_OF_BUCKET);
    let interval = bucket.emission_interval().get();
    interval.saturating_mul(most).saturating_mul(4)
}
