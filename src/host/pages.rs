//! The table's pages in Envoy's shared data, which all workers share.
//!
//! A page is read, decided on and swapped; who loses the race reads again. All
//! pages of a request are decided on before any is written, so a denied
//! request writes nothing.

use std::cell::RefCell;
use std::fmt::Write;
use std::time::Duration;

use log::error;
use proxy_wasm::hostcalls;
use proxy_wasm::types::Status;

use super::{monotonic, HostError, Metrics};
use crate::limit::{Outcome, Verdict};
use crate::table::{Layout, Page, PageCharge, PageIndex};

/// A compare-and-swap value that no key ever has. On a missing key it creates
/// and on a present one it fails, where `None` would overwrite.
pub(super) const CREATE: u32 = u32::MAX;

/// How often a race for one page may be lost.
const MAX_TRIES: u32 = 32;

/// How long a charge that could not be undone waits for the next try.
const RETRY_PERIOD: Duration = Duration::from_millis(10);

/// The table.
#[derive(Debug)]
pub(crate) struct Pages {
    /// What the key of each page begins with.
    prefix: String,
    /// Charges that are still to be undone.
    owed: RefCell<Vec<PageCharge>>,
}

/// Why a request could not be charged.
#[derive(Debug)]
pub(crate) enum Uncounted {
    /// Other requests won every race.
    Contended,
    /// The store failed.
    Host(HostError),
}

/// A page as it was read, with what its limits say.
struct Asked<'r> {
    request: &'r PageCharge,
    stored: StoredPage,
    outcomes: Vec<Outcome>,
}

/// A page under its key, with the value that a compare-and-swap compares.
struct StoredPage {
    key: String,
    page: Page,
    cas: u32,
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

    /// Asks all limits, and charges them if all allow it.
    pub(crate) fn charge(
        &self,
        requests: &[PageCharge],
        metrics: &Metrics,
    ) -> Result<Verdict, Uncounted> {
        let now = monotonic()?;
        let mut asked = requests
            .iter()
            .map(|request| self.ask(request, now))
            .collect::<Result<Vec<_>, _>>()?;
        if !asked.iter().any(Asked::is_denied) {
            self.swap_all(&mut asked, now, metrics)?;
        }
        let outcomes: Vec<Outcome> = asked.into_iter().flat_map(|asked| asked.outcomes).collect();
        Ok(Verdict::of(&outcomes))
    }

    /// Tries again to undo what is owed. `true` once nothing is.
    pub(crate) fn settle(&self) -> bool {
        let owed = self.owed.take();
        for charge in &owed {
            self.undo(charge);
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
        let mut charged: Vec<&PageCharge> = Vec::with_capacity(asked.len());
        let mut ended = Ok(());
        for asked in asked {
            match asked.swap(now, metrics) {
                Ok(Swap::Done) => {
                    charged.push(asked.request);
                    continue;
                }
                Ok(Swap::Denied) => {}
                Ok(Swap::Contended) => ended = Err(Uncounted::Contended),
                Err(failure) => ended = Err(Uncounted::Host(failure)),
            }
            charged.iter().for_each(|charge| self.undo(charge));
            break;
        }
        ended
    }

    fn ask<'r>(&self, request: &'r PageCharge, now: u64) -> Result<Asked<'r>, HostError> {
        let stored = StoredPage::read(self.key(request.page))?;
        Ok(Asked {
            request,
            outcomes: stored.page.decide(&request.charges, now).collect(),
            stored,
        })
    }

    /// Undoes a charge, now or on a later tick.
    fn undo(&self, charge: &PageCharge) {
        match self.give_back(charge) {
            Ok(true) => return,
            Ok(false) => {}
            Err(failure) => error!("undoing a charge, to be tried again: {failure}"),
        }
        self.owed.borrow_mut().push(charge.clone());
        if let Err(status) = hostcalls::set_tick_period(RETRY_PERIOD) {
            error!("{}", HostError::in_call("set_tick_period")(status));
        }
    }

    /// `false` where other requests won every race.
    fn give_back(&self, charge: &PageCharge) -> Result<bool, HostError> {
        let now = monotonic()?;
        let mut stored = StoredPage::read(self.key(charge.page))?;
        for _ in 0..MAX_TRIES {
            stored.page.give_back(&charge.charges, now);
            if stored.write()? {
                return Ok(true);
            }
            stored.read_again()?;
        }
        Ok(false)
    }

    fn key(&self, index: PageIndex) -> String {
        let mut key = String::with_capacity(self.prefix.len().saturating_add(10));
        key.push_str(&self.prefix);
        // Writing to a String does not fail.
        let _ = write!(key, "{}", index.get());
        key
    }
}

// === impl Asked ===

impl Asked<'_> {
    fn is_denied(&self) -> bool {
        self.outcomes.iter().any(Outcome::is_denial)
    }

    /// Charges the page that was read, or what has become of it since.
    fn swap(&mut self, now: u64, metrics: &Metrics) -> Result<Swap, HostError> {
        let Self {
            request,
            stored,
            outcomes,
        } = self;
        for _ in 0..MAX_TRIES {
            let evictions = stored.page.commit(&request.charges, outcomes, now);
            if stored.write()? {
                metrics.evictions(evictions);
                return Ok(Swap::Done);
            }
            stored.read_again()?;
            *outcomes = stored.page.decide(&request.charges, now).collect();
            if outcomes.iter().any(Outcome::is_denial) {
                return Ok(Swap::Denied);
            }
        }
        Ok(Swap::Contended)
    }
}

// === impl StoredPage ===

impl StoredPage {
    fn read(key: String) -> Result<Self, HostError> {
        let (bytes, cas) =
            hostcalls::get_shared_data(&key).map_err(HostError::in_call("get_shared_data"))?;
        Ok(Self {
            key,
            page: bytes.map_or_else(Page::empty, Page::from_bytes),
            cas: cas.unwrap_or(CREATE),
        })
    }

    fn read_again(&mut self) -> Result<(), HostError> {
        *self = Self::read(std::mem::take(&mut self.key))?;
        Ok(())
    }

    /// `false` where the page has changed since it was read.
    fn write(&self) -> Result<bool, HostError> {
        let bytes = Some(self.page.as_bytes());
        match hostcalls::set_shared_data(&self.key, bytes, Some(self.cas)) {
            Ok(()) => Ok(true),
            Err(Status::CasMismatch) => Ok(false),
            Err(status) => Err(HostError::in_call("set_shared_data")(status)),
        }
    }
}

impl From<HostError> for Uncounted {
    fn from(failure: HostError) -> Self {
        Self::Host(failure)
    }
}
