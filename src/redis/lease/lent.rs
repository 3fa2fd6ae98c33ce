//! One lease: what of a limit one client has on one worker.

use std::num::NonZeroU64;
use std::rc::Rc;

use super::demand::Demand;
use super::{Consulted, Told};
use crate::limit::{Answer, Cost, Limit};
use crate::redis::{Ask, KeyReply, LeaseTerms, Operation, LEASE_LENGTH_MS};

/// What one worker knows of one client's use of one limit.
#[derive(Debug)]
pub(super) struct Lease {
    key: Rc<str>,
    limit: Rc<Limit>,
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
    /// No call before, ns.
    next_call: u64,
    /// Redis has not a single unit before, ns.
    dry_until: u64,
    /// How long to wait from call to call while Redis has less than is wanted,
    /// ns; 0 while it has enough.
    pace: u64,
}

#[derive(Debug, Clone, Copy)]
struct Pending {
    terms: LeaseTerms,
    sent_at: u64,
}

/// So long before its end a lease is renewed or given back, ns.
const ENDING: u64 = 400_000_000;

/// So long after the time of its next call the book has its answer, ns.
const ANSWERED: u64 = 30_000_000;

/// While Redis has less than is wanted, calls are so far apart that a client
/// asks for so many units between them: the less often, the more has come
/// back by then.
const UNITS_A_CALL: u64 = 32;

/// And at most so far, ns.
const LONGEST_PACE: u64 = 500_000_000;

/// The longest time for which it is believed that Redis has nothing, ns: others
/// may have given some back by then.
const BELIEVED: u64 = 60_000_000_000;

/// Fewer units in a lease save no calls worth their trouble.
const WORTHWHILE: u32 = 4;

/// A lease is at most this part of a bucket: units on lease, spent or not, take
/// up room there, and so keep others from coming back.
const PART: u32 = 6;

/// A lease is renewed when no more than this part of the use for half a
/// second is left: 31 ms.
const LOW: u32 = 16;

const NANOS_PER_MILLI: u64 = 1_000_000;

// === impl Lease ===

impl Lease {
    /// Nothing lent yet, to a client that has just asked.
    pub(super) fn watched(key: &Rc<str>, limit: &Rc<Limit>, cost: Cost, now: u64) -> Self {
        let mut demand = Demand::default();
        demand.add(cost, now);
        Self {
            key: key.clone(),
            limit: limit.clone(),
            balance: 0,
            ends_at: 0,
            generation: 0,
            held: 0,
            elsewhere: 0,
            demand,
            pending: None,
            next_call: now,
            dry_until: now,
            pace: 0,
        }
    }

    pub(super) fn consult(&mut self, cost: Cost, now: u64) -> Consulted {
        self.demand.add(cost, now);
        if self.balance >= cost.get() && now < self.ends_at {
            return Consulted::Enough;
        }
        let answer_at = self.next_call.saturating_add(ANSWERED);
        if self.pace > 0 && (now < answer_at || self.pending.is_some()) {
            let more = u64::from(cost.get().saturating_sub(1)).saturating_mul(self.interval());
            let there_at = answer_at.max(self.dry_until.saturating_add(more));
            let wait = NonZeroU64::new(there_at.saturating_sub(now));
            return Consulted::Denied(Answer::Denied {
                remaining: self.balance.min(cost.get().saturating_sub(1)),
                retry_after: wait.unwrap_or(NonZeroU64::MIN),
            });
        }
        Consulted::Ask
    }

    pub(super) fn spend(&mut self, cost: Cost) -> Option<Answer> {
        self.balance = self.balance.checked_sub(cost.get())?;
        Some(self.standing())
    }

    pub(super) fn give_back(&mut self, cost: Cost) {
        self.balance = self.balance.saturating_add(cost.get()).min(self.held);
    }

    /// Whether there is no more to do for its client.
    pub(super) fn is_gone(&self, now: u64) -> bool {
        self.pending.is_none() && self.held == 0 && self.demand.is_idle(now)
    }

