//! What a client may take over time, whichever way that is counted.

use super::{
    Answer, BucketState, CalendarQuota, Cost, Decision, Now, Period, QuotaDecision, QuotaState,
    Ruling, Settlement, State, TokenBucket,
};

/// A number of units that come back with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// One by one.
    Bucket(TokenBucket),
    /// All at once, with the next period.
    Quota(CalendarQuota),
}

/// The longest month, as what is told of a month's length.
const MONTH: u64 = 31 * 86_400;
const NANOS: u64 = 1_000_000_000;

// === impl Allowance ===

impl Allowance {
    /// The most units there are at one time.
    pub fn size(&self) -> u32 {
        match self {
            Self::Bucket(bucket) => bucket.burst().get(),
            Self::Quota(quota) => quota.quota().get(),
        }
    }

    /// The time in which all units come back, ns; for a month, of the longest.
    pub fn window(&self) -> u64 {
        match self {
            Self::Bucket(bucket) => bucket.capacity(),
            Self::Quota(quota) => match quota.period() {
                Period::Fixed(seconds) => seconds.get().saturating_mul(NANOS),
                Period::Month => MONTH.saturating_mul(NANOS),
            },
        }
    }

    /// The time in which one unit more comes back than came back before, ns: none
    /// where all come back at once.
    pub fn interval(&self) -> u64 {
        match self {
            Self::Bucket(bucket) => bucket.emission_interval().get(),
            Self::Quota(_) => 0,
        }
    }

    /// Decides on `cost` units. A state of another kind counts as none.
    pub fn decide(&self, state: Option<State>, cost: Cost, now: Now) -> Ruling {
        match self {
            Self::Bucket(bucket) => {
                let state = state.and_then(State::bucket);
                of_bucket(&bucket.decide(state, cost, now.monotonic))
            }
            Self::Quota(quota) => {
                let state = state.and_then(State::quota);
                of_quota(&quota.decide(state, cost, now.wall))
            }
        }
    }

    /// Units there are, and the time until all are, ns.
    pub fn look(&self, state: Option<State>, now: Now) -> (u32, u64) {
        match self {
            Self::Bucket(bucket) => bucket.look(state.and_then(State::bucket), now.monotonic),
            Self::Quota(quota) => quota.look(state.and_then(State::quota), now.wall),
        }
    }

    /// The state after `cost` units that were charged at `charged_at` come back.
    pub fn give_back(&self, state: State, cost: Cost, charged_at: Now, now: Now) -> State {
        match (self, state) {
            (Self::Bucket(bucket), State::Bucket(state)) => {
                let (charged_at, now) = (charged_at.monotonic, now.monotonic);
                State::Bucket(bucket.give_back(state, cost, charged_at, now))
            }
            (Self::Quota(quota), State::Quota(state)) => {
                let (charged_at, now) = (charged_at.wall, now.wall);
                State::Quota(quota.give_back(Some(state), cost, charged_at, now))
            }
            (_, other) => other,
        }
    }

    /// The state after a settlement, and the units that were forgiven.
    pub fn settle(&self, state: Option<State>, settlement: &Settlement, now: Now) -> (State, u64) {
        let Settlement {
            units, charged_at, ..
        } = *settlement;
        match self {
            Self::Bucket(bucket) => {
                let state = state.and_then(State::bucket);
                let interval = bucket.emission_interval().get();
                let refilled = settlement.refilled(interval, now.monotonic);
                let settled = bucket.settle(state, units, refilled, now.monotonic);
                (State::Bucket(settled.next), settled.forgiven)
            }
            Self::Quota(quota) => {
                let state = state.and_then(State::quota);
                let next = quota.settle(state, units, charged_at.wall, now.wall);
                (State::Quota(next), 0)
            }
        }
    }
}

fn of_bucket(decision: &Decision) -> Ruling {
    let next = match *decision {
        Decision::Allowed { next, .. } => Some(next),
        Decision::Denied { rebased, .. } => rebased,
    };
    Ruling {
        answer: decision.answer(),
        next: next.map(State::Bucket),
    }
}

fn of_quota(decision: &QuotaDecision) -> Ruling {
    match *decision {
        QuotaDecision::Allowed {
            remaining,
            reset_in,
            next,
        } => Ruling {
            answer: Answer::Allowed {
                remaining,
                reset_in,
            },
            next: Some(State::Quota(next)),
        },
        QuotaDecision::Denied {
            remaining,
            retry_after,
        } => Ruling {
            answer: Answer::Denied {
                remaining,
                retry_after: Some(retry_after),
            },
            next: None,
        },
    }
}

// === impl State ===

impl State {
    fn bucket(self) -> Option<BucketState> {
        match self {
            Self::Bucket(state) => Some(state),
            _ => None,
        }
    }

    fn quota(self) -> Option<QuotaState> {
        match self {
            Self::Quota(state) => Some(state),
            _ => None,
        }
    }
}
