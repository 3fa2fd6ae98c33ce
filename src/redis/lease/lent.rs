//! One lease: what of a limit one client has on one worker.

use std::num::NonZeroU64;
use std::rc::Rc;

use super::demand::Demand;
use super::loan::Loan;
use super::pace::{self, Pace, Turn};
use super::term::{Said, Term};
use super::{Consulted, Told};
use crate::limit::{Allowance, Answer, Cost, Kind, Limit};
use crate::redis::{Ask, LeaseTerms, Operation};

/// What one worker knows of one client's use of one limit.
#[derive(Debug)]
pub(super) struct Lease {
    key: Rc<str>,
    /// With the parameters of the client's plan as it last asked.
    limit: Rc<Limit>,
    allowance: Allowance,
    loan: Loan,
    /// Units that Redis had not left, when it last said so. Another plan has as
    /// many more or fewer as it is larger or smaller.
    taken: u32,
    demand: Demand,
    /// The call that is under way.
    pending: Option<Pending>,
    pace: Pace,
}

#[derive(Debug, Clone, Copy)]
struct Pending {
    terms: LeaseTerms,
    /// What was asked for; the client's plan may be another one by now.
    allowance: Allowance,
    sent_at: u64,
}

/// Fewer units in a lease save no calls worth their trouble.
pub(super) const WORTHWHILE: u32 = 4;

/// A lease is renewed when no more than this part of the use for half a
/// second is left: 31 ms.
const LOW: u32 = 16;

// === impl Lease ===

impl Lease {
    /// Nothing lent yet, to a client that has just asked.
    pub(super) fn watched(
        key: &Rc<str>,
        limit: &Rc<Limit>,
        loan: Loan,
        cost: Cost,
        now: u64,
    ) -> Self {
        let mut demand = Demand::default();
        demand.add(cost, now);
        Self {
            key: key.clone(),
            limit: limit.clone(),
            allowance: *loan.allowance(),
            loan,
            taken: 0,
            demand,
            pending: None,
            pace: Pace::new(now),
        }
    }

    /// Brings the lease to the limit as it is now, under another plan perhaps.
    /// What is lent stays: it is debited.
    pub(super) fn follow(&mut self, limit: &Rc<Limit>, now: u64) {
        if Rc::ptr_eq(&self.limit, limit) {
            return;
        }
        self.limit = limit.clone();
        match limit.kind {
            Kind::Metered { allowance, .. } if allowance != self.allowance => {
                self.allowance = allowance;
                // That the other plan had nothing left says nothing of this one.
                self.pace = Pace::new(now);
            }
            _ => {}
        }
    }

    pub(super) fn consult(&mut self, cost: Cost, now: u64) -> Consulted {
        self.demand.add(cost, now);
        let there = self.loan.units(now);
        if there >= cost.get() {
            return Consulted::Enough;
        }
        let pending = self.pending.is_some();
        if let Some(wait) = self.pace.denies(cost, &self.limit, pending, now) {
            return Consulted::Denied(Answer::Denied {
                remaining: there,
                retry_after: Some(wait),
            });
        }
        Consulted::Ask
    }

    pub(super) fn spend(&mut self, cost: Cost) -> Option<Answer> {
        self.loan.spend(cost)?;
        Some(self.standing(&self.allowance, self.demand.last()))
    }

    pub(super) fn reserve(&mut self, cost: Cost) -> Option<(Answer, u64)> {
        let losses = self.loan.reserve(cost)?;
        Some((self.standing(&self.allowance, self.demand.last()), losses))
    }

    pub(super) fn settle(&mut self, cost: Cost, losses: u64, used: u64, now: u64) -> u64 {
        self.loan.settle(cost, losses, used, now)
    }

    pub(super) fn give_back(&mut self, cost: Cost, spent_at: u64) {
        self.loan.give_back(cost, spent_at);
    }

    /// Whether there is no more to do for its client.
    pub(super) fn is_gone(&self, now: u64) -> bool {
        self.pending.is_none() && self.loan.is_gone() && self.demand.is_idle(now)
    }

