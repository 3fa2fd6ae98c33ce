//! One lease: what of a limit one client has on one worker.

use std::num::NonZeroU64;
use std::rc::Rc;

use super::demand::Demand;
use super::pace::{self, Pace, Turn};
use super::{Consulted, Told};
use crate::limit::{Allowance, Answer, Cost, Limit};
use crate::redis::{Ask, LeaseTerms, Operation, LEASE_LENGTH_MS};

/// What one worker knows of one client's use of one limit.
#[derive(Debug)]
pub(super) struct Lease {
    key: Rc<str>,
    limit: Rc<Limit>,
    allowance: Allowance,
    /// Units to spend, until `ends_at`.
    balance: u32,
    /// ns.
    ends_at: u64,
    /// As the script numbered it, and how many units it counts as lent.
    generation: u64,
    held: u32,
    /// What Redis had left besides, when it last said so.
    elsewhere: u32,
    demand: Demand,
    /// The call that is under way.
    pending: Option<Pending>,
    /// When Redis was last told what is spent, ns.
    reported_at: u64,
    pace: Pace,
}

#[derive(Debug, Clone, Copy)]
struct Pending {
    terms: LeaseTerms,
    sent_at: u64,
}

/// So long before its end a lease is renewed or given back, ns.
const ENDING: u64 = 400_000_000;

/// Fewer units in a lease save no calls worth their trouble.
pub(super) const WORTHWHILE: u32 = 4;

/// A lease is renewed when no more than this part of the use for half a
/// second is left: 31 ms.
const LOW: u32 = 16;

const NANOS_PER_MILLI: u64 = 1_000_000;

// === impl Lease ===

impl Lease {
    /// Nothing lent yet, to a client that has just asked.
    pub(super) fn watched(
        key: &Rc<str>,
        limit: &Rc<Limit>,
        allowance: Allowance,
        cost: Cost,
        now: u64,
    ) -> Self {
        let mut demand = Demand::default();
        demand.add(cost, now);
        Self {
            key: key.clone(),
            limit: limit.clone(),
            allowance,
            balance: 0,
            ends_at: 0,
            generation: 0,
            held: 0,
            elsewhere: 0,
            demand,
            pending: None,
            reported_at: 0,
            pace: Pace::new(now),
        }
    }

    pub(super) fn consult(&mut self, cost: Cost, now: u64) -> Consulted {
        self.demand.add(cost, now);
        if self.balance >= cost.get() && now < self.ends_at {
            return Consulted::Enough;
        }
        let pending = self.pending.is_some();
        if let Some(wait) = self.pace.denies(cost, &self.limit, pending, now) {
            return Consulted::Denied(Answer::Denied {
                remaining: self.balance.min(cost.get().saturating_sub(1)),
                retry_after: Some(wait),
            });
        }
        Consulted::Ask
    }

    pub(super) fn spend(&mut self, cost: Cost) -> Option<Answer> {
        self.balance = self.balance.checked_sub(cost.get())?;
        Some(self.standing())
    }

    /// What Redis was told of as spent is left to time, which refills it there.
    pub(super) fn give_back(&mut self, cost: Cost, spent_at: u64) {
        if spent_at >= self.reported_at {
            self.balance = self.balance.saturating_add(cost.get()).min(self.held);
        }
    }

    /// Whether there is no more to do for its client.
    pub(super) fn is_gone(&self, now: u64) -> bool {
        self.pending.is_none() && self.held == 0 && self.demand.is_idle(now)
    }

    /// What a client is told of what is left: here, and elsewhere as last heard.
    fn standing(&self) -> Answer {
        let burst = self.allowance.size();
        let remaining = self.balance.saturating_add(self.elsewhere).min(burst);
        let spent = u64::from(burst.saturating_sub(remaining));
        Answer::Allowed {
            remaining,
            reset_in: spent.saturating_mul(self.allowance.interval()),
        }
    }

    /// The same, while there is a lease that holds.
    pub(super) fn known_standing(&self, now: u64) -> Option<Answer> {
        (self.generation > 0 && now < self.ends_at).then(|| self.standing())
    }

    fn end_if_over(&mut self, now: u64) {
        if now >= self.ends_at {
            (self.balance, self.held, self.generation) = (0, 0, 0);
        }
    }

