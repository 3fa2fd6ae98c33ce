//! One page: up to 128 entries, each a fingerprint and what its client has spent.
//!
//! It is as long as it ever had to be: every request copies it out of shared
//! data and back, and most tables are far from full. Where a new entry finds
//! none that is free again, the page grows by one.
//!
//! A page is read and changed in the bytes that shared data holds, without
//! decoding what the request does not touch. Bytes that are no page count as
//! an empty one: the table is a record of what clients have spent, and the
//! worst a foreign writer can do is to refill it.

use std::num::NonZeroU64;

use zerocopy::{FromBytes, IntoBytes};

use super::denial::Denial;
use super::entry::{Content, StoredEntry};
use super::{
    Charge, Corrected, Correction, Decided, Entry, Fingerprint, Look, Which, ENTRIES_PER_PAGE,
};
use crate::limit::{Cost, Now};

/// A page of the table, in the bytes it was read in.
#[derive(Debug, Clone)]
pub struct Page(Vec<u8>);

/// A place in a page, by its number.
pub(super) type Slot = usize;

/// A place for a new entry.
struct NewPlace {
    slot: Slot,
    /// 1 where an entry that was not yet free again gives it up.
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
    /// A page whose clients have spent nothing.
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
    pub fn decide(&self, charges: &[Charge], now: Now) -> Vec<Decided> {
        let decide = |charge: &Charge| {
            let slot = self.find(charge.fingerprint);
            let content = slot.and_then(|slot| self.content(slot));
            Decided::on(charge, slot, content, now)
        };
        charges.iter().map(decide).collect()
    }

    /// Makes charges that [`Page::decide`] has decided on, on this page and at
    /// this `now`. Returns how many entries that were not yet free again gave
    /// their place up.
    pub fn commit(
        &mut self,
        charges: &[Charge],
        decided: &[Decided],
        which: Which,
        now: Now,
    ) -> u32 {
        let mut evictions: u32 = 0;
        let mut new: Vec<Slot> = Vec::new();
        for (charge, said) in charges.iter().zip(decided) {
            let Some(next) = said.next(which) else {
                continue;
            };
            let slot = match said.slot {
                Some(slot) => slot,
                None => {
                    let Some(place) = self.place_for_new(decided, &new, now) else {
                        continue;
                    };
                    evictions = evictions.saturating_add(place.evictions);
                    new.push(place.slot);
                    place.slot
                }
            };
            self.write(slot, charge.fingerprint, next);
        }
        evictions
    }

    /// Gives back what was charged at `charged_at`, as far as the entries are
    /// still there.
    pub fn give_back(&mut self, charges: &[Charge], charged_at: Now, now: Now) {
        let spent = charges.iter().filter(|charge| charge.entry == Entry::Spent);
        for charge in spent {
            let found = self.find(charge.fingerprint);
            let found = found.and_then(|slot| Some((slot, self.content(slot)?)));
            if let Some((slot, Content::Spent(state))) = found {
                let kind = &charge.limit.kind;
                let next = kind.give_back(state, charge.cost, charged_at, now);
                self.write(slot, charge.fingerprint, Content::Spent(next));
            }
        }
    }

    /// Corrects what clients have spent. Whose entry has given its place up has
    /// nothing to come back, and a new one for what is still to be charged.
    pub fn settle(&mut self, corrections: &[Correction], now: Now) -> Corrected {
        let mut corrected = Corrected::default();
        for Correction {
            fingerprint,
            limit,
            settlement,
        } in corrections
        {
            let found = self.find(*fingerprint);
            let state = match found.and_then(|slot| self.content(slot)) {
                Some(Content::Spent(state)) => Some(state),
                _ => None,
            };
            let Some((next, forgiven)) = limit.kind.settle(state, settlement, now) else {
                continue;
            };
            let slot = match found {
                Some(slot) => slot,
                None if settlement.units <= 0 => continue,
                None => {
                    let Some(place) = self.place_for_new(&[], &[], now) else {
                        continue;
                    };
                    corrected.evictions = corrected.evictions.saturating_add(place.evictions);
                    place.slot
                }
            };
            corrected.forgiven = corrected.forgiven.saturating_add(forgiven);
            self.write(slot, *fingerprint, Content::Spent(next));
        }
        corrected
    }

