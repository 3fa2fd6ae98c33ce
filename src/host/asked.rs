//! The pages of one request, as they were read, decided on and charged.

use super::pages::Slots;
use super::stored_page::{StoredPage, MAX_TRIES};
use super::{HostError, Metrics};
use crate::limit::{Now, Outcome};
use crate::table::{Charge, Decided, PageCharge, Which};

/// What the pages of a request said. Where one denied, none is charged.
pub(crate) struct Charged<'a, 'r> {
    pub(super) asked: &'a mut [Asked<'r>],
    /// Which charges were made.
    pub(super) which: Which,
    /// When.
    pub(crate) at: Now,
}

/// A page as it was read, with what its limits say.
pub(super) struct Asked<'r> {
    pub(super) request: &'r PageCharge,
    stored: StoredPage<'r>,
    decided: Vec<Decided>,
}

/// What came of charging a page.
pub(super) enum Swap {
    Done,
    /// It has changed, and one of its limits denies now.
    Denied,
    /// Other requests won every race.
    Contended,
}

// === impl Charged ===

impl<'a, 'r> Charged<'a, 'r> {
    /// Whether this request is the one to ask Redis after a denial that has
    /// lapsed.
    pub(crate) fn has_claimed(&self) -> bool {
        let mut decided = self.asked.iter().flat_map(|asked| &asked.decided);
        decided.any(Decided::is_claim)
    }

    /// The slots that the request has taken, to be given back.
    pub(crate) fn slots(&self) -> Option<Box<Slots>> {
        if !self.asked.iter().any(Asked::has_slots) {
            return None;
        }
        let pages: Vec<PageCharge> = self
            .asked
            .iter()
            .filter_map(|asked| asked.slots(self.which))
            .collect();
        if pages.is_empty() {
            return None;
        }
        Some(Box::new(Slots {
            pages,
            taken_at: self.at,
        }))
    }

    /// What the limits said.
    pub(crate) fn into_outcomes(self) -> impl Iterator<Item = Outcome> + use<'a, 'r> {
        let decided = self.asked.iter_mut();
        let decided = decided.flat_map(|asked| std::mem::take(&mut asked.decided));
        decided.filter_map(|decided| decided.outcome)
    }
}

// === impl Asked ===

impl<'r> Asked<'r> {
    /// What a page says. What this worker has kept of it is good for charges, which a
    /// write then proves right, and for nothing else.
    pub(super) fn of(
        mut stored: StoredPage<'r>,
        request: &'r PageCharge,
        now: Now,
    ) -> Result<Self, HostError> {
        let mut decided = stored.page.decide(&request.charges, now);
        let is_charge =
            |decided: &Decided| decided.changes(Which::All) && !decided.is_enforced_denial();
        if stored.is_kept() && !decided.iter().all(is_charge) {
            stored.read_again()?;
            decided = stored.page.decide(&request.charges, now);
        }
        Ok(Self {
            request,
            stored,
            decided,
        })
    }

    pub(super) fn is_denied(&self) -> bool {
        self.decided.iter().any(Decided::is_enforced_denial)
    }

    fn has_slots(&self) -> bool {
        let mut charges = self.request.charges.iter();
        charges.any(|charge| charge.limit.is_concurrency())
    }

    /// The slots that the page has given.
    pub(super) fn slots(&self, which: Which) -> Option<PageCharge> {
        let charges = self.request.charges.iter().zip(&self.decided);
        let taken = charges
            .filter(|(charge, decided)| charge.limit.is_concurrency() && decided.is_charged(which));
        let charges: Vec<Charge> = taken.map(|(charge, _)| charge.clone()).collect();
        (!charges.is_empty()).then_some(PageCharge {
            page: self.request.page,
            charges,
        })
    }

    /// Charges what is charged as if alone. Who loses every race goes without:
    /// what is not enforced is no reason to refuse.
    pub(super) fn swap_alone(&mut self, now: Now, metrics: &Metrics) -> Result<(), HostError> {
        if let Swap::Contended = self.swap(Which::Alone, now, metrics)? {
            self.forgo(metrics);
        }
        Ok(())
    }

    /// Charges the page that was read, or what has become of it since.
    pub(super) fn swap(
        &mut self,
        which: Which,
        now: Now,
        metrics: &Metrics,
    ) -> Result<Swap, HostError> {
        let charges = &self.request.charges;
        for _ in 0..MAX_TRIES {
            if self.decided.iter().any(|decided| decided.changes(which)) {
                let evictions = self.stored.page.commit(charges, &self.decided, which, now);
                if self.stored.write()? {
                    metrics.evictions(evictions);
                    return Ok(Swap::Done);
                }
            } else if !self.stored.is_kept() {
                return Ok(Swap::Done);
            }
            self.stored.read_again()?;
            let decided = self.stored.page.decide(charges, now);
            match which {
                Which::All => {
                    self.decided = decided;
                    if self.is_denied() {
                        return Ok(Swap::Denied);
                    }
                }
                // The request is denied already, and nobody charges it any more.
                Which::Alone => {
                    let before = self.decided.iter_mut();
                    before.zip(decided).for_each(|(said, now)| said.revise(now));
                }
            }
        }
        if self
            .request
            .charges
            .iter()
            .all(|charge| charge.limit.is_alone())
        {
            self.forgo(metrics);
            return Ok(Swap::Done);
        }
        Ok(Swap::Contended)
    }

    fn forgo(&mut self, metrics: &Metrics) {
        metrics.conflict();
        self.decided.iter_mut().for_each(Decided::forgo);
    }
}
