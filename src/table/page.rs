//! One page: up to 128 entries, each a fingerprint and a bucket's state.
//!
//! It is as long as it ever had to be: every request copies it out of shared
//! data and back, and most tables are far from full. Where a new entry finds no
//! bucket that is full again, the page grows by one.
//!
//! A page is read and changed in the bytes that shared data holds, without
//! decoding what the request does not touch. Bytes that are no page count as
//! an empty one: the table is a record of what clients have spent, and the
//! worst a foreign writer can do is to refill it.

use std::num::NonZeroU64;

use zerocopy::little_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::denial::Denial;
use super::{Charge, Decided, Entry, Fingerprint, ENTRIES_PER_PAGE};
use crate::limit::{BucketState, Cost};

/// A page of the table, in the bytes it was read in.
#[derive(Clone)]
pub struct Page(Vec<u8>);

/// An entry as it stands in shared data. Whoever changes it changes the version
/// in the pages' keys with it.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct StoredEntry {
    fingerprint: U64,
    tat: U64,
    interval: U64,
}

/// A place in a page, by its number.
pub(super) type Slot = usize;

/// A place for a new entry.
struct NewPlace {
    slot: Slot,
    /// 1 where a bucket that was not yet full again gives it up.
    evictions: u32,
}

/// What Redis said to a request whose denial is kept.
#[derive(Debug, Clone, Copy)]
pub enum Said {
    /// It passes: an earlier denial is over.
    Allowed,
    /// It does not.
    Denied {
        /// What the request was to take.
        cost: Cost,
        /// Time until the units are there, ns.
        retry_after: NonZeroU64,
    },
}

// === impl Page ===

impl Page {
    /// A page in which every bucket is full.
    pub fn empty() -> Self {
        Self(Vec::new())
    }

