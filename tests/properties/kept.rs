//! Kept pages lose no write, whoever else writes.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use tollgate::table::{KeptPages, Layout, Page, PageIndex, TableKey};

const PAGES: u32 = 3;
const ENTRY_BYTES: usize = 24;

/// A host that numbers its writes in turn.
#[derive(Default)]
struct Host {
    pages: BTreeMap<u32, (Vec<u8>, u32)>,
    writes: u32,
    reads: u32,
}

/// A worker that adds one to pages, over and over.
#[derive(Default)]
struct Worker(RefCell<KeptPages>);

fn page(index: u32) -> PageIndex {
    let layout = Layout::for_entries((PAGES * 128).try_into().unwrap());
    let key = TableKey::new([0; TableKey::LENGTH]);
    let clients = (0_u32..).map(|client| key.client(&client.to_le_bytes()));
    let mut pages = clients.map(|client| layout.page_of(&client));
    pages.find(|page| page.get() == index).unwrap()
}

fn count_in(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(*bytes.first_chunk().unwrap_or(&[0; 8]))
}

// === impl Host ===

impl Host {
    fn read(&mut self, index: u32) -> (Page, u32) {
        self.reads += 1;
        match self.pages.get(&index) {
            Some((bytes, number)) => (Page::from_bytes(bytes.clone()), *number),
            None => (Page::empty(), u32::MAX),
        }
    }

    fn swap(&mut self, index: u32, bytes: &[u8], number: u32) -> bool {
        if self
            .pages
            .get(&index)
            .is_some_and(|(_, found)| *found != number)
        {
            return false;
        }
        self.writes += 1;
        self.pages.insert(index, (bytes.to_vec(), self.writes));
        true
    }
}

// === impl Worker ===

impl Worker {
    /// Adds one to a page as `host::StoredPage` does. `meanwhile` happens where a race
    /// is the worst: right before the write.
    fn add(&self, host: &RefCell<Host>, index: u32, meanwhile: impl FnOnce()) {
        let mut meanwhile = Some(meanwhile);
        let taken = self.0.borrow_mut().take(page(index));
        let mut is_kept = taken.is_some();
        let (mut found, mut number) = taken.unwrap_or_else(|| host.borrow_mut().read(index));
        loop {
            let mut bytes = found.as_bytes().to_vec();
            bytes.resize(ENTRY_BYTES, 0);
            let count = count_in(&bytes) + 1;
            bytes[..8].copy_from_slice(&count.to_le_bytes());
            if self.0.borrow().is_due() {
                host.borrow_mut().writes += 1;
                let number = host.borrow().writes;
                self.0.borrow_mut().count_from(number);
            }
            if let Some(meanwhile) = meanwhile.take() {
                meanwhile();
            }
            if host.borrow_mut().swap(index, &bytes, number) {
                let page_written = Page::from_bytes(bytes);
                let mut kept = self.0.borrow_mut();
                return kept.written(page(index), page_written, is_kept);
            }
            if is_kept {
                self.0.borrow_mut().lost();
            }
            (found, number) = host.borrow_mut().read(index);
            is_kept = false;
        }
    }
}

proptest! {
    #[test]
    fn no_write_is_lost(
        steps in prop::collection::vec(
            (0_usize..3, 0..PAGES, prop::option::of((0_usize..3, 0..PAGES))), 1..300,
        ),
    ) {
        let host = RefCell::default();
        let workers: [Worker; 3] = Default::default();
        let mut added: BTreeMap<u32, u64> = BTreeMap::new();
        for (worker, index, other) in steps {
            workers[worker].add(&host, index, || {
                // A worker does one thing at a time.
                if let Some((other, index)) = other.filter(|(other, _)| *other != worker) {
                    workers[other].add(&host, index, || ());
                    *added.entry(index).or_default() += 1;
                }
            });
            *added.entry(index).or_default() += 1;
        }
        let pages = &host.borrow().pages;
        for (index, added) in added {
            prop_assert_eq!(count_in(&pages[&index].0), added);
        }
    }

    /// Whoever writes alone reads each page once; whoever begins to, soon does.
    #[test]
    fn a_worker_alone_need_not_read(
        before in prop::collection::vec((0_usize..2, 0..PAGES), 0..200),
        alone in prop::collection::vec(0..PAGES, 3000),
    ) {
        let host = RefCell::default();
        let workers: [Worker; 2] = Default::default();
        for (worker, index) in before {
            workers[worker].add(&host, index, || ());
        }
        let settles = 2500;
        for (step, index) in alone.into_iter().enumerate() {
            if step == settles {
                host.borrow_mut().reads = 0;
            }
            workers[0].add(&host, index, || ());
        }
        prop_assert_eq!(host.borrow().reads, 0);
    }
}

/// Two that write by turns would guess wrong each time; they soon guess seldom.
#[test]
fn workers_that_spoil_each_others_guesses_rest() {
    let host = RefCell::<Host>::default();
    let workers: [Worker; 2] = Default::default();
    let tries = |steps: u32| {
        let writes = host.borrow().writes;
        for step in 0..steps {
            workers[(step % 2) as usize].add(&host, 0, || ());
        }
        host.borrow().writes - writes - steps
    };
    tries(10_000);
    assert!(tries(10_000) <= 4, "counting along is tried too often");
}
