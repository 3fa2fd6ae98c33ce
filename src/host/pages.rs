//! The table's pages in Envoy's shared data, which all workers share.
//!
//! A page is read, decided on and swapped; who loses the race reads again. All
//! pages of a request are decided on before any is written, so a denied
//! request writes nothing.

use std::cell::RefCell;

use log::error;

use super::stored_page::StoredPage;
use super::{monotonic, tick, HostError, Metrics};
use crate::limit::Outcome;
use crate::table::{Decided, Entry, Fingerprint, Layout, PageCharge, PageIndex, Said};

/// How often a race for one page may be lost.
const MAX_TRIES: u32 = 32;

/// The table.
#[derive(Debug)]
pub(crate) struct Pages {
    /// What the key of each page begins with.
    prefix: String,
    /// Charges that are still to be undone.
    owed: RefCell<Vec<Owed>>,
}

/// A charge to be undone.
#[derive(Debug, Clone)]
struct Owed {
    charge: PageCharge,
    charged_at: u64,
}

/// Why a request could not be charged.
#[derive(Debug)]
pub(crate) enum Uncounted {
    /// Other requests won every race.
    Contended,
    /// The store failed.
    Host(HostError),
}

/// What the pages of a request said. Where one denied, none is charged.
pub(crate) struct Charged<'a, 'r> {
    asked: &'a mut [Asked<'r>],
    /// When, ns.
    pub(crate) at: u64,
}

/// A page as it was read, with what its limits say.
struct Asked<'r> {
    request: &'r PageCharge,
    stored: StoredPage,
    decided: Vec<Decided>,
}

enum Swap {
    Done,
    Denied,
    Contended,
}

// === impl Pages ===

impl Pages {
    /// The table of this namespace and layout. The `1` is the version of a
    /// page's format.
    pub(crate) fn new(namespace: &str, layout: Layout) -> Self {
        Self {
            prefix: format!("tollgate/{namespace}/1/{}/", layout.pages()),
            owed: RefCell::default(),
        }
    }

    /// Asks all entries, and charges them if all allow it. `then` is told what
    /// they said.
    pub(crate) fn charge<T>(
        &self,
        requests: &[PageCharge],
        metrics: &Metrics,
        then: impl FnOnce(Charged<'_, '_>) -> T,
    ) -> Result<T, Uncounted> {
        let now = monotonic()?;
        // Nearly every request has one page, and needs no list of them.
        if let [request] = requests {
            let asked = &mut [self.ask(request, now)?];
            self.settle(asked, now, metrics)?;
            return Ok(then(Charged { asked, at: now }));
        }
        let asked = requests.iter().map(|request| self.ask(request, now));
        let asked = &mut asked.collect::<Result<Vec<_>, _>>()?;
        self.settle(asked, now, metrics)?;
        Ok(then(Charged { asked, at: now }))
    }

    fn settle(
        &self,
        asked: &mut [Asked<'_>],
        now: u64,
        metrics: &Metrics,
    ) -> Result<(), Uncounted> {
        if asked.iter().any(Asked::is_denied) {
            return Ok(asked.iter_mut().try_for_each(Asked::rebase)?);
        }
        self.swap_all(asked, now, metrics)
    }

    /// What all entries say, without charging any.
    pub(crate) fn look(&self, requests: &[PageCharge]) -> Result<Vec<Outcome>, Uncounted> {
        let now = monotonic()?;
        let mut outcomes = Vec::new();
        for request in requests {
            let decided = self.ask(request, now)?.decided;
            outcomes.extend(decided.into_iter().filter_map(|decided| decided.outcome));
        }
        Ok(outcomes)
    }

    /// Undoes what was charged at this time, now or on a later tick.
    pub(crate) fn undo(&self, charges: &[PageCharge], charged_at: u64) {
        let has_bucket = |page: &&PageCharge| {
            let mut charges = page.charges.iter();
            charges.any(|charge| charge.entry == Entry::Bucket)
        };
        for charge in charges.iter().filter(has_bucket) {
            self.undo_one(Owed {
                charge: charge.clone(),
                charged_at,
            });
        }
    }

    /// Keeps what Redis said. It only saves calls, so it is given up where
    /// other requests win every race.
    pub(crate) fn remember(&self, page: PageIndex, fingerprint: Fingerprint, said: Said) {
        let remembered = || -> Result<(), HostError> {
            let now = monotonic()?;
            let mut stored = StoredPage::read(self.key(page))?;
            for _ in 0..MAX_TRIES {
                stored.page.remember(fingerprint, said, now);
                if stored.write()? {
                    return Ok(());
                }
                stored.read_again()?;
            }
            Ok(())
        };
        if let Err(failure) = remembered() {
            error!("remembering a denial: {failure}");
        }
    }

    /// Tries again to undo what is owed. `true` once nothing is.
    pub(crate) fn pay_owed(&self) -> bool {
        let owed = self.owed.take();
        for owed in owed {
            self.undo_one(owed);
        }
        self.owed.borrow().is_empty()
    }

    /// Swaps one page after the other. Where one denies after all, those
    /// before it are undone.
    fn swap_all(
        &self,
        asked: &mut [Asked<'_>],
        now: u64,
        metrics: &Metrics,
    ) -> Result<(), Uncounted> {
        let mut charged: usize = 0;
        let ended = loop {
            let Some(next) = asked.get_mut(charged) else {
                return Ok(());
            };
            match next.swap(now, metrics) {
                Ok(Swap::Done) => charged = charged.saturating_add(1),
                Ok(Swap::Denied) => break Ok(()),
                Ok(Swap::Contended) => break Err(Uncounted::Contended),
                Err(failure) => break Err(Uncounted::Host(failure)),
            }
        };
        for asked in asked.iter().take(charged) {
            self.undo_one(Owed {
                charge: asked.request.clone(),
                charged_at: now,
            });
        }
        ended
    }

    fn ask<'r>(&self, request: &'r PageCharge, now: u64) -> Result<Asked<'r>, HostError> {
        let stored = StoredPage::read(self.key(request.page))?;
        Ok(Asked {
            request,
            decided: stored.page.decide(&request.charges, now),
            stored,
        })
    }

