//! Envoy's shared data, which all workers see.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;

/// Envoy's shared data.
#[derive(Clone, Default)]
pub struct Store(Arc<Mutex<Shared>>);

#[derive(Default)]
struct Shared {
    values: BTreeMap<Vec<u8>, (Vec<u8>, u32)>,
    last_cas: u32,
    is_numbered_by_key: bool,
    writes: usize,
    /// What another worker does before the next write.
    intruder: Option<Box<dyn FnOnce() + Send>>,
}

// === impl Store ===

impl Store {
    /// A store whose hash key is not random: clients have the same pages in
    /// every run, so two that are to have different ones do.
    pub fn with_hash_key() -> Self {
        let store = Self::default();
        assert!(store.set(b"tollgate/default/key", vec![7; 16], 0));
        store
    }

    /// A store that is not Envoy's, and numbers the writes of each key by themselves.
    pub fn numbered_by_key() -> Self {
        let store = Self::default();
        store.0.lock().unwrap().is_numbered_by_key = true;
        store
    }

    pub fn is_page(key: &[u8]) -> bool {
        key.last().is_some_and(u8::is_ascii_digit)
    }

    pub fn get(&self, key: &[u8]) -> Option<(Vec<u8>, u32)> {
        self.0.lock().unwrap().values.get(key).cloned()
    }

    /// As Envoy does it: a compare-and-swap value of 0 overwrites, any other is
    /// compared where the key exists and creates it where it does not.
    pub fn set(&self, key: &[u8], value: Vec<u8>, cas: u32) -> bool {
        let intruder = self.0.lock().unwrap().intruder.take();
        if let Some(intruder) = intruder {
            intruder();
        }
        let mut shared = self.0.lock().unwrap();
        let found = shared.values.get(key).map(|(_, found)| *found);
        if found.is_some_and(|found| cas != 0 && cas != found) {
            return false;
        }
        shared.last_cas += 1;
        shared.writes += usize::from(cas != 0);
        let number = match shared.is_numbered_by_key {
            true => found.unwrap_or(0) + 1,
            false => shared.last_cas,
        };
        shared.values.insert(key.to_vec(), (value, number));
        true
    }

    /// Another worker, which shares this store, does this between the next
    /// writer's read and its write.
    pub fn before_next_write(&self, work: impl FnOnce(Store) + Send + 'static) {
        let store = self.clone();
        let worker = || thread::spawn(|| work(store)).join().unwrap();
        self.0.lock().unwrap().intruder = Some(Box::new(worker));
    }

    /// Compare-and-swaps that were won.
    pub fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }

    /// The keys of the table's pages.
    pub fn pages(&self) -> Vec<String> {
        let shared = self.0.lock().unwrap();
        let pages = shared.values.keys().filter(|key| Self::is_page(key));
        pages
            .map(|key| String::from_utf8(key.clone()).unwrap())
            .collect()
    }

    /// Overwrites every page of the table, as a foreign plugin might.
    pub fn overwrite_pages(&self, value: &[u8]) {
        for page in self.pages() {
            assert!(self.set(page.as_bytes(), value.to_vec(), 0));
        }
    }
}
