//! What the double keeps: shared data for all workers, the rest per thread.

use std::cell::RefCell;
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
    writes: usize,
    /// What another worker does before the next write.
    intruder: Option<Box<dyn FnOnce() + Send>>,
}

/// As a count of races: all from now on.
pub const LOST_FOR_EVER: u32 = u32::MAX;

/// Which headers can be reached.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    #[default]
    Root,
    Request,
    Response,
}

#[derive(Default)]
pub struct Host {
    pub store: Store,
    pub config: Vec<u8>,
    /// The monotonic clock, ns.
    pub now: u64,
    pub phase: Phase,
    pub last_context: u32,
    pub request_headers: Vec<(String, Vec<u8>)>,
    pub attributes: Vec<(String, Vec<u8>)>,
    pub upstream_headers: Vec<(String, String)>,
    pub response_headers: Vec<(String, String)>,
    pub reply: Option<Reply>,
    pub state: String,
    pub logs: Vec<String>,
    pub counters: Vec<(String, u64)>,
    pub tick: u32,
    pub lost_races: u32,
    /// Writes after which all races are lost.
    pub lose_after: Option<u32>,
}

pub struct Reply {
    pub status: u32,
    pub details: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

thread_local! { static HOST: RefCell<Host> = RefCell::default(); }

/// Uses this thread's host.
pub fn with<T>(f: impl FnOnce(&mut Host) -> T) -> T {
    HOST.with(|host| f(&mut host.borrow_mut()))
}

// === impl Host ===

impl Host {
    /// A new host. The SDK, whose contexts are the thread's, wants each id once.
    pub fn new(store: Store, last_context: u32) -> Self {
        Self {
            store,
            last_context,
            // Not zero, as no machine's monotonic clock is.
            now: 1_000_000_000_000,
            ..Self::default()
        }
    }

    pub fn counter(&self, name: &str) -> u64 {
        let found = self.counters.iter().find(|(other, _)| other == name);
        found.unwrap_or_else(|| panic!("no counter {name}")).1
    }

    /// Whether this compare-and-swap is one the test wants lost.
    pub fn loses_race(&mut self) -> bool {
        match self.lose_after {
            Some(0) => (self.lose_after, self.lost_races) = (None, LOST_FOR_EVER),
            Some(more) => self.lose_after = Some(more - 1),
            None => {}
        }
        let lost = self.lost_races > 0;
        if self.lost_races != LOST_FOR_EVER {
            self.lost_races = self.lost_races.saturating_sub(1);
        }
        lost
    }
}

// === impl Phase ===

impl Phase {
    pub fn is_response(self) -> bool {
        self == Self::Response
    }
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
        if shared
            .values
            .get(key)
            .is_some_and(|(_, found)| cas != 0 && cas != *found)
        {
            return false;
        }
        shared.last_cas += 1;
        shared.writes += 1;
        let cas = shared.last_cas;
        shared.values.insert(key.to_vec(), (value, cas));
        true
    }

    /// Another worker, which shares this store, does this between the next
    /// writer's read and its write.
    pub fn before_next_write(&self, work: impl FnOnce(Store) + Send + 'static) {
        let store = self.clone();
        let worker = || thread::spawn(|| work(store)).join().unwrap();
        self.0.lock().unwrap().intruder = Some(Box::new(worker));
    }

    pub fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }

    pub fn keys(&self) -> Vec<String> {
        let shared = self.0.lock().unwrap();
        let keys = shared.values.keys();
        keys.map(|key| String::from_utf8(key.clone()).unwrap())
            .collect()
    }

    /// Overwrites every page of the table, as a foreign plugin might.
    pub fn overwrite_pages(&self, value: &[u8]) {
        for key in self.keys() {
            if !key.ends_with("/key") {
                assert!(self.set(key.as_bytes(), value.to_vec(), 0));
            }
        }
    }
}
