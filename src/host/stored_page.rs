//! A page in Envoy's shared data.

use std::mem;

use proxy_wasm::hostcalls;
use proxy_wasm::types::Status;

use super::page_store::PageStore;
use super::HostError;
use crate::table::{KeptPages, Page, PageIndex};

/// A compare-and-swap value that no key has, short of 2³² writes. On a missing
/// key it creates and on a present one it fails, where `None` would overwrite.
pub(super) const CREATE: u32 = u32::MAX;

/// How often a race for one page may be lost.
pub(super) const MAX_TRIES: u32 = 32;

/// A page, with the number of its last write, which a compare-and-swap compares.
pub(super) struct StoredPage<'s> {
    store: &'s PageStore,
    index: PageIndex,
    pub(super) page: Page,
    number: u32,
    /// Whether this worker has kept it: others may have written it since.
    is_kept: bool,
}

// === impl StoredPage ===

impl<'s> StoredPage<'s> {
    /// Reads this page; a missing one is empty.
    pub(super) fn read(store: &'s PageStore, index: PageIndex) -> Result<Self, HostError> {
        let (bytes, number) = hostcalls::get_shared_data(store.key_of(index))
            .map_err(HostError::in_call("get_shared_data"))?;
        Ok(Self {
            store,
            index,
            page: bytes.map_or_else(Page::empty, Page::from_bytes),
            number: number.unwrap_or(CREATE),
            is_kept: false,
        })
    }

    /// This page as it was kept.
    pub(super) fn kept(store: &'s PageStore, index: PageIndex, page: Page, number: u32) -> Self {
        Self {
            store,
            index,
            page,
            number,
            is_kept: true,
        }
    }

    pub(super) fn is_kept(&self) -> bool {
        self.is_kept
    }

    pub(super) fn read_again(&mut self) -> Result<(), HostError> {
        *self = Self::read(self.store, self.index)?;
        Ok(())
    }

    /// Writes the page, which goes to those that are kept. `false` where it has changed
    /// since it was read or kept.
    pub(super) fn write(&mut self) -> Result<bool, HostError> {
        self.store.count_along()?;
        let key = self.store.key_of(self.index);
        let bytes = Some(self.page.as_bytes());
        match hostcalls::set_shared_data(key, bytes, Some(self.number)) {
            Ok(()) => {
                let page = mem::replace(&mut self.page, Page::empty());
                self.store
                    .with_kept(|kept| kept.written(self.index, page, self.is_kept));
                Ok(true)
            }
            Err(Status::CasMismatch) => {
                if self.is_kept {
                    self.store.with_kept(KeptPages::lost);
                }
                Ok(false)
            }
            Err(status) => Err(HostError::in_call("set_shared_data")(status)),
        }
    }
}
