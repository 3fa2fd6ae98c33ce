//! A denial of Redis', kept so that a client that goes on asking costs Redis
//! nothing.

use std::num::NonZeroU64;

use crate::limit::{Answer, BucketState, Cost};

/// What Redis has denied: this cost and any above, until this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Denial {
    /// ns on the monotonic clock.
    until: u64,
    cost: Cost,
    /// Units there were.
    remaining: u32,
}

// === impl Denial ===

impl Denial {
    /// The longest time for which a denial is believed, ns: Redis may know
    /// better by then, since others may have been given their units back.
    const LONGEST: u64 = 60_000_000_000;

    /// ns.
    const JUST: u64 = 20_000_000;

    pub(super) fn new(cost: Cost, remaining: u32, wait: NonZeroU64, now: u64) -> Self {
        Self {
            until: now.saturating_add(wait.get().min(Self::LONGEST)),
            cost,
            remaining,
        }
    }

    /// What it says to a request of this cost: `None` where Redis has to be
    /// asked.
    pub(super) fn answer(&self, cost: Cost, now: u64) -> Option<Answer> {
        let retry_after = NonZeroU64::new(self.until.saturating_sub(now))?;
        (cost >= self.cost).then_some(Answer::Denied {
            remaining: self.remaining,
            retry_after,
        })
    }

    /// Whether it has lapsed just now. There is then about one such request's
    /// worth of units, and a client that goes on asking would have all that it
    /// has under way ask Redis for it. One that has come back later is not to
    /// find its requests denied for the sake of the first.
    pub(super) fn has_just_lapsed(&self, now: u64) -> bool {
        now.checked_sub(self.until)
            .is_some_and(|since| since < Self::JUST)
    }

    /// The same denial while somebody asks again, for `claim` ns.
    pub(super) fn claimed(self, claim: u64, now: u64) -> Self {
        Self {
            until: now.saturating_add(claim),
            ..self
        }
    }
}

/// In the table it stands where a bucket would: full once it has lapsed, with
/// next to no unit spent until then, so that it is the first to give up its
/// place.
impl From<Denial> for BucketState {
    fn from(denial: Denial) -> Self {
        let cost = NonZeroU64::from(denial.cost);
        Self {
            tat: denial.until,
            interval: cost.saturating_mul(UNITS) | u64::from(denial.remaining),
        }
    }
}

impl TryFrom<BucketState> for Denial {
    type Error = std::num::TryFromIntError;

    fn try_from(state: BucketState) -> Result<Self, Self::Error> {
        let packed = state.interval.get();
        Ok(Self {
            until: state.tat,
            cost: u32::try_from(packed / UNITS)?.try_into()?,
            remaining: u32::try_from(packed % UNITS)?,
        })
    }
}

/// One more than the most units there can be.
const UNITS: NonZeroU64 = NonZeroU64::MIN.saturating_add(u32::MAX as u64);
