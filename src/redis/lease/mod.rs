//! Leases: units borrowed from Redis in chunks and spent without asking.
//!
//! Each of a gateway's workers borrows for itself: its book is plain memory,
//! so spending from it costs nothing, and no two workers race. A book asks for
//! as much of a limit as a client has lately used in half a second, in good
//! time before it runs out, and gives back what lies idle. Nothing is spent that
//! was not debited in Redis before.

mod demand;
mod lent;
mod loan;
mod pace;
mod term;

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::rc::Rc;

use super::{Ask, KeyReply};
use crate::limit::{Allowance, Answer, Cost, Kind, Limit};
use lent::Lease;
use loan::Loan;

/// The leases of one worker, by the number that stands for a client and a
/// limit.
#[derive(Debug, Default)]
pub struct LeaseBook {
    leases: BTreeMap<u64, Lease>,
    /// Where the next tick goes on.
    cursor: u64,
    /// What the next lease's reservations are known by, unlike any before it.
    next_reservation: u64,
}

/// What the book says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consulted {
    /// The units are there, to be taken by [`LeaseBook::spend`].
    Enough,
    /// There are none in Redis either, as it said a moment ago.
    Denied(Answer),
    /// Redis has to be asked.
    Ask,
}

/// What became of a call that the book wanted.
#[derive(Debug)]
pub enum Told<'r> {
    /// Redis answered: what it said, and its clock, in ms.
    Answered(&'r KeyReply, u64),
    /// It did not, and may have done what it was asked or not.
    Failed,
}

/// The most calls that are due at once: the rest is at the next tick.
const CALLS_A_TICK: usize = 64;

/// The most leases in a book. Further clients are asked for one by one.
const CAPACITY: usize = 16_384;

/// The smallest burst or quota, of this kind of allowance, of which anything is
/// lent.
pub fn least_to_lend(allowance: &Allowance) -> u32 {
    pace::least_of(allowance, lent::WORTHWHILE)
}

/// A lease whose client has gone may be watched anew, and must not take the old
/// one's reservations for its own: room for so many between them.
const RESERVATIONS: u64 = 1 << 32;

// === impl LeaseBook ===

impl LeaseBook {
    /// What is known of a client's units, and that it asks for some of a limit
    /// as its plan has it now.
    pub fn consult(&mut self, lease: u64, limit: &Rc<Limit>, cost: Cost, now: u64) -> Consulted {
        let Some(lease) = self.leases.get_mut(&lease) else {
            return Consulted::Ask;
        };
        lease.follow(limit, now);
        lease.consult(cost, now)
    }

    /// Takes units that [`LeaseBook::consult`] said are there.
    pub fn spend(&mut self, lease: u64, cost: Cost) -> Option<Answer> {
        self.leases.get_mut(&lease)?.spend(cost)
    }

    /// Sets aside units that [`LeaseBook::consult`] said are there, for a request of
    /// which it is not known yet how many it takes. Also returns what
    /// [`LeaseBook::settle`] is to know them by.
    pub fn reserve(&mut self, lease: u64, cost: Cost) -> Option<(Answer, u64)> {
        self.leases.get_mut(&lease)?.reserve(cost)
    }

    /// Spends `used` units for a request for which `cost` were set aside. Returns how
    /// many of them Redis is still to be told of.
    pub fn settle(&mut self, lease: u64, cost: Cost, reservation: u64, used: u64, now: u64) -> u64 {
        match self.leases.get_mut(&lease) {
            Some(lease) => lease.settle(cost, reservation, used, now),
            None => used.saturating_sub(cost.get().into()),
        }
    }

    /// What a client with units on lease has: here, and elsewhere as last heard.
    pub fn standing(&self, lease: u64, limit: &Limit, now: u64) -> Option<Answer> {
        self.leases.get(&lease)?.known_standing(limit, now)
    }

    /// Gives back units that a request took, not before `spent_at`, that does
    /// not pass.
    pub fn give_back(&mut self, lease: u64, cost: Cost, spent_at: u64) {
        if let Some(lease) = self.leases.get_mut(&lease) {
            lease.give_back(cost, spent_at);
        }
    }

    /// Watches a client for which Redis is asked, if there is room for one more.
    pub fn watch(&mut self, lease: u64, key: &Rc<str>, limit: &Rc<Limit>, cost: Cost, now: u64) {
        if let Some(lease) = self.leases.get_mut(&lease) {
            return lease.follow(limit, now);
        }
        if self.leases.len() >= CAPACITY {
            return;
        }
        if let Kind::Metered { allowance, .. } = limit.kind {
            let first = self.next_reservation;
            self.next_reservation = first.wrapping_add(RESERVATIONS);
            let watched = Lease::watched(key, limit, Loan::none(allowance, first), cost, now);
            self.leases.insert(lease, watched);
        }
    }

    /// Whether nothing is watched or borrowed.
    pub fn is_empty(&self) -> bool {
        self.leases.is_empty()
    }

    /// What to ask Redis for now, each in a call of its own whose outcome goes
    /// to [`LeaseBook::told`]. Forgets those whose clients have gone.
    pub fn due(&mut self, now: u64) -> Vec<(u64, Ask)> {
        let mut due = Vec::new();
        let from = std::mem::take(&mut self.cursor);
        self.leases.retain(|number, lease| {
            if *number < from {
                // Had its turn.
            } else if due.len() < CALLS_A_TICK {
                due.extend(lease.due(now).map(|ask| (*number, ask)));
            } else if self.cursor == 0 {
                self.cursor = *number;
            }
            !lease.is_gone(now)
        });
        due
    }

    /// The outcome of a call that was due. `back_off` is how long to wait after
    /// a failure, ns.
    pub fn told(&mut self, lease: u64, outcome: &Told<'_>, back_off: NonZeroU64, now: u64) {
        if let Some(lease) = self.leases.get_mut(&lease) {
            lease.told(outcome, back_off, now);
        }
    }
}
