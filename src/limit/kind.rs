//! The kinds of limits, behind one question.

use std::num::NonZeroU64;

use super::{
    Allowance, Answer, BucketState, Cluster, Concurrency, Cost, Now, QuotaState, Scope, Settlement,
    SlotDecision, SlotState, Tokens,
};

/// What a limit limits, and how much of it.
#[derive(Debug)]
pub enum Kind {
    /// Units over time.
    Metered {
        /// The tokens that are counted; `None`: requests are.
        tokens: Option<Tokens>,
        /// The units each client has, and is told of.
        allowance: Allowance,
        /// Where they are counted.
        scope: Scope,
    },
    /// Requests at one time, in this gateway.
    Concurrency(Concurrency),
    /// Every request is too many.
    Blocked,
}

/// What a client has spent of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Of a token bucket.
    Bucket(BucketState),
    /// Of a calendar quota.
    Quota(QuotaState),
    /// Of a concurrency limit.
    Slots(SlotState),
}

/// What a limit said to a request, and what becomes of the client's state.
#[derive(Debug)]
pub struct Ruling {
    /// The answer.
    pub answer: Answer,
    /// The state to store if the request is charged; after a denial, in any
    /// case. `None`: it stays as it is.
    pub next: Option<State>,
}

/// When to come back for a slot: nobody knows, and soon is as good as any.
const SOON: NonZeroU64 = NonZeroU64::MIN.saturating_add(999_999_999);

// === impl Kind ===

impl Kind {
    /// How the limit is counted in Redis, if it is.
    pub fn cluster(&self) -> Option<&Cluster> {
        match self {
            Self::Metered {
                scope: Scope::Cluster(cluster),
                ..
            } => Some(cluster),
            _ => None,
        }
    }

    /// Decides on a request as this gateway counts it: always, or while Redis
    /// does not answer. Of slots a request takes one, whatever it costs.
    pub fn decide(&self, state: Option<State>, cost: Cost, now: Now) -> Ruling {
        match self {
            Self::Metered {
                allowance, scope, ..
            } => scope.here(allowance).decide(state, cost, now),
            Self::Concurrency(concurrency) => take(concurrency, state, now),
            Self::Blocked => Ruling {
                answer: Answer::Denied {
                    remaining: 0,
                    retry_after: None,
                },
                next: None,
            },
        }
    }

    /// Units there are as this gateway counts them, and the time until all are,
    /// ns; 0 where it is not time that brings them back.
    pub fn look(&self, state: Option<State>, now: Now) -> (u32, u64) {
        match (self, state) {
            (
                Self::Metered {
                    allowance, scope, ..
                },
                state,
            ) => scope.here(allowance).look(state, now),
            (Self::Concurrency(concurrency), Some(State::Slots(slots))) => {
                (concurrency.free(Some(slots), now.monotonic), 0)
            }
            (Self::Concurrency(concurrency), _) => (concurrency.slots().get(), 0),
            (Self::Blocked, _) => (0, 0),
        }
    }

    /// The state after what was charged at `charged_at` comes back.
    pub fn give_back(&self, state: State, cost: Cost, charged_at: Now, now: Now) -> State {
        match (self, state) {
            (
                Self::Metered {
                    allowance, scope, ..
                },
                state,
            ) => scope
                .here(allowance)
                .give_back(state, cost, charged_at, now),
            (Self::Concurrency(concurrency), State::Slots(state)) => {
                State::Slots(concurrency.release(state, charged_at.monotonic, now.monotonic))
            }
            (_, other) => other,
        }
    }

    /// The state after a settlement, and the units that were forgiven; `None`
    /// where nothing is ever settled.
    pub fn settle(
        &self,
        state: Option<State>,
        settlement: &Settlement,
        now: Now,
    ) -> Option<(State, u64)> {
        match self {
            Self::Metered {
                allowance, scope, ..
            } => Some(scope.here(allowance).settle(state, settlement, now)),
            Self::Concurrency(_) | Self::Blocked => None,
        }
    }
}

fn take(concurrency: &Concurrency, state: Option<State>, now: Now) -> Ruling {
    let slots = match state {
        Some(State::Slots(slots)) => Some(slots),
        _ => None,
    };
    match concurrency.take(slots, now.monotonic) {
        SlotDecision::Taken { remaining, next } => Ruling {
            answer: Answer::Allowed {
                remaining,
                reset_in: 0,
            },
            next: Some(State::Slots(next)),
        },
        SlotDecision::NoneFree => Ruling {
            answer: Answer::Denied {
                remaining: 0,
                retry_after: Some(SOON),
            },
            next: None,
        },
    }
}
