//! One answer out of several limits.

use std::num::NonZeroU64;
use std::rc::Rc;

use super::{Decision, Limit};

/// What one limit said to a request.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The limit that was asked.
    pub limit: Rc<Limit>,
    /// Its answer.
    pub decision: Decision,
}

/// What all limits asked said together: a request passes only if all allow it.
#[derive(Debug)]
pub enum Verdict {
    /// Every limit allowed it. Where the client now stands with the one nearest
    /// to its end; `None` where no limit was asked.
    Allowed(Option<Standing>),
    /// At least one limit denied it.
    Denied(Denial),
}

/// Where a client stands with a limit.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The limit.
    pub limit: Rc<Limit>,
    /// Units left.
    pub remaining: u32,
    /// Time until the bucket is full again; for a limit that denied, until it
    /// would allow the same request. In ns.
    pub wait: u64,
}

/// Why a request does not pass.
#[derive(Debug)]
pub struct Denial {
    /// The denying limit with the longest wait: when to come back.
    pub longest: Standing,
    /// Every limit that denied.
    pub violated: Vec<Rc<Limit>>,
}

// === impl Verdict ===

impl Verdict {
    /// The verdict of these outcomes, in the order they are to be reported.
    pub fn of(outcomes: impl Iterator<Item = Outcome>) -> Self {
        let mut tightest: Option<Standing> = None;
        let mut denied: Vec<Standing> = Vec::new();
        for outcome in outcomes {
            let denies = outcome.is_denial();
            let standing = outcome.standing();
            if denies {
                denied.push(standing);
            } else if tightest
                .as_ref()
                .is_none_or(|other| standing.is_tighter_than(other))
            {
                tightest = Some(standing);
            }
        }
        let longest = denied.iter().reduce(|longest, next| {
            if next.wait > longest.wait {
                next
            } else {
                longest
            }
        });
        match longest.cloned() {
            Some(longest) => Self::Denied(Denial {
                longest,
                violated: denied.into_iter().map(|standing| standing.limit).collect(),
            }),
            None => Self::Allowed(tightest),
        }
    }
}

// === impl Outcome ===

impl Outcome {
    /// Whether the limit denied.
    pub fn is_denial(&self) -> bool {
        matches!(self.decision, Decision::Denied { .. })
    }

    fn standing(self) -> Standing {
        let (remaining, wait) = match self.decision {
            Decision::Allowed {
                remaining, full_in, ..
            } => (remaining, full_in),
            Decision::Denied {
                remaining,
                retry_after,
            } => (remaining, NonZeroU64::get(retry_after)),
        };
        Standing {
            limit: self.limit,
            remaining,
            wait,
        }
    }
}

// === impl Standing ===

impl Standing {
    /// Whether it is nearer to its end: has a smaller share of its burst left.
    fn is_tighter_than(&self, other: &Self) -> bool {
        // Shares compared crosswise, since integers do not divide well.
        self.times_burst_of(other) < other.times_burst_of(self)
    }

    fn times_burst_of(&self, other: &Self) -> u64 {
        u64::from(self.remaining).saturating_mul(other.limit.bucket.burst().get().into())
    }
}
