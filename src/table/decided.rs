//! What the entries of a page say to a request.

use super::denial::Denial;
use super::entry::Content;
use super::page::Slot;
use super::{Charge, Entry};
use crate::limit::{Answer, Cost, Now, Outcome, Ruling, State};

/// What an entry said to its charge.
pub struct Decided {
    /// The limit's answer; `None` where Redis has to be asked.
    pub outcome: Option<Outcome>,
    /// What the entry is to hold then; of a limit that denied, in any case.
    pub(super) next: Option<Content>,
    /// Where the client's entry is, if there is one.
    pub(super) slot: Option<Slot>,
    /// Whether the limit is charged whatever others say.
    is_alone: bool,
    /// Whether it counts tokens, which a request that does not pass never takes.
    counts_tokens: bool,
}

/// Which of a page's charges are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those of a request that passes.
    All,
    /// Of one that does not, those of limits that are charged as if they were
    /// alone. And the entries of limits that denied are brought to this
    /// configuration, where another one has left them.
    Alone,
}

// === impl Decided ===

impl Decided {
    /// What the entry of this content, in this place, says to the charge.
    pub(super) fn on(
        charge: &Charge,
        slot: Option<Slot>,
        content: Option<Content>,
        now: Now,
    ) -> Self {
        let (answer, next) = match charge.entry {
            Entry::Spent => ask_limit(charge, content, now),
            Entry::Denial { claim, held } => {
                let cost = charge.cost.saturating_add(held);
                ask_denial(charge, cost, content, claim, now.monotonic)
            }
        };
        let limit = &charge.limit;
        Self {
            slot,
            next,
            is_alone: limit.is_alone(),
            counts_tokens: limit.tokens().is_some(),
            outcome: answer.map(|answer| Outcome {
                limit: limit.clone(),
                answer,
            }),
        }
    }

    /// Whether the limit denied, and the request does not pass for it.
    pub fn is_enforced_denial(&self) -> bool {
        self.is_denial() && !self.is_alone
    }

    /// Whether the request has to ask Redis after a denial that has lapsed.
    pub fn is_claim(&self) -> bool {
        self.outcome.is_none() && self.next.is_some()
    }

    /// Whether the request is charged here, if these charges are made.
    pub fn is_charged(&self, which: Which) -> bool {
        !self.is_denial() && self.next(which).is_some()
    }

    /// What the entry is to hold, if these charges are made. A denial that
    /// another configuration's state has met is rebased, since the state would
    /// go on refilling at that one's rate, and the wait not be enough; nobody
    /// has an entry for the sake of a denial.
    pub(super) fn next(&self, which: Which) -> Option<Content> {
        let is_made = match which {
            _ if self.is_denial() => self.slot.is_some(),
            Which::All => true,
            Which::Alone => self.is_alone && !self.counts_tokens && !self.is_claim(),
        };
        self.next.filter(|_| is_made)
    }

    /// Puts what the entry says by now in place of this, on behalf of a request
    /// that does not pass. What has denied it goes on to: it may have the units by
    /// now, but it is not charged.
    pub fn revise(&mut self, now: Self) {
        if self.is_enforced_denial() && !now.is_enforced_denial() {
            self.forgo();
        } else {
            *self = now;
        }
    }

    /// Leaves the entry as it is, whatever was decided.
    pub fn forgo(&mut self) {
        self.next = None;
    }

    /// Whether these charges change the entry.
    pub fn changes(&self, which: Which) -> bool {
        self.next(which).is_some()
    }

    fn is_denial(&self) -> bool {
        self.outcome.as_ref().is_some_and(Outcome::is_denial)
    }
}

/// What a limit says, and its state after that.
fn ask_limit(
    charge: &Charge,
    content: Option<Content>,
    now: Now,
) -> (Option<Answer>, Option<Content>) {
    let state: Option<State> = match content {
        Some(Content::Spent(state)) => Some(state),
        _ => None,
    };
    let Ruling { answer, next } = charge.limit.kind.decide(state, charge.cost, now);
    (Some(answer), next.map(Content::Spent))
}

/// What a remembered denial says, and what becomes of one that has lapsed.
fn ask_denial(
    charge: &Charge,
    cost: Cost,
    content: Option<Content>,
    claim: u64,
    now: u64,
) -> (Option<Answer>, Option<Content>) {
    let Some(Content::Denial(denial)) = content else {
        return (None, None);
    };
    let claimed: Option<Denial> = denial.claimed(claim, now);
    let answer = denial.answer(cost, &charge.limit, now);
    (answer, claimed.map(Content::Denial))
}
