//! The token bucket, computed as GCRA.
//!
//! The generic cell rate algorithm (ITU-T I.371, "virtual scheduling") keeps
//! one time per client instead of a level and a time of refill: the
//! theoretical arrival time (TAT), at which the bucket is full again. A TAT
//! that has passed *is* a full bucket, so a forgotten entry and a full one are
//! the same thing, and no state can be too old to read.

mod plans;
mod settle;

pub use settle::Settled;

use std::num::{NonZeroU32, NonZeroU64};

use super::{Answer, Cost};

/// The longest time in which an empty bucket may fill: ten years, in
/// nanoseconds. It keeps every sum of two times far from the end of `u64`.
pub const MAX_FILL: u64 = 10 * 365 * 86_400 * 1_000_000_000;

/// The checked parameters of a token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenBucket {
    burst: NonZeroU32,
    emission_interval: NonZeroU64,
    /// `burst × emission_interval`: the time in which an empty bucket fills.
    capacity: u64,
    /// Bursts that may be owed beyond an empty bucket.
    debt: u32,
    /// The furthest ahead a state can be, ns: `capacity`, and the debt's bursts.
    deepest: u64,
    /// The longest time in which the bucket of any plan fills that this one shares
    /// its state with, ns; 0 where there is none.
    plans_fill: u64,
}

/// Why parameters make no bucket: it would take more than [`MAX_FILL`] to fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidBucket;

/// The whole state of one client's bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketState {
    /// Theoretical arrival time, ns: the bucket is full from here on.
    pub tat: u64,
    /// The emission interval the units were charged under, ns. It turns the
    /// time ahead back into units when a new configuration changes the rate.
    pub interval: NonZeroU64,
}

/// The answer of one bucket to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The units are there.
    Allowed {
        /// Units left once this request is charged.
        remaining: u32,
        /// Time until the bucket is full again, ns.
        full_in: u64,
        /// The state to store.
        next: BucketState,
    },
    /// The units are not there; nothing changes.
    Denied {
        /// Units there are, fewer than asked for.
        remaining: u32,
        /// Time until they will be there if nobody takes any, ns.
        retry_after: NonZeroU64,
        /// The state to store where the stored one is another configuration's:
        /// it would go on refilling at that one's rate, or from beyond this
        /// one's size, and the wait would not be enough.
        rebased: Option<BucketState>,
    },
}

// === impl Decision ===

impl Decision {
    /// What the client is told of it.
    pub fn answer(&self) -> Answer {
        match *self {
            Self::Allowed {
                remaining, full_in, ..
            } => Answer::Allowed {
                remaining,
                reset_in: full_in,
            },
            Self::Denied {
                remaining,
                retry_after,
                ..
            } => Answer::Denied {
                remaining,
                retry_after: Some(retry_after),
            },
        }
    }
}

// === impl TokenBucket ===

impl TokenBucket {
    /// A bucket of `burst` units that regains one unit every
    /// `emission_interval` nanoseconds.
    ///
    /// # Errors
    /// [`InvalidBucket`] where it would take more than [`MAX_FILL`] to fill.
    pub fn new(burst: NonZeroU32, emission_interval: NonZeroU64) -> Result<Self, InvalidBucket> {
        let capacity = u64::from(burst.get())
            .checked_mul(emission_interval.get())
            .filter(|capacity| *capacity <= MAX_FILL)
            .ok_or(InvalidBucket)?;
        Ok(Self {
            burst,
            emission_interval,
            capacity,
            debt: 0,
            deepest: capacity,
            plans_fill: 0,
        })
    }

    /// The same bucket, which [`TokenBucket::settle`] may charge into debt, up to
    /// `bursts` times its burst. Without it an empty bucket is as low as it gets.
    pub fn with_debt(self, bursts: u32) -> Self {
        let all = u64::from(bursts).saturating_add(1);
        Self {
            debt: bursts,
            deepest: self.capacity.saturating_mul(all),
            ..self
        }
    }

    /// See [`TokenBucket::with_debt`].
    pub fn debt(&self) -> u32 {
        self.debt
    }

    /// The most units the bucket holds.
    pub fn burst(&self) -> NonZeroU32 {
        self.burst
    }

    /// Time in which one unit comes back, ns.
    pub fn emission_interval(&self) -> NonZeroU64 {
        self.emission_interval
    }

    /// Time in which an empty bucket fills, ns.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Decides on `cost` units at `now`. `state` is `None` for a client that
    /// the table does not know, whose bucket is full.
    ///
    /// Any state is safe, also a corrupt one: one from the past means full, one
    /// from further ahead than the bucket is large and its debt deep means that.
    pub fn decide(&self, state: Option<BucketState>, cost: Cost, now: u64) -> Decision {
        let spent = self.spent(state, now);
        let price = self.price(cost);
        let ahead = spent.saturating_add(price);
        match NonZeroU64::new(ahead.saturating_sub(self.capacity)) {
            Some(retry_after) => {
                let foreign = state.filter(|state| spent > 0 && !self.has_made(state, now));
                let of_plan = foreign.filter(|state| self.is_of_plan(state, now));
                Decision::Denied {
                    remaining: self.units_left(spent),
                    retry_after: of_plan.map_or(retry_after, |state| self.wait(state, price, now)),
                    rebased: foreign.xor(of_plan).map(|_| self.state(now, spent)),
                }
            }
            None => Decision::Allowed {
                remaining: self.units_left(ahead),
                full_in: ahead,
                next: self.state(now, ahead),
            },
        }
    }

    /// Units there are at `now`, and the time until the bucket is full, ns.
    pub fn look(&self, state: Option<BucketState>, now: u64) -> (u32, u64) {
        let spent = self.spent(state, now);
        let of_plan = state.filter(|state| self.is_of_plan(state, now));
        let full_in = of_plan.map_or(spent, |state| state.tat.saturating_sub(now));
        (self.units_left(spent), full_in)
    }

    /// The units spent and not yet refilled, as time to refill them, ns.
    ///
    /// Where the rate has changed since they were charged, units survive, not
    /// time, and no debt: an upgrade is felt at once, a reload refills nobody
    /// and freezes nobody.
    fn spent(&self, state: Option<BucketState>, now: u64) -> u64 {
        let Some(BucketState { tat, interval }) = state else {
            return 0;
        };
        let ahead = tat.saturating_sub(now);
        if interval == self.emission_interval {
            return ahead.min(self.deepest);
        }
        let rescaled = u128::from(ahead)
            .saturating_mul(self.interval())
            .div_ceil(u128::from(interval.get()));
        u64::try_from(rescaled)
            .unwrap_or(u64::MAX)
            .min(self.capacity)
    }

    /// Wide enough for any number of units times it.
    fn interval(&self) -> u128 {
        self.emission_interval.get().into()
    }

    /// Whether a bucket with these parameters may have left this state.
    fn has_made(&self, state: &BucketState, now: u64) -> bool {
        state.interval == self.emission_interval && state.tat.saturating_sub(now) <= self.deepest
    }

    fn price(&self, cost: Cost) -> u64 {
        u64::from(cost.get()).saturating_mul(self.emission_interval.get())
    }

    fn units_left(&self, ahead: u64) -> u32 {
        let room = self.capacity.saturating_sub(ahead);
        // At most `burst`, since `capacity` is `burst` intervals long.
        u32::try_from(room / self.emission_interval).unwrap_or(u32::MAX)
    }

    fn state(&self, now: u64, ahead: u64) -> BucketState {
        BucketState {
            tat: now.saturating_add(ahead),
            interval: self.emission_interval,
        }
    }
}