    fn undo_one(&self, owed: Owed) {
        match self.give_back(&owed) {
            Ok(true) => return,
            Ok(false) => {}
            Err(failure) => error!("undoing a charge, to be tried again: {failure}"),
        }
        self.owed.borrow_mut().push(owed);
        tick::arm();
    }

    /// `false` where other requests won every race.
    fn give_back(&self, owed: &Owed) -> Result<bool, HostError> {
        let Owed { charge, charged_at } = owed;
        let now = monotonic()?;
        let mut stored = StoredPage::read(self.key(charge.page))?;
        for _ in 0..MAX_TRIES {
            stored.page.give_back(&charge.charges, *charged_at, now);
            if stored.write()? {
                return Ok(true);
            }
            stored.read_again()?;
        }
        Ok(false)
    }

    fn key(&self, index: PageIndex) -> String {
        let mut number = itoa::Buffer::new();
        let number = number.format(index.get());
        let mut key = String::with_capacity(self.prefix.len().saturating_add(number.len()));
        key.push_str(&self.prefix);
        key.push_str(number);
        key
    }
}

// === impl Charged ===

impl<'a, 'r> Charged<'a, 'r> {
    /// Whether this request is the one to ask Redis after a denial that has
    /// lapsed.
    pub(crate) fn has_claimed(&self) -> bool {
        let mut decided = self.asked.iter().flat_map(|asked| &asked.decided);
        decided.any(Decided::is_claim)
    }

    /// What the limits said.
    pub(crate) fn into_outcomes(self) -> impl Iterator<Item = Outcome> + use<'a, 'r> {
        let decided = self.asked.iter_mut();
        let decided = decided.flat_map(|asked| std::mem::take(&mut asked.decided));
        decided.filter_map(|decided| decided.outcome)
    }
}

// === impl Asked ===

impl Asked<'_> {
    fn is_denied(&self) -> bool {
        self.decided.iter().any(Decided::is_denial)
    }

    /// Brings what another configuration has left to this one. Who loses the race
    /// finds it at the next denial.
    fn rebase(&mut self) -> Result<(), HostError> {
        let page = &mut self.stored.page;
        if page.rebase(&self.request.charges, &self.decided) {
            self.stored.write()?;
        }
        Ok(())
    }

    /// Charges the page that was read, or what has become of it since.
    fn swap(&mut self, now: u64, metrics: &Metrics) -> Result<Swap, HostError> {
        let charges = &self.request.charges;
        for _ in 0..MAX_TRIES {
            if !self.decided.iter().any(Decided::is_change) {
                return Ok(Swap::Done);
            }
            let evictions = self.stored.page.commit(charges, &self.decided, now);
            if self.stored.write()? {
                metrics.evictions(evictions);
                return Ok(Swap::Done);
            }
            self.stored.read_again()?;
            self.decided = self.stored.page.decide(charges, now);
            if self.is_denied() {
                return Ok(Swap::Denied);
            }
        }
        Ok(Swap::Contended)
    }
}

impl From<HostError> for Uncounted {
    fn from(failure: HostError) -> Self {
        Self::Host(failure)
    }
}
