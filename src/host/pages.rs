//! The table's pages in Envoy's shared data, which all workers share.
//!
//! A page is read, decided on and swapped; who loses the race reads again. All
//! pages of a request are decided on before any is written, so a denied
//! request is charged nothing, but for limits that are counted as if alone.

use std::cell::RefCell;

use log::error;

use super::asked::{Asked, Charged, Swap};
use super::owed::Owed;
use super::page_store::PageStore;
use super::stored_page::MAX_TRIES;
use super::{Clocks, HostError, Metrics, Tick};
use crate::limit::Now;
use crate::table::{
    Charge, Entry, Fingerprint, Layout, Look, Page, PageCharge, PageIndex, Said, Which,
};

/// The table.
#[derive(Debug)]
pub(crate) struct Pages {
    pub(super) store: PageStore,
    pub(super) clocks: Clocks,
    /// What is still to be given back or settled.
    pub(super) owed: RefCell<Vec<Owed>>,
    pub(super) tick: Tick,
}

/// The slots that a request holds while it is under way.
#[derive(Debug)]
pub(crate) struct Slots {
    pub(super) pages: Vec<PageCharge>,
    pub(super) taken_at: Now,
}

/// Why a request could not be charged.
#[derive(Debug)]
pub(crate) enum Uncounted {
    /// Other requests won every race.
    Contended,
    /// The store failed.
    Host(HostError),
}

// === impl Pages ===

impl Pages {
    /// The table of this namespace and layout.
    pub(crate) fn new(
        namespace: &str,
        layout: Layout,
        clocks: Clocks,
        tick: Tick,
    ) -> Result<Self, HostError> {
        Ok(Self {
            store: PageStore::new(namespace, layout)?,
            clocks,
            owed: RefCell::default(),
            tick,
        })
    }

    /// Asks all entries, and charges them if all allow it and `which` wants it.
    /// `then` is told what they said.
    pub(crate) fn charge<T>(
        &self,
        requests: &[PageCharge],
        which: Which,
        metrics: &Metrics,
        then: impl FnOnce(Charged<'_, '_>) -> T,
    ) -> Result<T, Uncounted> {
        let now = self.clocks.now()?;
        // Nearly every request has one page, and needs no list of them.
        if let [request] = requests {
            let stored = self.store.recall(request.page)?;
            let asked = &mut [Asked::of(stored, request, now)?];
            let which = self.conclude(asked, which, now, metrics)?;
            return Ok(then(Charged {
                asked,
                which,
                at: now,
            }));
        }
        // A kept page that turns out to be another one would have the pages before it
        // charged in vain.
        let asked = requests.iter().map(|request| {
            let stored = self.store.read(request.page)?;
            Asked::of(stored, request, now)
        });
        let asked = &mut asked.collect::<Result<Vec<_>, _>>()?;
        let which = self.conclude(asked, which, now, metrics)?;
        Ok(then(Charged {
            asked,
            which,
            at: now,
        }))
    }

    /// Where each charge's client stands: units left, and the time until all are
    /// there, ns.
    pub(crate) fn look(&self, request: &PageCharge) -> Result<Vec<(u32, u64)>, HostError> {
        let now = self.clocks.now()?;
        let stored = self.store.read(request.page)?;
        Ok(stored.page.look(&request.charges, now))
    }

    /// What Redis was last seen to have, likewise; `None` where it is time to
    /// look, `Some(None)` while another does.
    pub(crate) fn seen(
        &self,
        page: PageIndex,
        fingerprint: Fingerprint,
    ) -> Result<Option<Option<(u32, u64)>>, HostError> {
        let now = self.clocks.now()?;
        let stored = self.store.read(page)?;
        let look = stored.page.seen(fingerprint, now);
        Ok(look.map(|look| look.left()))
    }

    /// Keeps what Redis is seen to have, or that somebody looks, which nobody else
    /// is to do then; whether there is room for it.
    pub(crate) fn see(
        &self,
        page: PageIndex,
        fingerprint: Fingerprint,
        left: Option<(u32, u64)>,
    ) -> bool {
        self.update(page, |page, now| {
            page.see(fingerprint, Look::new(left, now.monotonic), now)
        })
    }

    /// Keeps what Redis said. It only saves calls, so it is given up where
    /// other requests win every race.
    pub(crate) fn remember(&self, page: PageIndex, fingerprint: Fingerprint, said: Said) {
        self.update(page, |page, now| page.remember(fingerprint, said, now));
    }

    /// Charges what the limits have allowed, and tells which charges that was.
    fn conclude(
        &self,
        asked: &mut [Asked<'_>],
        which: Which,
        now: Now,
        metrics: &Metrics,
    ) -> Result<Which, Uncounted> {
        if which == Which::All && !asked.iter().any(Asked::is_denied) {
            return self.swap_all(asked, now, metrics);
        }
        let mut asked = asked.iter_mut();
        asked.try_for_each(|asked| asked.swap_alone(now, metrics))?;
        Ok(Which::Alone)
    }

    /// Swaps one page after the other. Where one denies after all, those
    /// before it are undone.
    fn swap_all(
        &self,
        asked: &mut [Asked<'_>],
        now: Now,
        metrics: &Metrics,
    ) -> Result<Which, Uncounted> {
        let mut charged: usize = 0;
        let ended = loop {
            let Some(next) = asked.get_mut(charged) else {
                return Ok(Which::All);
            };
            match next.swap(Which::All, now, metrics) {
                Ok(Swap::Done) => charged = charged.saturating_add(1),
                Ok(Swap::Denied) => break Ok(()),
                Ok(Swap::Contended) => break Err(Uncounted::Contended),
                Err(failure) => break Err(Uncounted::Host(failure)),
            }
        };
        let (before, rest) = asked.split_at_mut_checked(charged).unwrap_or_default();
        for asked in before {
            // What is charged as if alone stays, but for tokens: nobody settles those of
            // a request that does not pass.
            let is_undone = |charge: &Charge| {
                let stays = charge.limit.is_alone() && charge.limit.tokens().is_none();
                charge.entry == Entry::Spent && !stays
            };
            let undone = asked.request.only(is_undone);
            // Of a request that is not counted nobody knows later what it holds.
            let held = asked.slots(Which::All).filter(|_| ended.is_err());
            let held = held.and_then(|slots| slots.only(|slot| slot.limit.is_alone()));
            for charge in undone.into_iter().chain(held) {
                self.pay(Owed::back(charge, now), metrics);
            }
        }
        ended?;
        self.conclude(rest, Which::Alone, now, metrics)
    }

    /// Changes a page for the sake of what it saves; `false` where nothing is
    /// changed, or other requests won every race.
    fn update(&self, page: PageIndex, mut change: impl FnMut(&mut Page, Now) -> bool) -> bool {
        let mut updated = || -> Result<bool, HostError> {
            let now = self.clocks.now()?;
            let mut stored = self.store.read(page)?;
            for _ in 0..MAX_TRIES {
                if !change(&mut stored.page, now) {
                    return Ok(false);
                }
                if stored.write()? {
                    return Ok(true);
                }
                stored.read_again()?;
            }
            Ok(false)
        };
        updated().unwrap_or_else(|failure| {
            error!("what Redis said could not be kept: {failure}");
            false
        })
    }
}

// === impl Uncounted ===

impl From<HostError> for Uncounted {
    fn from(failure: HostError) -> Self {
        Self::Host(failure)
    }
}
