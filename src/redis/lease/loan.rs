//! The units on lease, and what of them Redis has on its books.

use super::term::Term;
use crate::limit::{Allowance, Cost};
use crate::redis::{KeyReply, LeaseTerms};

/// What a worker has on lease of one client's limit.
#[derive(Debug)]
pub(super) struct Loan {
    /// Units to spend, until the term is over.
    balance: u32,
    /// Units set aside for requests of which it is not known yet how many they
    /// take. To Redis they are not spent.
    reserved: u32,
    /// Counts how often units that were set aside had to be given up: Redis has
    /// booked them as spent.
    losses: u64,
    term: Term,
    /// What they were lent of.
    allowance: Allowance,
    /// As the script numbered it, 0 where it is spoken of no more; and how many
    /// units it counts as lent.
    generation: u64,
    held: u32,
    /// When Redis was last told what is spent, ns.
    reported_at: u64,
}

// === impl Loan ===

impl Loan {
    /// Nothing lent of this allowance. `first`: what units that are set aside are
    /// known by.
    pub(super) fn none(allowance: Allowance, first: u64) -> Self {
        Self {
            balance: 0,
            reserved: 0,
            losses: first,
            term: Term::default(),
            allowance,
            generation: 0,
            held: 0,
            reported_at: 0,
        }
    }

    /// What it was lent of.
    pub(super) fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    /// How long it may be spent.
    pub(super) fn term(&self) -> &Term {
        &self.term
    }

    /// Units not spent.
    pub(super) fn balance(&self) -> u32 {
        self.balance
    }

    /// Units that may be spent now.
    pub(super) fn units(&self, now: u64) -> u32 {
        if self.term.is_over(now) {
            0
        } else {
            self.balance
        }
    }

    /// Whether Redis has it on its books, as far as is known.
    pub(super) fn is_named(&self) -> bool {
        self.generation > 0
    }

    /// Whether nothing of it can come back any more.
    pub(super) fn is_gone(&self) -> bool {
        self.held == 0
    }

    pub(super) fn spend(&mut self, cost: Cost) -> Option<()> {
        self.balance = self.balance.checked_sub(cost.get())?;
        Some(())
    }

    /// Sets units aside. Returns what [`Loan::settle`] is to know them by.
    pub(super) fn reserve(&mut self, cost: Cost) -> Option<u64> {
        self.spend(cost)?;
        self.reserved = self.reserved.saturating_add(cost.get());
        Some(self.losses)
    }

    /// Units that are set aside.
    pub(super) fn reserved(&self) -> u32 {
        self.reserved
    }

    /// Spends `used` units of those that were set aside, and others where these
    /// are too few. Returns how many are still to be charged. Of units that were
    /// given up in the meantime none comes back.
    pub(super) fn settle(&mut self, cost: Cost, losses: u64, used: u64, now: u64) -> u64 {
        let cost = cost.get();
        if losses == self.losses {
            self.reserved = self.reserved.saturating_sub(cost);
            let back = u64::from(cost).saturating_sub(used);
            let room = self.held.saturating_sub(self.reserved);
            let balance = u64::from(self.balance).saturating_add(back);
            self.balance = u32::try_from(balance).unwrap_or(u32::MAX).min(room);
        }
        let more = used.saturating_sub(cost.into());
        let there = u32::try_from(more).unwrap_or(u32::MAX).min(self.units(now));
        self.balance = self.balance.saturating_sub(there);
        more.saturating_sub(there.into())
    }

    fn give_up_reserved(&mut self) {
        self.reserved = 0;
        self.losses = self.losses.wrapping_add(1);
    }

    /// What Redis was told of as spent is left to time, which refills it there.
    pub(super) fn give_back(&mut self, cost: Cost, spent_at: u64) {
        if spent_at >= self.reported_at {
            let room = self.held.saturating_sub(self.reserved);
            self.balance = self.balance.saturating_add(cost.get()).min(room);
        }
    }

    /// What to tell Redis of it in a call for so many units, which only that call
    /// may name it in; for none, all of it goes back.
    pub(super) fn named(&mut self, wanted: u32, now: u64) -> LeaseTerms {
        if wanted == 0 {
            self.give_up_reserved();
        }
        let unspent = self.balance.saturating_add(self.reserved);
        if wanted == 0 {
            self.balance = 0;
        }
        let held = if self.is_named() { self.held } else { 0 };
        let terms = LeaseTerms {
            wanted,
            generation: self.generation,
            held,
            unspent: unspent.min(held),
        };
        // What comes back from now on was said to be spent: Redis keeps no room
        // for it.
        self.held = self.balance.saturating_add(self.reserved);
        self.reported_at = now;
        terms
    }

    /// Adds what a call has brought that named it in these terms.
    pub(super) fn renew(
        &mut self,
        terms: &LeaseTerms,
        reply: &KeyReply,
        term: Term,
        allowance: Allowance,
    ) {
        // Redis has kept what was left of the lease before, unless that was over
        // by its clock, or its period was, or unknown to it.
        let is_kept = terms.generation > 0
            && reply.generation <= terms.generation.saturating_add(1)
            && term.is_of_the_period_of(&self.term);
        let (left, carried) = if is_kept {
            (self.balance, terms.unspent)
        } else {
            self.give_up_reserved();
            (0, 0)
        };
        self.balance = left.saturating_add(reply.granted);
        self.held = carried.saturating_add(reply.granted);
        // A lease of no units is none: there is nothing to give back.
        self.generation = if self.held > 0 { reply.generation } else { 0 };
        self.term = term;
        self.allowance = allowance;
    }

    /// Redis has it on its books no more.
    pub(super) fn end(&mut self) {
        self.give_up_reserved();
        (self.generation, self.held) = (0, 0);
    }

    /// Ends it, with what is left.
    pub(super) fn forget(&mut self) {
        self.balance = 0;
        self.end();
    }

    /// What has become of it is not known. What is left of it was debited and may
    /// be spent, but is not spoken of again.
    pub(super) fn lose_sight(&mut self) {
        self.held = self.balance.saturating_add(self.reserved);
        self.generation = 0;
    }
}
