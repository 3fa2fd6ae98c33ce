//! Where the table's pages are: in Envoy's shared data, which all workers see, and some
//! of them kept by this worker.

use std::cell::RefCell;

use super::page_keys::PageKeys;
use super::stored_page::StoredPage;
use super::write_numbers::WriteNumbers;
use super::HostError;
use crate::table::{KeptPages, Layout, PageIndex};

/// The pages of one table.
#[derive(Debug)]
pub(super) struct PageStore {
    keys: PageKeys,
    /// `None` where the host's numbers say nothing.
    kept: Option<(WriteNumbers, RefCell<KeptPages>)>,
}

// === impl PageStore ===

impl PageStore {
    /// The pages of this namespace and layout.
    pub(super) fn new(namespace: &str, layout: Layout) -> Result<Self, HostError> {
        let numbers = WriteNumbers::in_turn(namespace)?;
        Ok(Self {
            keys: PageKeys::new(namespace, layout),
            kept: numbers.map(|numbers| (numbers, RefCell::default())),
        })
    }

    pub(super) fn key_of(&self, page: PageIndex) -> &str {
        self.keys.of(page)
    }

    /// A page as it is.
    pub(super) fn read(&self, page: PageIndex) -> Result<StoredPage<'_>, HostError> {
        StoredPage::read(self, page)
    }

    /// A page as this worker has kept it, which only a write can prove right; where it has
    /// not, as it is.
    pub(super) fn recall(&self, page: PageIndex) -> Result<StoredPage<'_>, HostError> {
        let kept = self.with_kept(|kept| kept.take(page)).flatten();
        match kept {
            Some((kept, number)) => Ok(StoredPage::kept(self, page, kept, number)),
            None => self.read(page),
        }
    }

    /// Before a write: counts along from now on, if it is time to.
    pub(super) fn count_along(&self) -> Result<(), HostError> {
        let Some((numbers, kept)) = &self.kept else {
            return Ok(());
        };
        let is_due = kept.borrow().is_due();
        if is_due {
            let number = numbers.next()?;
            kept.borrow_mut().count_from(number);
        }
        Ok(())
    }

    pub(super) fn with_kept<T>(&self, ask: impl FnOnce(&mut KeptPages) -> T) -> Option<T> {
        let (_, kept) = self.kept.as_ref()?;
        Some(ask(&mut kept.borrow_mut()))
    }
}
