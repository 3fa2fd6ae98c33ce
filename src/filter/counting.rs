//! What a request is charged, from all stores, and what comes of it.

use std::rc::Rc;

use log::error;

use crate::admission::{Budget, Charges, Turn};
use crate::feedback::Refusal;
use crate::host::{Slots, Uncounted};
use crate::limit::{Limit, Outcome, Standings, Verdict};
use crate::root::Plugin;
use crate::table::Which;

use super::cluster::{self, Waiting};
use super::receipt::Receipt;

/// How far the counting of a request has come.
pub(super) enum Counting {
    /// It is decided.
    Decided(Counted),
    /// Redis is asked.
    Waiting(Box<Waiting>),
}

/// What came of counting a request.
pub(super) struct Counted {
    /// Whether it passes.
    pub(super) decision: Result<Passed, Refusal>,
    /// What it holds while it is under way.
    pub(super) slots: Option<Box<Slots>>,
    /// The limits that are not enforced and would have denied it.
    pub(super) over: Vec<Rc<Limit>>,
    /// What it was charged, where it passes and takes tokens.
    pub(super) reserved: Option<Box<Reserved>>,
}

/// The tokens that a request is to have, and what it was charged for them.
pub(super) struct Reserved {
    pub(super) budget: Box<Budget>,
    pub(super) receipt: Receipt,
    /// The limits that have allowed it, to be counted once its body passes too.
    pub(super) met: Vec<Rc<Limit>>,
}

/// What the response to a request that passes is to show.
pub(super) enum Passed {
    /// No limit was asked: nothing, nor what the upstream has to say.
    Unlimited,
    /// Where the client stands, in place of the upstream's own headers.
    Limited {
        standings: Standings,
        policy: Rc<str>,
    },
}

// === impl Passed ===

impl Passed {
    /// Puts what the limits say by now in place of what they said before.
    pub(super) fn renew(&mut self, now: Self) {
        if let (Self::Limited { standings, .. }, Self::Limited { standings: now, .. }) = (self, now)
        {
            standings.renew(now);
        }
    }
}

/// Counts a request: in this gateway, and in Redis where that is asked for.
pub(super) fn count(plugin: &Plugin, charges: Charges) -> Counting {
    match plugin
        .redis
        .as_ref()
        .filter(|_| !charges.cluster.is_empty())
    {
        Some(redis) => cluster::count(plugin, redis, charges),
        None if charges.is_empty() => Counting::Decided(Counted::unlimited()),
        None => Counting::Decided(count_here(plugin, charges)),
    }
}

fn count_here(plugin: &Plugin, charges: Charges) -> Counted {
    let Charges {
        pages,
        policy,
        budget,
        turn,
        ..
    } = charges;
    let counted = plugin
        .pages
        .charge(&pages, Which::All, &plugin.metrics, |charged| {
            let (slots, charged_at) = (charged.slots(), charged.at);
            let Some(budget) = budget else {
                return Counted {
                    slots,
                    ..decided(plugin, charged.into_outcomes(), policy, turn)
                };
            };
            let outcomes: Vec<Outcome> = charged.into_outcomes().collect();
            let mut receipt = Receipt::default();
            receipt.pages(&pages, &outcomes, charged_at);
            let met = outcomes.iter().map(|outcome| outcome.limit.clone());
            let met = met.collect();
            let counted = decided(plugin, outcomes.into_iter(), policy, turn);
            let reserved = || Reserved::new(budget, receipt, met);
            Counted {
                slots,
                reserved: counted.decision.is_ok().then(reserved),
                ..counted
            }
        });
    let counted = counted.unwrap_or_else(|uncounted| refused_uncounted(plugin, &uncounted));
    if counted.decision.is_ok() && counted.reserved.is_none() {
        let charges = pages.iter().flat_map(|page| &page.charges);
        charges.for_each(|charge| plugin.metrics.passed(&charge.limit));
    }
    counted
}

/// The verdict of all limits that were asked. Those that denied are counted
/// here, and those that are counted as if alone; that the others have allowed it
/// counts only once the request passes.
pub(super) fn decided(
    plugin: &Plugin,
    outcomes: impl Iterator<Item = Outcome>,
    policy: Rc<str>,
    turn: Turn,
) -> Counted {
    let is_new = |outcome: &Outcome| turn == Turn::First || outcome.is_denial();
    let verdict = Verdict::of(outcomes.inspect(|outcome| {
        if is_new(outcome) {
            plugin.metrics.decided(outcome);
        }
    }));
    Counted {
        decision: match verdict.decision {
            Ok(Some(standings)) => Ok(Passed::Limited { standings, policy }),
            Ok(None) => Ok(Passed::Unlimited),
            Err(denial) => Err(Refusal::Denied(denial)),
        },
        slots: None,
        over: verdict.over,
        reserved: None,
    }
}

pub(super) fn refused_uncounted(plugin: &Plugin, uncounted: &Uncounted) -> Counted {
    if let Uncounted::Host(failure) = uncounted {
        error!("a request could not be counted: {failure}");
    }
    plugin.metrics.conflict();
    Refusal::Uncounted.into()
}

// === impl Counted ===

impl From<Refusal> for Counted {
    fn from(refusal: Refusal) -> Self {
        Self {
            decision: Err(refusal),
            slots: None,
            over: Vec::new(),
            reserved: None,
        }
    }
}

// === impl Reserved ===

impl Reserved {
    pub(super) fn new(budget: Box<Budget>, receipt: Receipt, met: Vec<Rc<Limit>>) -> Box<Self> {
        Box::new(Self {
            budget,
            receipt,
            met,
        })
    }
}

impl Counted {
    /// A request that no limit concerns.
    pub(super) fn unlimited() -> Self {
        Self {
            decision: Ok(Passed::Unlimited),
            slots: None,
            over: Vec::new(),
            reserved: None,
        }
    }
}