    /// What a client is told of what is left: here, and elsewhere as last heard.
    fn standing(&self, allowance: &Allowance, now: u64) -> Answer {
        let size = allowance.size();
        let elsewhere = size.saturating_sub(self.taken);
        let remaining = self.loan.balance().saturating_add(elsewhere).min(size);
        let reset_in = match allowance {
            Allowance::Bucket(bucket) => {
                let spent = u64::from(size.saturating_sub(remaining));
                spent.saturating_mul(bucket.emission_interval().get())
            }
            Allowance::Quota(_) => self.loan.term().resets_in(now),
        };
        Answer::Allowed {
            remaining,
            reset_in,
        }
    }

    /// The same, while there is a lease that holds, to a client that only looks:
    /// under its plan now, perhaps not that of its last request.
    pub(super) fn known_standing(&self, limit: &Limit, now: u64) -> Option<Answer> {
        let Kind::Metered { allowance, .. } = &limit.kind else {
            return None;
        };
        let holds = self.loan.is_named() && !self.loan.term().is_over(now);
        holds.then(|| self.standing(allowance, now))
    }

    /// The call to make now, if any.
    pub(super) fn due(&mut self, now: u64) -> Option<Ask> {
        if self.pending.is_some() {
            return None;
        }
        if self.loan.term().is_over(now) {
            self.loan.forget();
        }
        self.demand.roll(now);
        let wanted = self.wanted(now);
        let little = wanted < WORTHWHILE || self.demand.counted() < WORTHWHILE;
        let ending = self.loan.is_named() && self.loan.term().is_ending(now);
        if self.demand.is_idle(now) || little {
            return match self.loan.reserved() {
                0 => self.end(now),
                // What is set aside is kept for as long as it may be needed.
                _ => ending.then(|| self.ask(1, now)),
            };
        }
        let balance = self.loan.balance();
        let may_call = self.pace.may_call(now);
        let low = balance < wanted && balance <= self.demand.units(now) / LOW && may_call;
        // Another plan's units are not carried over into this one, which may have
        // fewer in all.
        let is_anothers = *self.loan.allowance() != self.allowance;
        let is_spent = balance == 0 && self.loan.reserved() == 0;
        if ending && (is_anothers || is_spent && !may_call) {
            return self.end(now);
        }
        if low || ending {
            return Some(self.ask(wanted.saturating_sub(balance).max(1), now));
        }
        None
    }

    /// Gives back what lies idle.
    fn end(&mut self, now: u64) -> Option<Ask> {
        if self.loan.is_named() {
            return Some(self.ask(0, now));
        }
        self.loan.forget();
        None
    }

    /// As many units as the client will use in half a second, if it goes on.
    fn wanted(&self, now: u64) -> u32 {
        self.demand.units(now).min(pace::most(&self.allowance))
    }

    fn ask(&mut self, wanted: u32, now: u64) -> Ask {
        let terms = self.loan.named(wanted, now);
        self.pending = Some(Pending {
            terms,
            allowance: self.allowance,
            sent_at: now,
        });
        Ask {
            key: self.key.clone(),
            allowance: self.allowance,
            operation: Operation::Lease(terms),
        }
    }

    pub(super) fn told(&mut self, outcome: &Told<'_>, back_off: NonZeroU64, now: u64) {
        let Some(pending) = self.pending.take() else {
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
        let Pending {
            terms,
            allowance,
            sent_at,
        } = pending;
        self.taken = allowance.size().saturating_sub(remaining);
        if terms.wanted == 0 {
            return self.loan.end();
        }
        let said = Said {
            generation: reply.generation,
            reset_in,
            redis_now: *redis_now,
            sent_at,
        };
        let term = Term::of(&allowance, &said);
        self.loan.renew(&terms, reply, term, allowance);
        if allowance == self.allowance {
            let turn = Turn {
                granted: reply.granted,
                wanted: terms.wanted,
                remaining,
                reset_in,
            };
            self.pace.answered(&turn, &allowance, &self.demand, now);
        }
    }

    /// What has become of the lease is not known, nor whether there are units:
    /// what decides without Redis does.
    fn unknown(&mut self, back_off: NonZeroU64, now: u64) {
        self.loan.lose_sight();
        self.pace.failed(back_off, now);
    }
}
