//! A denial of Redis', kept so that a client that goes on asking costs Redis
//! nothing.

use std::num::NonZeroU64;

use crate::limit::{Answer, BucketState, Cost, Limit};

/// What Redis has denied: this cost and any above, until this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Denial {
    /// ns on the monotonic clock.
    until: u64,
    cost: Cost,
    /// When Redis said so, whole seconds on that clock.
    said_at: u32,
}

/// The longest time for which a denial is believed, s: Redis may know better by
/// then, since others may have been given their units back.
const BELIEVED: u32 = 60;

/// So soon after a denial has lapsed there is about one such request's worth of
/// units, ns.
const JUST: u64 = 20_000_000;

const SECOND: u64 = 1_000_000_000;

// === impl Denial ===

impl Denial {
    pub(super) fn new(cost: Cost, wait: NonZeroU64, now: u64) -> Self {
        Self {
            until: now.saturating_add(wait.get()),
            cost,
            said_at: seconds(now),
        }
    }

    /// What it says to a request of this cost: `None` where Redis has to be
    /// asked.
    pub(super) fn answer(&self, cost: Cost, limit: &Limit, now: u64) -> Option<Answer> {
        let wait = NonZeroU64::new(self.until.saturating_sub(now))?;
        if cost < self.cost || self.is_old(now) {
            return None;
        }
        // The units that are missing come back one by one until then, and then
        // those that a dearer request takes besides.
        let missing = wait.get().div_ceil(limit.bucket.emission_interval().get());
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        let besides = cost.get().saturating_sub(self.cost.get());
        Some(Answer::Denied {
            remaining: self.cost.get().saturating_sub(missing),
            retry_after: wait.saturating_add(limit.longer_wait(besides)),
        })
    }

    /// The same denial while somebody asks again, which takes up to `claim` ns;
    /// `None` where nobody is to be held up for it. A client that goes on asking
    /// would have all that it has under way ask Redis at once. One that has come
    /// back later is not to find its requests denied for the sake of the first.
    pub(super) fn claimed(self, claim: u64, now: u64) -> Option<Self> {
        let since = now.checked_sub(self.until);
        if since.is_some_and(|since| since < JUST) {
            return Some(Self {
                until: now.saturating_add(claim),
                said_at: seconds(now),
                ..self
            });
        }
        let is_old = since.is_none() && self.is_old(now);
        is_old.then(|| Self {
            // For what is left of this second.
            said_at: seconds(now).wrapping_sub(BELIEVED - 1),
            ..self
        })
    }

    fn is_old(&self, now: u64) -> bool {
        seconds(now).wrapping_sub(self.said_at) >= BELIEVED
    }
}

/// Whole seconds, which begin again after 136 years.
fn seconds(nanos: u64) -> u32 {
    const ROUND: u64 = 1 << HALF;
    u32::try_from((nanos / SECOND) % ROUND).unwrap_or(u32::MAX)
}

/// In the table it stands where a bucket would: full once it has lapsed, with
/// no unit spent until then, so that it is the first to give up its place.
///
/// The units spent are the time ahead divided by the interval. So the cost goes
/// in as its complement: any time ahead is less than the interval of any cost
/// that is not near the most there can be.
impl From<Denial> for BucketState {
    fn from(denial: Denial) -> Self {
        let cost = u64::from(denial.cost.get().wrapping_neg());
        let packed = cost << HALF | u64::from(denial.said_at);
        Self {
            tat: denial.until,
            // Never zero: the complement of a cost is not.
            interval: NonZeroU64::new(packed).unwrap_or(NonZeroU64::MIN),
        }
    }
}

impl TryFrom<BucketState> for Denial {
    type Error = std::num::TryFromIntError;

    fn try_from(state: BucketState) -> Result<Self, Self::Error> {
        let packed = state.interval.get();
        Ok(Self {
            until: state.tat,
            cost: u32::try_from(packed >> HALF)?.wrapping_neg().try_into()?,
            said_at: u32::try_from(packed & u64::from(u32::MAX))?,
        })
    }
}

/// Bits.
const HALF: u32 = 32;
