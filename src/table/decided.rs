//! What the entries of a page say to a request.

use super::denial::Denial;
use super::page::Slot;
use super::{Charge, Entry};
use crate::limit::{Answer, BucketState, Decision, Outcome};

/// What an entry said to its charge.
pub struct Decided {
    /// The limit's answer; `None` where Redis has to be asked.
    pub outcome: Option<Outcome>,
    /// What the entry is to hold then; of a limit that denied, in any case.
    pub(super) next: Option<BucketState>,
    /// Where the client's entry is, if there is one.
    pub(super) slot: Option<Slot>,
}

// === impl Decided ===

impl Decided {
    /// What the entry of this state, in this place, says to the charge.
    pub(super) fn on(
        charge: &Charge,
        slot: Option<Slot>,
        state: Option<BucketState>,
        now: u64,
    ) -> Self {
        let (answer, next) = match charge.entry {
            Entry::Bucket => ask_bucket(charge, state, now),
            Entry::Denial { claim } => ask_denial(charge, state, claim, now),
        };
        let limit = &charge.limit;
        Self {
            slot,
            next,
            outcome: answer.map(|answer| Outcome {
                limit: limit.clone(),
                answer,
            }),
        }
    }

    /// Whether the limit denied.
    pub fn is_denial(&self) -> bool {
        self.outcome.as_ref().is_some_and(Outcome::is_denial)
    }

    /// Whether a request that passes changes the entry.
    pub fn is_change(&self) -> bool {
        self.next.is_some()
    }

    /// Whether the request has to ask Redis after a denial that has lapsed.
    pub fn is_claim(&self) -> bool {
        self.outcome.is_none() && self.next.is_some()
    }
}

/// What a bucket says, and its state after that.
fn ask_bucket(
    charge: &Charge,
    state: Option<BucketState>,
    now: u64,
) -> (Option<Answer>, Option<BucketState>) {
    let decision = charge
        .limit
        .gateway_bucket()
        .decide(state, charge.cost, now);
    let next = match decision {
        Decision::Allowed { next, .. } => Some(next),
        Decision::Denied { rebased, .. } => rebased,
    };
    (Some(decision.answer()), next)
}

/// What a remembered denial says, and what becomes of one that has lapsed.
fn ask_denial(
    charge: &Charge,
    state: Option<BucketState>,
    claim: u64,
    now: u64,
) -> (Option<Answer>, Option<BucketState>) {
    let Some(denial) = state.and_then(|state| Denial::try_from(state).ok()) else {
        return (None, None);
    };
    let claimed = denial.claimed(claim, now).map(BucketState::from);
    (denial.answer(charge.cost, &charge.limit, now), claimed)
}
