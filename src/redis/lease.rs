//! Leases: units borrowed from Redis in chunks and spent without asking.
//!
//! Each of a gateway's workers borrows for itself: its book is plain memory,
//! so spending from it costs nothing, and no two workers race. A book asks for
//! as much of a limit as a client has lately used in [`HORIZON`], in good time
//! before it runs out, and gives back what lies idle. Nothing is spent that
//! was not debited in Redis before.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::rc::Rc;

use super::{Ask, KeyReply, LeaseTerms, Operation, LEASE_LENGTH_MS};
use crate::limit::{Answer, Cost, Limit};

/// The leases of one worker, by the number that stands for a client and a
/// limit.
#[derive(Debug, Default)]
pub struct LeaseBook {
    leases: BTreeMap<u64, Lease>,
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

/// What one worker knows of one client's use of one limit.
#[derive(Debug)]
struct Lease {
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
    /// How long to wait from call to call while Redis has less than is wanted,
    /// ns; 0 while it has enough.
    pace: u64,
}

/// What a client has lately asked for, in units.
#[derive(Debug, Clone, Copy, Default)]
struct Demand {
    /// When the current span began, ns.
    since: u64,
    current: u32,
    /// In the span before; `None` where there was none.
    previous: Option<u32>,
    /// When it last asked, ns.
    last: u64,
}

#[derive(Debug, Clone, Copy)]
struct Pending {
    terms: LeaseTerms,
    sent_at: u64,
}

/// The use that a lease is to last for, ns.
const HORIZON: u64 = 500_000_000;

/// What was not asked for so long lies idle, ns.
const IDLE: u64 = 1_000_000_000;

/// So long before its end a lease is renewed or given back, ns.
const ENDING: u64 = 400_000_000;

/// So long after the time of its next call the book has its answer, ns.
const ANSWERED: u64 = 30_000_000;

/// While Redis has less than is wanted, calls are so far apart that a client
/// has asked for so many units between them: the less often, the more has come
/// back by then.
const UNITS_A_CALL: u64 = 32;

/// And at most so far, ns.
const LONGEST_PACE: u64 = 500_000_000;

/// What a client has done for less than this is no measure of its use, ns.
const SHORTEST_USE: NonZeroU64 = NonZeroU64::MIN.saturating_add(50_000_000 - 1);

/// Fewer units in a lease save no calls worth their trouble.
const WORTHWHILE: u32 = 4;

/// A lease is at most this part of a bucket: units on lease, spent or not, take
/// up room there, and so keep others from coming back.
const PART: u32 = 6;

/// A lease is renewed when no more than this part of the use within [`HORIZON`]
/// is left: 31 ms.
const LOW: u32 = 16;

/// The most leases in a book. Further clients are asked for one by one.
const CAPACITY: usize = 16_384;

const NANOS_PER_MILLI: u64 = 1_000_000;

// === impl LeaseBook ===

impl LeaseBook {
    /// What is known of a client's units, and that it asks for some.
    pub fn consult(&mut self, lease: u64, cost: Cost, now: u64) -> Consulted {
        let Some(lease) = self.leases.get_mut(&lease) else {
            return Consulted::Ask;
        };
        lease.demand.add(cost, now);
        lease.consult(cost, now)
    }

    /// Takes units that [`LeaseBook::consult`] said are there.
    pub fn spend(&mut self, lease: u64, cost: Cost) -> Option<Answer> {
        let lease = self.leases.get_mut(&lease)?;
        lease.balance = lease.balance.checked_sub(cost.get())?;
        Some(lease.standing())
    }

    /// Gives back units that were taken by a request that does not pass.
    pub fn give_back(&mut self, lease: u64, cost: Cost) {
        if let Some(lease) = self.leases.get_mut(&lease) {
            lease.balance = lease.balance.saturating_add(cost.get()).min(lease.held);
        }
    }

    /// Watches a client for which Redis is asked. The key is made only where
    /// it is new and there is room for it.
    pub fn watch(&mut self, lease: u64, key: &Rc<str>, limit: &Rc<Limit>, cost: Cost, now: u64) {
        if self.leases.len() >= CAPACITY || self.leases.contains_key(&lease) {
            return;
        }
        let mut demand = Demand::default();
        demand.add(cost, now);
        self.leases.insert(
            lease,
            Lease {
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
                pace: 0,
            },
        );
    }

    /// Whether nothing is watched or borrowed.
    pub fn is_empty(&self) -> bool {
        self.leases.is_empty()
    }

