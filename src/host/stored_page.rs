//! A page in Envoy's shared data.

use proxy_wasm::hostcalls;
use proxy_wasm::types::Status;

use super::HostError;
use crate::table::Page;

/// A compare-and-swap value that no key has, short of 2³² writes. On a missing
/// key it creates and on a present one it fails, where `None` would overwrite.
pub(super) const CREATE: u32 = u32::MAX;

/// How often a race for one page may be lost.
pub(super) const MAX_TRIES: u32 = 32;

/// A page under its key, with the value that a compare-and-swap compares.
pub(super) struct StoredPage<'k> {
    key: &'k str,
    pub(super) page: Page,
    cas: u32,
}

// === impl StoredPage ===

impl<'k> StoredPage<'k> {
    /// Reads the page under this key; a missing one is empty.
    pub(super) fn read(key: &'k str) -> Result<Self, HostError> {
        let (bytes, cas) =
            hostcalls::get_shared_data(key).map_err(HostError::in_call("get_shared_data"))?;
        Ok(Self {
            key,
            page: bytes.map_or_else(Page::empty, Page::from_bytes),
            cas: cas.unwrap_or(CREATE),
        })
    }

    pub(super) fn read_again(&mut self) -> Result<(), HostError> {
        *self = Self::read(self.key)?;
        Ok(())
    }

    /// `false` where the page has changed since it was read.
    pub(super) fn write(&self) -> Result<bool, HostError> {
        let bytes = Some(self.page.as_bytes());
        match hostcalls::set_shared_data(self.key, bytes, Some(self.cas)) {
            Ok(()) => Ok(true),
            Err(Status::CasMismatch) => Ok(false),
            Err(status) => Err(HostError::in_call("set_shared_data")(status)),
        }
    }
}