    /// The call to make now, if any.
    pub(super) fn due(&mut self, now: u64) -> Option<Ask> {
        if self.pending.is_some() {
            return None;
        }
        self.end_if_over(now);
        self.demand.roll(now);
        let wanted = self.wanted(now);
        let little = wanted < WORTHWHILE || self.demand.counted() < WORTHWHILE;
        if self.demand.is_idle(now) || little {
            return self.end(now);
        }
        let low = self.balance <= self.demand.units(now) / LOW && self.pace.may_call(now);
        let ending = self.generation > 0 && now.saturating_add(ENDING) >= self.ends_at;
        if ending && self.balance == 0 && !self.pace.may_call(now) {
            return self.end(now);
        }
        if low || ending {
            let more = wanted.saturating_sub(self.balance).max(1);
            return Some(self.ask(more, self.balance, now));
        }
        None
    }

    /// Gives back what lies idle.
    fn end(&mut self, now: u64) -> Option<Ask> {
        let unspent = std::mem::take(&mut self.balance);
        if self.generation > 0 {
            return Some(self.ask(0, unspent, now));
        }
        self.held = 0;
        None
    }

    /// As many units as the client will use in half a second, if it goes on.
    fn wanted(&self, now: u64) -> u32 {
        self.demand.units(now).min(pace::most(&self.allowance))
    }

    fn ask(&mut self, wanted: u32, unspent: u32, now: u64) -> Ask {
        let known = self.generation > 0;
        let terms = LeaseTerms {
            wanted,
            generation: self.generation,
            held: if known { self.held } else { 0 },
            unspent: if known { unspent.min(self.held) } else { 0 },
        };
        // What comes back from now on was said to be spent: Redis keeps no room
        // for it.
        self.held = self.balance;
        self.reported_at = now;
        self.pending = Some(Pending {
            terms,
            sent_at: now,
        });
        Ask {
            key: self.key.clone(),
            allowance: self.allowance,
            operation: Operation::Lease(terms),
        }
    }

    pub(super) fn told(&mut self, outcome: &Told<'_>, back_off: NonZeroU64, now: u64) {
        let Some(Pending { terms, sent_at }) = self.pending.take() else {
            return;
        };
        let Told::Answered(reply, redis_now) = outcome else {
            return self.unknown(back_off, now);
        };
        let Answer::Allowed {
            remaining,
            reset_in,
        } = reply.answer
        else {
            // A call for whatever there is cannot be refused.
            return self.unknown(back_off, now);
        };
        self.elsewhere = remaining;
        if terms.wanted == 0 {
            (self.generation, self.held) = (0, 0);
            return;
        }
        // Redis has kept what was left of the lease before, unless that was over
        // by its clock, or unknown to it.
        let kept = terms.generation > 0 && reply.generation <= terms.generation.saturating_add(1);
        let (left, carried) = if kept {
            (self.balance, terms.unspent)
        } else {
            (0, 0)
        };
        self.balance = left.saturating_add(reply.granted);
        self.held = carried.saturating_add(reply.granted);
        self.generation = reply.generation;
        self.ends_at = ends_at(reply.generation, *redis_now, sent_at);
        let turn = Turn {
            granted: reply.granted,
            wanted: terms.wanted,
            remaining,
            reset_in,
        };
        self.pace
            .answered(&turn, &self.allowance, &self.demand, now);
    }

    /// What has become of the lease is not known. What is left of it was debited
    /// and may be spent, but is not spoken of again. Nor is it known whether
    /// there are units: what decides without Redis does.
    fn unknown(&mut self, back_off: NonZeroU64, now: u64) {
        (self.generation, self.held) = (0, self.balance);
        self.pace.failed(back_off, now);
    }
}

/// When a lease of this generation ends, by the clock of `sent_at`: at the end
/// of the generation after its own. Redis answered after `sent_at`, so this is
/// never too late.
fn ends_at(generation: u64, redis_now: u64, sent_at: u64) -> u64 {
    let end = generation.saturating_add(2).saturating_mul(LEASE_LENGTH_MS);
    let left = end.saturating_sub(redis_now).min(2 * LEASE_LENGTH_MS);
    sent_at.saturating_add(left.saturating_mul(NANOS_PER_MILLI))
}