    /// What to ask Redis for now, each in a call of its own whose outcome goes
    /// to [`LeaseBook::told`]. Forgets those whose clients have gone.
    pub fn due(&mut self, now: u64) -> Vec<(u64, Ask)> {
        let mut due = Vec::new();
        self.leases.retain(|number, lease| {
            lease.end_if_over(now);
            if let Some(ask) = lease.due(now) {
                due.push((*number, ask));
            }
            lease.pending.is_some() || lease.held > 0 || !lease.demand.is_idle(now)
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

// === impl Lease ===

impl Lease {
    fn consult(&self, cost: Cost, now: u64) -> Consulted {
        if self.balance >= cost.get() && now < self.ends_at {
            return Consulted::Enough;
        }
        let answer_at = self.next_call.saturating_add(ANSWERED);
        if self.pace > 0 && (now < answer_at || self.pending.is_some()) {
            let wait = answer_at.saturating_sub(now);
            return Consulted::Denied(Answer::Denied {
                remaining: self.balance.min(cost.get().saturating_sub(1)),
                retry_after: NonZeroU64::new(wait).unwrap_or(NonZeroU64::MIN),
            });
        }
        Consulted::Ask
    }

    /// What a client is told of what is left: here, and elsewhere as last heard.
    fn standing(&self) -> Answer {
        let burst = self.limit.bucket.burst().get();
        let remaining = self.balance.saturating_add(self.elsewhere).min(burst);
        let interval = self.limit.bucket.emission_interval().get();
        Answer::Allowed {
            remaining,
            full_in: u64::from(burst.saturating_sub(remaining)).saturating_mul(interval),
        }
    }

    fn end_if_over(&mut self, now: u64) {
        if now >= self.ends_at && self.pending.is_none() {
            (self.balance, self.held, self.generation) = (0, 0, 0);
        }
    }

    /// The call to make now, if any.
    fn due(&mut self, now: u64) -> Option<Ask> {
        if self.pending.is_some() {
            return None;
        }
        self.demand.roll(now);
        let wanted = self.wanted(now);
        if self.demand.is_idle(now) || wanted < WORTHWHILE {
            return self.end(now);
        }
        let low = self.balance <= self.demand.units(now) / LOW && now >= self.next_call;
        let ending = self.generation > 0 && now.saturating_add(ENDING) >= self.ends_at;
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

    /// As many units as the client will use within [`HORIZON`], if it goes on.
    fn wanted(&self, now: u64) -> u32 {
        let most = self.limit.bucket.burst().get() / PART;
        self.demand.units(now).min(most)
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

    fn told(&mut self, outcome: &Told<'_>, back_off: NonZeroU64, now: u64) {
        let Some(Pending { terms, sent_at }) = self.pending.take() else {
            return;
        };
        match outcome {
            // What has become of the lease is not known. What is left of it was
            // debited and may be spent, but is not spoken of again.
            Told::Failed => {
                (self.generation, self.held) = (0, self.balance);
                self.next_call = now.saturating_add(back_off.get());
            }
            Told::Answered(reply, redis_now) => {
                let (Answer::Allowed { remaining, .. } | Answer::Denied { remaining, .. }) =
                    reply.answer;
                self.elsewhere = remaining;
                if terms.wanted == 0 {
                    (self.generation, self.held) = (0, 0);
                    return;
                }
                // Redis has kept what was left of the lease before, unless that
                // was over by its clock, or unknown to it.
                let kept =
                    terms.generation > 0 && reply.generation <= terms.generation.saturating_add(1);
                let left = if kept { self.balance } else { 0 };
                self.balance = left.saturating_add(reply.granted);
                self.held = terms.unspent.saturating_add(reply.granted);
                self.generation = reply.generation;
                self.ends_at = ends_at(reply.generation, *redis_now, sent_at);
                self.pace = self.pace_after(reply.granted, terms.wanted, now);
                self.next_call = now.saturating_add(self.pace);
            }
        }
    }

    /// Others want the same units: the less of what was wanted was there, the
    /// longer it takes until there is as much again.
    fn pace_after(&self, granted: u32, wanted: u32, now: u64) -> u64 {
        let bucket = &self.limit.bucket;
        // Four that take the most in turn take all that comes back.
        let turn = (bucket.capacity() / u64::from(PART)).saturating_mul(4);
        let longest = turn.min(LONGEST_PACE);
        let units = NonZeroU32::new(self.demand.units(now)).unwrap_or(NonZeroU32::MIN);
        let shortest = HORIZON.saturating_mul(UNITS_A_CALL) / NonZeroU64::from(units);
        let shortest = shortest.min(longest);
        if granted >= wanted / 4 * 3 {
            let shorter = self.pace / 4 * 3;
            return if shorter < shortest { 0 } else { shorter };
        }
        if granted >= wanted / 2 {
            return self.pace.max(shortest);
        }
        let half = bucket
            .emission_interval()
            .get()
            .saturating_mul(u64::from(wanted / 2));
        self.pace
            .saturating_mul(2)
            .max(half)
            .clamp(shortest, longest)
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

// === impl Demand ===

impl Demand {
    fn add(&mut self, cost: Cost, now: u64) {
        self.roll(now);
        self.current = self.current.saturating_add(cost.get());
        self.last = now;
    }

    /// Begins the span that `now` is in.
    fn roll(&mut self, now: u64) {
        let age = now.saturating_sub(self.since);
        if age < HORIZON {
            return;
        }
        let was_there = self.last > 0;
        self.previous = was_there.then_some(if age < 2 * HORIZON { self.current } else { 0 });
        self.current = 0;
        self.since = now;
    }

    /// Units within [`HORIZON`], as far as can be said by now.
    fn units(&self, now: u64) -> u32 {
        if let Some(previous) = self.previous {
            return self.current.max(previous);
        }
        let age = NonZeroU64::new(now.saturating_sub(self.since))
            .map_or(SHORTEST_USE, |age| age.max(SHORTEST_USE));
        let units = u64::from(self.current).saturating_mul(HORIZON) / age;
        u32::try_from(units).unwrap_or(u32::MAX)
    }

    fn is_idle(&self, now: u64) -> bool {
        now.saturating_sub(self.last) >= IDLE
    }
}
