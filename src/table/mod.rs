//! The page table: a bounded store of what clients have spent.
//!
//! Envoy's shared data has no delete, no expiry and one lock for the process,
//! and a get and a set cost nearly the same for 16 bytes and for 4 KiB. One
//! key per client would therefore grow for ever. Instead a fixed number of
//! pages holds at most 128 entries each; all entries of one client sit
//! in one page, so that one get and one compare-and-swap decide on all of its
//! limits, all or nothing.

mod decided;
mod denial;
mod entry;
mod hash;
mod kept;
mod layout;
mod look;
mod page;

pub use decided::{Decided, Which};
pub use hash::{ClientHash, Fingerprint, TableKey};
pub use kept::KeptPages;
pub use layout::{Layout, PageIndex, ENTRIES_PER_PAGE, MAX_ENTRIES};
pub use look::Look;
pub use page::{Page, Said};

use std::rc::Rc;

use crate::limit::{Cost, Limit, Settlement};

/// One limit's share in a request.
#[derive(Debug, Clone)]
pub struct Charge {
    /// Whose entry: this client's for this limit.
    pub fingerprint: Fingerprint,
    /// The limit to ask.
    pub limit: Rc<Limit>,
    /// What the request takes.
    pub cost: Cost,
    /// What the entry holds.
    pub entry: Entry,
}

/// What an entry of the table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// What the client has spent of the limit in this gateway.
    Spent,
    /// Redis' last denial. When it lapses, the first to come asks Redis again,
    /// and all others are still denied for so many ns: the time in which that
    /// one has its answer.
    Denial {
        /// ns.
        claim: u64,
        /// Units that the request has of the limit already: what it is denied, it
        /// is denied on top of these.
        held: u32,
    },
}

/// All that a request asks of one page.
#[derive(Debug, Clone)]
pub struct PageCharge {
    /// Which page.
    pub page: PageIndex,
    /// What is asked of it, never empty.
    pub charges: Vec<Charge>,
}

/// What one client's state of one limit is corrected by.
#[derive(Debug, Clone)]
pub struct Correction {
    /// Whose entry.
    pub fingerprint: Fingerprint,
    /// The limit.
    pub limit: Rc<Limit>,
    /// By how much.
    pub settlement: Settlement,
}

/// What came of correcting a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Corrected {
    /// Units that were let go, since they went too deep into debt.
    pub forgiven: u64,
    /// Entries that gave their place up before they were free.
    pub evictions: u32,
}

// === impl PageCharge ===

impl PageCharge {
    /// Adds charges of one page to those of a request. Those of the page asked
    /// last go with it; else what is reported would lose its order.
    pub fn add(pages: &mut Vec<Self>, page: PageIndex, charges: impl Iterator<Item = Charge>) {
        match pages.last_mut().filter(|last| last.page == page) {
            Some(same) => same.charges.extend(charges),
            None => pages.push(Self {
                page,
                charges: charges.collect(),
            }),
        }
    }

    /// The same with some of its charges only; `None` where it has none such.
    pub fn only(&self, which: impl Fn(&Charge) -> bool) -> Option<Self> {
        let charges: Vec<Charge> = self.charges.iter().filter(|c| which(c)).cloned().collect();
        (!charges.is_empty()).then_some(Self {
            page: self.page,
            charges,
        })
    }
}
