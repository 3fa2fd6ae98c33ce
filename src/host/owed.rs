//! What the table still owes its clients, or they it: charges that come back,
//! slots, settlements. None of it is ever dropped: what loses its races for a page
//! is tried again on the tick.

use log::error;

use super::pages::{Pages, Slots};
use super::stored_page::MAX_TRIES;
use super::tick::Pace;
use super::{HostError, Metrics};
use crate::limit::Now;
use crate::table::{Charge, Corrected, Correction, Entry, Page, PageCharge, PageIndex};

/// What is to become of one page.
#[derive(Debug, Clone)]
pub(super) enum Owed {
    /// These charges come back.
    Back { charge: PageCharge, charged_at: Now },
    /// These states are corrected.
    Settlement {
        page: PageIndex,
        corrections: Vec<Correction>,
    },
}

// === impl Owed ===

impl Owed {
    pub(super) fn back(charge: PageCharge, charged_at: Now) -> Self {
        Self::Back { charge, charged_at }
    }

    fn page(&self) -> PageIndex {
        match self {
            Self::Back { charge, .. } => charge.page,
            Self::Settlement { page, .. } => *page,
        }
    }

    fn pay(&self, page: &mut Page, now: Now) -> Corrected {
        match self {
            Self::Back { charge, charged_at } => {
                page.give_back(&charge.charges, *charged_at, now);
                Corrected::default()
            }
            Self::Settlement { corrections, .. } => page.settle(corrections, now),
        }
    }
}

// === impl Pages ===

impl Pages {
    /// Gives back what was charged for a request that does not pass: all but its
    /// slots, and what was charged as if alone.
    pub(crate) fn undo(&self, charges: &[PageCharge], charged_at: Now, metrics: &Metrics) {
        let is_undone = |charge: &Charge| {
            let limit = &charge.limit;
            charge.entry == Entry::Spent && !limit.is_alone() && !limit.is_concurrency()
        };
        let undone = charges.iter().filter_map(|page| page.only(is_undone));
        for charge in undone {
            self.pay(Owed::back(charge, charged_at), metrics);
        }
    }

    /// Gives slots back.
    pub(crate) fn release(&self, slots: Slots, metrics: &Metrics) {
        for charge in slots.pages {
            self.pay(Owed::back(charge, slots.taken_at), metrics);
        }
    }

    /// Corrects states of one page.
    pub(crate) fn settle(&self, page: PageIndex, corrections: Vec<Correction>, metrics: &Metrics) {
        self.pay(Owed::Settlement { page, corrections }, metrics);
    }

    /// Tries again to pay what is owed. `true` once nothing is.
    pub(crate) fn pay_owed(&self, metrics: &Metrics) -> bool {
        let owed = self.owed.take();
        for owed in owed {
            self.pay(owed, metrics);
        }
        self.owed.borrow().is_empty()
    }

    pub(super) fn pay(&self, owed: Owed, metrics: &Metrics) {
        match self.try_to_pay(&owed) {
            Ok(Some(corrected)) => {
                metrics.evictions(corrected.evictions);
                metrics.forgiven(corrected.forgiven);
                return;
            }
            Ok(None) => {}
            Err(failure) => error!("a page could not be corrected, to be tried again: {failure}"),
        }
        self.owed.borrow_mut().push(owed);
        self.tick.arm(Pace::Fast);
    }

    /// `None` where other requests won every race.
    fn try_to_pay(&self, owed: &Owed) -> Result<Option<Corrected>, HostError> {
        let now = self.clocks.now()?;
        let mut stored = self.store.recall(owed.page())?;
        for _ in 0..MAX_TRIES {
            let corrected = owed.pay(&mut stored.page, now);
            if stored.write()? {
                return Ok(Some(corrected));
            }
            stored.read_again()?;
        }
        Ok(None)
    }
}
