//! Units that come back, and units whose true number is known only afterwards.

use super::{BucketState, TokenBucket};
use crate::limit::Cost;

/// A bucket after units were settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The state to store.
    pub next: BucketState,
    /// Units that would have gone deeper into debt than allowed, and are let
    /// go; a part of one counts as one.
    pub forgiven: u64,
}

// === impl TokenBucket ===

impl TokenBucket {
    /// The state after `cost` units that were charged at `charged_at` come back,
    /// as for a request that another limit denied in the end. What time has
    /// refilled since is not given a second time.
    pub fn give_back(
        &self,
        state: BucketState,
        cost: Cost,
        charged_at: u64,
        now: u64,
    ) -> BucketState {
        self.come_back(
            state,
            cost.get().into(),
            now.saturating_sub(charged_at),
            now,
        )
    }

    /// The state after `units` whose true number was known only afterwards, as
    /// for a model's tokens: they are charged without asking, into debt where
    /// the bucket allows it; negative ones come back, and never fill it more
    /// than full. `refilled`: of these, what time has given back already, ns.
    pub fn settle(
        &self,
        state: Option<BucketState>,
        units: i64,
        refilled: u64,
        now: u64,
    ) -> Settled {
        let spent = self.spent(state, now);
        let number = units.unsigned_abs();
        if units < 0 {
            let state = state.unwrap_or(self.state(now, spent));
            return Settled {
                next: self.come_back(state, number, refilled, now),
                forgiven: 0,
            };
        }
        let ahead = u128::from(spent).saturating_add(self.time_of(number));
        let deepest = u128::from(self.deepest);
        let next = u64::try_from(ahead.min(deepest)).unwrap_or(u64::MAX);
        let beyond = ahead.saturating_sub(deepest).div_ceil(self.interval());
        Settled {
            next: self.state(now, next),
            forgiven: u64::try_from(beyond).unwrap_or(u64::MAX),
        }
    }

    fn come_back(&self, state: BucketState, units: u64, refilled: u64, now: u64) -> BucketState {
        let owed = |interval: u64| {
            let price = u128::from(units).saturating_mul(interval.into());
            u64::try_from(price.saturating_sub(refilled.into())).unwrap_or(u64::MAX)
        };
        if self.is_of_plan(&state, now) {
            let tat = state.tat.saturating_sub(owed(state.interval.get()));
            return BucketState {
                tat: tat.max(now),
                ..state
            };
        }
        let spent = self.spent(Some(state), now);
        let owed = owed(self.emission_interval.get());
        self.state(now, spent.saturating_sub(owed))
    }

    fn time_of(&self, units: u64) -> u128 {
        u128::from(units).saturating_mul(self.interval())
    }
}