    /// Keeps what Redis has said: a denial until its wait is over, and with
    /// that what [`Entry::Denial`] says, or that it is over. It only saves calls,
    /// so no entry that is not free gives its place up for it. Whether there was
    /// anything to change.
    pub fn remember(&mut self, fingerprint: Fingerprint, said: Said, now: Now) -> bool {
        let (slot, denial) = match said {
            Said::Allowed => (self.find(fingerprint), Denial::OVER),
            Said::Denied { cost, retry_after } => (
                self.place_for_cached(fingerprint, now),
                Denial::new(cost, retry_after, now.monotonic),
            ),
        };
        if let Some(slot) = slot {
            self.write(slot, fingerprint, Content::Denial(denial));
        }
        slot.is_some()
    }

    /// Where each charge's client stands: units, and the time until all are
    /// there, ns.
    pub fn look(&self, charges: &[Charge], now: Now) -> Vec<(u32, u64)> {
        let look = |charge: &Charge| {
            let content = self
                .find(charge.fingerprint)
                .and_then(|slot| self.content(slot));
            let state = match content {
                Some(Content::Spent(state)) => Some(state),
                _ => None,
            };
            charge.limit.kind.look(state, now)
        };
        charges.iter().map(look).collect()
    }

    /// What Redis was last seen to have, if that is worth anything by now.
    pub fn seen(&self, fingerprint: Fingerprint, now: Now) -> Option<Look> {
        match self.content(self.find(fingerprint)?)? {
            Content::Look(look) => Some(look).filter(|look| look.is_fresh(now.monotonic)),
            _ => None,
        }
    }

    /// Keeps what Redis is seen to have, where there is room for it: as with a
    /// denial, no entry that is not free gives its place up. Nor does whoever
    /// begins to look take it from one who has begun, or has seen.
    pub fn see(&mut self, fingerprint: Fingerprint, look: Look, now: Now) -> bool {
        if look.left().is_none() && self.seen(fingerprint, now).is_some() {
            return false;
        }
        let slot = self.place_for_cached(fingerprint, now);
        if let Some(slot) = slot {
            self.write(slot, fingerprint, Content::Look(look));
        }
        slot.is_some()
    }

    fn place_for_cached(&self, fingerprint: Fingerprint, now: Now) -> Option<Slot> {
        self.find(fingerprint).or_else(|| {
            let place = self.place_for_new(&[], &[], now)?;
            (place.evictions == 0).then_some(place.slot)
        })
    }

    /// The place for a new entry: one that is free, or else one more, or else, in
    /// a page that may not grow, the one that is missed least; none that this very
    /// request has, be it one it found (`decided`) or one it took (`new`).
    fn place_for_new(&self, decided: &[Decided], new: &[Slot], now: Now) -> Option<NewPlace> {
        let found = |slot| decided.iter().any(|decided| decided.slot == Some(slot));
        let entries = self.entries();
        let others = entries
            .iter()
            .enumerate()
            .filter(|(slot, _)| !new.contains(slot) && !found(*slot));
        let free = match others.clone().find(|(_, entry)| entry.is_free(now)) {
            Some((slot, _)) => Some(slot),
            None => Some(entries.len()).filter(|next| *next < ENTRIES_PER_PAGE),
        };
        match free {
            Some(slot) => Some(NewPlace { slot, evictions: 0 }),
            None => others
                .min_by_key(|(_, entry)| entry.weight(now))
                .map(|(slot, _)| NewPlace { slot, evictions: 1 }),
        }
    }

    fn find(&self, fingerprint: Fingerprint) -> Option<Slot> {
        let mut entries = self.entries().iter();
        entries.position(|entry| entry.is(fingerprint))
    }

    fn content(&self, slot: Slot) -> Option<Content> {
        self.entries().get(slot)?.content()
    }

    fn write(&mut self, slot: Slot, fingerprint: Fingerprint, content: Content) {
        let entry = StoredEntry::new(fingerprint, content);
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
