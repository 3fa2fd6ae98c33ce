//! One page: 128 fingerprints side by side, then 128 bucket states.
//!
//! A page is read and changed in the bytes that shared data holds, without
//! decoding what the request does not touch. Bytes that are no page count as
//! an empty one: the table is a record of what clients have spent, and the
//! worst a foreign writer can do is to refill it.

use std::num::NonZeroU64;

use zerocopy::little_endian::U64;
use zerocopy::{transmute_mut, transmute_ref, FromBytes, Immutable, IntoBytes, Unaligned};

use super::{Charge, Fingerprint, ENTRIES_PER_PAGE};
use crate::limit::{BucketState, Decision, Outcome};

/// A page of the table, in the bytes it was read in.
#[derive(Clone)]
pub struct Page(Box<[u8; size_of::<Entries>()]>);

/// How many buckets that were not yet full again had to give their place up.
pub type Evictions = u32;

/// The format of a page in shared data. Whoever changes it changes the version
/// in the pages' keys with it.
#[derive(FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct Entries {
    /// 0 where there was never an entry.
    fingerprints: [U64; ENTRIES_PER_PAGE],
    states: [StoredState; ENTRIES_PER_PAGE],
}

#[derive(FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct StoredState {
    tat: U64,
    /// 0 where there was never an entry.
    interval: U64,
}

/// A place in a page.
type Slot = usize;

// === impl Page ===

impl Page {
    /// A page in which every bucket is full.
    pub fn empty() -> Self {
        Self(Box::new([0; size_of::<Entries>()]))
    }

    /// The page that these bytes are, or an empty one.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        bytes.try_into().map_or_else(|_| Self::empty(), Self)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// What each limit says to its charge. Changes nothing.
    pub fn decide<'a>(
        &'a self,
        charges: &'a [Charge],
        now: u64,
    ) -> impl Iterator<Item = Outcome> + 'a {
        charges.iter().map(move |charge| {
            let state = self
                .find(charge.fingerprint)
                .and_then(|slot| self.state(slot));
            Outcome {
                limit: charge.limit.clone(),
                decision: charge.limit.bucket.decide(state, charge.cost, now),
            }
        })
    }

    /// Charges what [`Page::decide`] has allowed at the same `now`.
    pub fn commit(&mut self, charges: &[Charge], outcomes: &[Outcome], now: u64) -> Evictions {
        let mut taken = Vec::with_capacity(charges.len());
        let mut evictions: Evictions = 0;
        for (charge, outcome) in charges.iter().zip(outcomes) {
            let Decision::Allowed { next, .. } = outcome.decision else {
                continue;
            };
            let slot = self.find(charge.fingerprint).unwrap_or_else(|| {
                let (slot, full_at) = self.place_for_new(&taken);
                evictions = evictions.saturating_add(u32::from(full_at > now));
                slot
            });
            taken.push(slot);
            self.write(slot, charge.fingerprint, next);
        }
        evictions
    }

    /// Gives back what was charged, as far as the entries are still there.
    pub fn give_back(&mut self, charges: &[Charge], now: u64) {
        for charge in charges {
            let found = self.find(charge.fingerprint);
            if let Some((slot, state)) = found.and_then(|slot| Some((slot, self.state(slot)?))) {
                let next = charge.limit.bucket.give_back(state, charge.cost, now);
                self.write(slot, charge.fingerprint, next);
            }
        }
    }

    /// The place for a new entry, and when the bucket there is full: of all
    /// but the places `taken` by this very request, the one that was full
    /// first, or else will be. A place never used was full at 0.
    fn place_for_new(&self, taken: &[Slot]) -> (Slot, u64) {
        self.entries()
            .states
            .iter()
            .map(|state| state.tat.get())
            .enumerate()
            .filter(|(slot, _)| !taken.contains(slot))
            .min_by_key(|(_, full_at)| *full_at)
            .unwrap_or_default()
    }

    fn find(&self, fingerprint: Fingerprint) -> Option<Slot> {
        let wanted = U64::new(fingerprint.get());
        self.entries()
            .fingerprints
            .iter()
            .position(|found| *found == wanted)
    }

    fn state(&self, slot: Slot) -> Option<BucketState> {
        let stored = self.entries().states.get(slot)?;
        Some(BucketState {
            tat: stored.tat.get(),
            interval: NonZeroU64::new(stored.interval.get())?,
        })
    }

    fn write(&mut self, slot: Slot, fingerprint: Fingerprint, state: BucketState) {
        let Entries {
            fingerprints,
            states,
        } = transmute_mut!(&mut *self.0);
        if let (Some(name), Some(stored)) = (fingerprints.get_mut(slot), states.get_mut(slot)) {
            name.set(fingerprint.get());
            stored.tat.set(state.tat);
            stored.interval.set(state.interval.get());
        }
    }
    fn entries(&self) -> &Entries {
        transmute_ref!(&*self.0)
    }
}
