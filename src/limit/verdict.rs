//! One answer out of several limits.

use std::num::NonZeroU64;
use std::rc::Rc;

use super::Limit;

/// What one limit said to a request.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The limit that was asked.
    pub limit: Rc<Limit>,
    /// What it said.
    pub answer: Answer,
}

/// The answer of one limit to one request, wherever it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The units are there.
    Allowed {
        /// Units left once this request is charged.
        remaining: u32,
        /// Time until the bucket is full again, ns.
        full_in: u64,
    },
    /// The units are not there.
    Denied {
        /// Units there are, fewer than asked for.
        remaining: u32,
        /// Time until they will be there if nobody takes any, ns.
        retry_after: NonZeroU64,
    },
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
        self.answer.is_denial()
    }

    fn standing(self) -> Standing {
        let (remaining, wait) = match self.answer {
            Answer::Allowed { remaining, full_in } => (remaining, full_in),
            Answer::Denied {
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

// === impl Answer ===

impl Answer {
    /// Whether the request does not pass.
    pub fn is_denial(&self) -> bool {
        matches!(self, Self::Denied { .. })
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
