//! The keys of pages in shared data.

use std::cell::OnceCell;

use crate::table::{Layout, PageIndex};

/// The key of each page, made when it is first needed: a busy worker needs the
/// same ones over and over.
#[derive(Debug)]
pub(super) struct PageKeys {
    /// What each begins with.
    prefix: String,
    keys: Vec<OnceCell<Box<str>>>,
}

// === impl PageKeys ===

impl PageKeys {
    /// Those of this namespace and layout. The `2` is the version of a page's
    /// format.
    pub(super) fn new(namespace: &str, layout: Layout) -> Self {
        let pages = layout.pages();
        Self {
            prefix: format!("tollgate/{namespace}/2/{pages}/"),
            keys: (0..pages.get()).map(|_| OnceCell::new()).collect(),
        }
    }

    /// The key of a page of this layout.
    pub(super) fn of(&self, page: PageIndex) -> &str {
        let index = page.get();
        let key = usize::try_from(index)
            .ok()
            .and_then(|index| self.keys.get(index));
        let make = || format!("{}{index}", self.prefix).into();
        key.map_or(&self.prefix, |key| key.get_or_init(make))
    }
}
