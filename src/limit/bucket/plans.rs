//! Buckets that plans make of one limit, and that share a client's state.

use std::num::{NonZeroU128, NonZeroU64};

use super::{BucketState, TokenBucket};

// === impl TokenBucket ===

impl TokenBucket {
    /// The same bucket as one plan has it, where other plans have others for the
    /// same state: the slowest of them fills in `plans_fill`, ns.
    ///
    /// A client may be on two plans by turns, and what another plan's bucket has
    /// left must not be cut down to the size of this one, or the other would have
    /// it a second time. So such a state is left to refill as it does.
    pub fn shared_by_plans(self, plans_fill: u64) -> Self {
        Self { plans_fill, ..self }
    }

    /// See [`TokenBucket::shared_by_plans`].
    pub fn plans_fill(&self) -> u64 {
        self.plans_fill
    }

    /// Whether another plan's bucket may have left this state, and none of a
    /// configuration that has gone.
    pub(super) fn is_of_plan(&self, state: &BucketState, now: u64) -> bool {
        let ahead = state.tat.saturating_sub(now);
        ahead <= self.plans_fill && !self.has_made(state, now)
    }

    /// Time until so much has come back of another plan's state, at its own rate,
    /// that this price fits, ns.
    pub(super) fn wait(&self, state: BucketState, price: u64, now: u64) -> NonZeroU64 {
        let fits = u128::from(self.capacity.saturating_sub(price))
            .saturating_mul(state.interval.get().into())
            / NonZeroU128::from(self.emission_interval);
        let fits = u64::try_from(fits).unwrap_or(u64::MAX);
        let ahead = state.tat.saturating_sub(now);
        NonZeroU64::new(ahead.saturating_sub(fits)).unwrap_or(NonZeroU64::MIN)
    }
}