    /// The page that these bytes are, or an empty one.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        match <[StoredEntry]>::ref_from_bytes(&bytes) {
            Ok(entries) if entries.len() <= ENTRIES_PER_PAGE => Self(bytes),
            _ => Self::empty(),
        }
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What each entry says to its charge. Changes nothing.
    pub fn decide(&self, charges: &[Charge], now: u64) -> Vec<Decided> {
        let decide = |charge: &Charge| {
            let slot = self.find(charge.fingerprint);
            let state = slot.and_then(|slot| self.state(slot));
            Decided::on(charge, slot, state, now)
        };
        charges.iter().map(decide).collect()
    }

    /// Charges what [`Page::decide`] has allowed on this page at this `now`.
    /// Returns how many buckets that were not yet full again gave their place up.
    pub fn commit(&mut self, charges: &[Charge], decided: &[Decided], now: u64) -> u32 {
        let mut evictions: u32 = 0;
        let mut new: Vec<Slot> = Vec::new();
        for (charge, Decided { slot, next, .. }) in charges.iter().zip(decided) {
            let Some(next) = next else {
                continue;
            };
            let slot = match slot {
                Some(slot) => *slot,
                None => {
                    let Some(place) = self.place_for_new(decided, &new, now) else {
                        continue;
                    };
                    evictions = evictions.saturating_add(place.evictions);
                    new.push(place.slot);
                    place.slot
                }
            };
            self.write(slot, charge.fingerprint, *next);
        }
        evictions
    }

    /// Brings the entries of those that denied to this configuration, where
    /// another one has left them. Whether there were any.
    pub fn rebase(&mut self, charges: &[Charge], decided: &[Decided]) -> bool {
        let mut any = false;
        for (charge, decided) in charges.iter().zip(decided) {
            if let (true, Some(slot), Some(next)) =
                (decided.is_denial(), decided.slot, decided.next)
            {
                self.write(slot, charge.fingerprint, next);
                any = true;
            }
        }
        any
    }

    /// Gives back what was charged at `charged_at`, as far as the entries are
    /// still there.
    pub fn give_back(&mut self, charges: &[Charge], charged_at: u64, now: u64) {
        let buckets = charges
            .iter()
            .filter(|charge| charge.entry == Entry::Bucket);
        for charge in buckets {
            let found = self.find(charge.fingerprint);
            if let Some((slot, state)) = found.and_then(|slot| Some((slot, self.state(slot)?))) {
                let bucket = charge.limit.gateway_bucket();
                let next = bucket.give_back(state, charge.cost, charged_at, now);
                self.write(slot, charge.fingerprint, next);
            }
        }
    }

    /// Keeps what Redis has said: a denial until its wait is over, and with
    /// that what [`Entry::Denial`] says, or that it is over. It only saves calls,
    /// so no bucket that is not full gives its place up for it.
    pub fn remember(&mut self, fingerprint: Fingerprint, said: Said, now: u64) {
        let state = match said {
            Said::Denied { cost, retry_after } => Denial::new(cost, retry_after, now).into(),
            Said::Allowed => BucketState {
                tat: 0,
                interval: NonZeroU64::MIN,
            },
        };
        let slot = match said {
            Said::Allowed => self.find(fingerprint),
            Said::Denied { .. } => self.find(fingerprint).or_else(|| {
                let place = self.place_for_new(&[], &[], now)?;
                (place.evictions == 0).then_some(place.slot)
            }),
        };
        if let Some(slot) = slot {
            self.write(slot, fingerprint, state);
        }
    }

    /// The place for a new entry: one whose bucket is full, or else one more, or
    /// else, in a page that may not grow, the one with the fewest units spent;
    /// none that this very request has, be it one it found (`decided`) or one it
    /// took (`new`). Units and not time, or a slow limit's fresh buckets would
    /// crowd out a fast limit's empty ones.
    fn place_for_new(&self, decided: &[Decided], new: &[Slot], now: u64) -> Option<NewPlace> {
        let found = |slot| decided.iter().any(|decided| decided.slot == Some(slot));
        let entries = self.entries();
        let others = entries
            .iter()
            .enumerate()
            .filter(|(slot, _)| !new.contains(slot) && !found(*slot));
        let full = others.clone().find(|(_, entry)| entry.tat.get() <= now);
        let free = match full {
            Some((slot, _)) => Some(slot),
            None => Some(entries.len()).filter(|next| *next < ENTRIES_PER_PAGE),
        };
        match free {
            Some(slot) => Some(NewPlace { slot, evictions: 0 }),
            None => others
                .min_by_key(|(_, entry)| entry.units_spent(now))
                .map(|(slot, _)| NewPlace { slot, evictions: 1 }),
        }
    }

    fn find(&self, fingerprint: Fingerprint) -> Option<Slot> {
        let wanted = U64::new(fingerprint.get());
        self.entries()
            .iter()
            .position(|entry| entry.fingerprint == wanted)
    }

    fn state(&self, slot: Slot) -> Option<BucketState> {
        let entry = self.entries().get(slot)?;
        Some(BucketState {
            tat: entry.tat.get(),
            interval: NonZeroU64::new(entry.interval.get())?,
        })
    }

    fn write(&mut self, slot: Slot, fingerprint: Fingerprint, state: BucketState) {
        let entry = StoredEntry {
            fingerprint: fingerprint.get().into(),
            tat: state.tat.into(),
            interval: state.interval.get().into(),
        };
        let entries = <[StoredEntry]>::mut_from_bytes(&mut self.0).unwrap_or_default();
        match entries.get_mut(slot) {
            Some(place) => *place = entry,
            None => self.0.extend_from_slice(entry.as_bytes()),
        }
    }

    fn entries(&self) -> &[StoredEntry] {
        <[StoredEntry]>::ref_from_bytes(&self.0).unwrap_or_default()
    }
}

// === impl StoredEntry ===

impl StoredEntry {
    fn units_spent(&self, now: u64) -> u64 {
        let ahead = self.tat.get().saturating_sub(now);
        ahead.checked_div(self.interval.get()).unwrap_or(0)
    }
}
