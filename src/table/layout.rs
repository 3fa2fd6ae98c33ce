//! How many pages there are, and which one a client has.

use std::num::{NonZeroU32, NonZeroU64};

use super::ClientHash;

/// Entries in a page. With 128, a page that is loaded to 70 % on average
/// overflows in about one page in twenty thousand; `docs/design.md` has the
/// figures.
pub const ENTRIES_PER_PAGE: usize = 128;

/// The largest table: 2²⁴ entries, 384 MiB.
pub const MAX_ENTRIES: u32 = 1 << 24;

/// Which page of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageIndex(u32);

/// The size of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pages: NonZeroU32,
}

// === impl Layout ===

impl Layout {
    /// A table for at least `max_entries` entries: as many whole pages as that
    /// takes.
    pub fn for_entries(max_entries: NonZeroU32) -> Self {
        let pages = max_entries.get().div_ceil(ENTRIES_PER_PAGE as u32);
        Self {
            pages: NonZeroU32::new(pages).unwrap_or(NonZeroU32::MIN),
        }
    }

    /// The number of pages.
    pub fn pages(&self) -> NonZeroU32 {
        self.pages
    }

    /// The number of entries in all pages.
    pub fn entries(&self) -> u64 {
        u64::from(self.pages.get()).saturating_mul(ENTRIES_PER_PAGE as u64)
    }

    /// The page that holds all of this client's entries.
    pub fn page_of(&self, client: &ClientHash) -> PageIndex {
        // A remainder of 64 uniform bits by at most 2¹⁷ pages is uniform too.
        let index = client.high() % NonZeroU64::from(self.pages);
        PageIndex(u32::try_from(index).unwrap_or(0))
    }
}

// === impl PageIndex ===

impl PageIndex {
    /// The index as a number, from 0.
    pub fn get(self) -> u32 {
        self.0
    }
}