    /// What a client is told of what is left: here, and elsewhere as last heard.
    fn standing(&self) -> Answer {
        let burst = self.limit.bucket.burst().get();
        let remaining = self.balance.saturating_add(self.elsewhere).min(burst);
        let spent = u64::from(burst.saturating_sub(remaining));
        Answer::Allowed {
            remaining,
            full_in: spent.saturating_mul(self.interval()),
        }
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
        if self.demand.is_idle(now) || wanted < WORTHWHILE {
            return self.end(now);
        }
        let low = self.balance <= self.demand.units(now) / LOW && now >= self.next_call;
        let ending = self.generation > 0 && now.saturating_add(ENDING) >= self.ends_at;
        if ending && self.balance == 0 && now < self.next_call {
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
        self.demand.units(now).min(self.most())
    }

    fn ask(&mut self, wanted: u32, unspent: u32, now: u64) -> Ask {
        let known = self.generation > 0;
        let terms = LeaseTerms {
            wanted,
            generation: self.generation,
            held: if known { self.held } else { 0 },
            unspent: if known { unspent.min(self.held) } else { 0 },
        };
        self.pending = Some(Pending {
            terms,
            sent_at: now,
        });
        Ask {
            key: self.key.clone(),
            bucket: self.limit.bucket,
            operation: Operation::Lease(terms),
        }
    }

    pub(super) fn told(&mut self, outcome: &Told<'_>, back_off: NonZeroU64, now: u64) {
        let Some(Pending { terms, sent_at }) = self.pending.take() else {
            return;
        };
        match outcome {
            Told::Answered(
                KeyReply {
                    answer: Answer::Allowed { remaining, full_in },
                    granted,
                    generation,
                },
                redis_now,
            ) => {
                self.elsewhere = *remaining;
                if terms.wanted == 0 {
                    (self.generation, self.held) = (0, 0);
                    return;
                }
                // Redis has kept what was left of the lease before, unless that
                // was over by its clock, or unknown to it.
                let kept =
                    terms.generation > 0 && *generation <= terms.generation.saturating_add(1);
                let left = if kept { self.balance } else { 0 };
                self.balance = left.saturating_add(*granted);
                self.held = terms.unspent.saturating_add(*granted);
                self.generation = *generation;
                self.ends_at = ends_at(*generation, *redis_now, sent_at);
                self.pace = self.pace_after(*granted, terms.wanted, now);
                let dry = full_in.saturating_sub(self.time_but_for_one());
                self.dry_until = now.saturating_add(dry);
                let pause = if self.pace > 0 { dry.min(BELIEVED) } else { 0 };
                self.next_call = now.saturating_add(pause.max(self.pace));
            }
            // What has become of the lease is not known. What is left of it was
            // debited and may be spent, but is not spoken of again.
            Told::Answered(..) | Told::Failed => {
                (self.generation, self.held) = (0, self.balance);
                self.next_call = now.saturating_add(back_off.get());
            }
        }
    }

    /// Others want the same units: the less of what was wanted was there, the
    /// longer it takes until there is as much again.
    fn pace_after(&self, granted: u32, wanted: u32, now: u64) -> u64 {
        let quarters = granted.saturating_mul(4).checked_div(wanted).unwrap_or(4);
        let longest = LONGEST_PACE.min(self.four_turns());
        let shortest = longest.min(self.demand.time_for(UNITS_A_CALL, now));
        match quarters {
            0 | 1 => {
                let half = self.interval().saturating_mul(u64::from(wanted / 2));
                let longer = self.pace.saturating_mul(2).max(half);
                longer.clamp(shortest, longest)
            }
            2 => self.pace.max(shortest),
            _ => {
                let shorter = self.pace.saturating_sub(self.pace / 4);
                if shorter < shortest {
                    0
                } else {
                    shorter
                }
            }
        }
    }

    /// The time in which as much comes back as four take that take the most.
    fn four_turns(&self) -> u64 {
        let most = u64::from(self.most());
        self.interval().saturating_mul(most).saturating_mul(4)
    }

    /// The largest lease.
    fn most(&self) -> u32 {
        self.limit.bucket.burst().get() / PART
    }

    /// The time in which a bucket fills that has one unit.
    fn time_but_for_one(&self) -> u64 {
        let rest = self.limit.bucket.burst().get().saturating_sub(1);
        self.interval().saturating_mul(rest.into())
    }

    fn interval(&self) -> u64 {
        self.limit.bucket.emission_interval().get()
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
