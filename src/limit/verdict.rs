//! One answer out of several limits.

use std::iter;
use std::mem;
use std::num::NonZeroU64;
use std::rc::Rc;

use super::{Limit, Unit};

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
        /// Time until the bucket is full again, or the period ends, ns; 0 where
        /// it is not time that brings units back.
        reset_in: u64,
    },
    /// The units are not there.
    Denied {
        /// Units there are, fewer than asked for.
        remaining: u32,
        /// Time until they will be there if nobody takes any, ns; `None`: they
        /// never will.
        retry_after: Option<NonZeroU64>,
    },
}

/// What all limits asked said together: a request passes only if all that are
/// enforced allow it.
#[derive(Debug)]
pub struct Verdict {
    /// Where the client now stands, or why the request does not pass.
    pub decision: Result<Option<Standings>, Box<Denial>>,
    /// The limits that are not enforced and would have denied it.
    pub over: Vec<Rc<Limit>>,
}

/// Where a client stands with the limits that allowed its request.
#[derive(Debug, Clone)]
pub struct Standings {
    /// With the one nearest to its end.
    pub tightest: Standing,
    /// With that one of those of each other unit.
    others: Vec<Standing>,
}

/// Where a client stands with a limit.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The limit.
    pub limit: Rc<Limit>,
    /// Units left.
    pub remaining: u32,
    /// Time until the bucket is full again, or the period ends; for a limit
    /// that denied, until it would allow the same request. In ns; `None` where
    /// it is not time that brings units back.
    pub reset: Option<u64>,
}

/// Why a request does not pass.
#[derive(Debug)]
pub struct Denial {
    /// The denying limit with the longest wait.
    pub longest: Standing,
    /// That wait: when to come back, in ns. `None`: never.
    pub retry_after: Option<NonZeroU64>,
    /// Every limit that denied.
    pub violated: Vec<Rc<Limit>>,
}

// === impl Verdict ===

impl Verdict {
    /// The verdict of these outcomes, in the order they are to be reported.
    pub fn of(outcomes: impl Iterator<Item = Outcome>) -> Self {
        let mut standings: Option<Standings> = None;
        let mut denial: Option<Box<Denial>> = None;
        let mut over = Vec::new();
        outcomes.for_each(|Outcome { limit, answer }| match answer {
            Answer::Denied { .. } if limit.is_alone() => over.push(limit),
            Answer::Allowed { .. } if limit.is_alone() => {}
            Answer::Denied {
                remaining,
                retry_after,
            } => Denial::add(&mut denial, limit, remaining, retry_after),
            Answer::Allowed {
                remaining,
                reset_in,
            } => {
                let standing = Standing {
                    reset: limit.window().map(|_| reset_in),
                    limit,
                    remaining,
                };
                match &mut standings {
                    Some(standings) => standings.add(standing),
                    None => standings = Some(Standings::with(standing)),
                }
            }
        });
        Self {
            decision: match denial {
                Some(denial) => Err(denial),
                None => Ok(standings),
            },
            over,
        }
    }
}

// === impl Denial ===

impl Denial {
    fn add(
        denial: &mut Option<Box<Self>>,
        limit: Rc<Limit>,
        remaining: u32,
        retry_after: Option<NonZeroU64>,
    ) {
        let standing = Standing {
            reset: limit.window().and(retry_after).map(NonZeroU64::get),
            limit: limit.clone(),
            remaining,
        };
        match denial {
            None => {
                *denial = Some(Box::new(Self {
                    longest: standing,
                    retry_after,
                    violated: vec![limit],
                }));
            }
            Some(denial) => {
                denial.violated.push(limit);
                if is_longer(retry_after, denial.retry_after) {
                    (denial.longest, denial.retry_after) = (standing, retry_after);
                }
            }
        }
    }
}

/// Whether one wait is longer than another; `None`: for ever.
fn is_longer(wait: Option<NonZeroU64>, other: Option<NonZeroU64>) -> bool {
    match (wait, other) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(wait), Some(other)) => wait > other,
    }
}

// === impl Standings ===

impl Standings {
    /// Where a client stands with one limit.
    pub fn with(tightest: Standing) -> Self {
        Self {
            tightest,
            others: Vec::new(),
        }
    }

    /// The standing with the limit of this unit that is nearest to its end.
    pub fn of(&self, unit: Unit) -> Option<&Standing> {
        let mut all = iter::once(&self.tightest).chain(&self.others);
        all.find(|standing| standing.limit.unit() == unit)
    }

    /// Puts where the client stands by now in place of what these limits said
    /// before.
    pub fn renew(&mut self, now: Self) {
        let Self { tightest, others } = now;
        for standing in iter::once(tightest).chain(others) {
            let mut known = iter::once(&mut self.tightest).chain(&mut self.others);
            match known.find(|known| Rc::ptr_eq(&known.limit, &standing.limit)) {
                Some(known) => *known = standing,
                None => self.add(standing),
            }
        }
        for standing in mem::take(&mut self.others) {
            self.add(standing);
        }
    }

    /// Adds another limit's.
    pub fn add(&mut self, mut standing: Standing) {
        let Self { tightest, others } = self;
        if standing.is_tighter_than(tightest) {
            mem::swap(tightest, &mut standing);
        }
        let unit = standing.limit.unit();
        match others.iter_mut().find(|other| other.limit.unit() == unit) {
            Some(other) if standing.is_tighter_than(other) => *other = standing,
            Some(_) => {}
            None => others.push(standing),
        }
        let unit = tightest.limit.unit();
        others.retain(|other| other.limit.unit() != unit);
    }
}

// === impl Outcome ===

impl Outcome {
    /// Whether the limit denied.
    pub fn is_denial(&self) -> bool {
        self.answer.is_denial()
    }

    /// Whether the limit denied, and the request does not pass for it.
    pub fn is_enforced_denial(&self) -> bool {
        self.is_denial() && !self.limit.is_alone()
    }
}

// === impl Answer ===

impl Answer {
    /// Whether the units are not there.
    pub fn is_denial(&self) -> bool {
        matches!(self, Self::Denied { .. })
    }
}

// === impl Standing ===

impl Standing {
    /// Whether it is nearer to its end: has a smaller share of all its units
    /// left.
    fn is_tighter_than(&self, other: &Self) -> bool {
        // Shares compared crosswise, since integers do not divide well.
        self.times_size_of(other) < other.times_size_of(self)
    }

    fn times_size_of(&self, other: &Self) -> u64 {
        u64::from(self.remaining).saturating_mul(other.limit.size().into())
    }
}
