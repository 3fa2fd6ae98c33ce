//! A lender that keeps books as the script does, and what may be known of a
//! client's units from them.

use std::collections::BTreeMap;

use tollgate::limit::Answer;
use tollgate::redis::{KeyReply, LeaseTerms, LEASE_LENGTH_MS};

use crate::MILLI;

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The lender never sees it.
    Lost,
    /// The lender does as asked, but its answer is lost.
    AnswerLost,
    /// The lender does as asked when it is sent, or when its answer comes.
    AnsweredAtOnce,
    AnsweredLate,
}

pub(crate) struct Sent {
    pub(crate) client: u64,
    pub(crate) terms: LeaseTerms,
    pub(crate) quarters: u32,
    pub(crate) fate: Fate,
    /// And Redis' clock with it, ms.
    pub(crate) reply: Option<(KeyReply, u64)>,
}

/// What may be known of one client's units without looking into the book.
#[derive(Default)]
pub(crate) struct Account {
    /// Of a quota; else it is a bucket's.
    pub(crate) is_quota: bool,
    /// The end of the quota's period that the books are of, and of the one that
    /// the gateway's lease is of, ms on Redis' clock.
    pub(crate) period: u64,
    pub(crate) lease_period: u64,
    /// Units on the lender's books, by generation.
    pub(crate) lent: BTreeMap<u64, u64>,
    /// The most that the gateway has not spent.
    pub(crate) available: u64,
    /// Of these, what it has set aside, and how often that was lost.
    pub(crate) reserved: u64,
    pub(crate) losses: u64,
    /// When the lease or its period ends by the lender's clock, ns on the
    /// gateway's.
    pub(crate) ends_at: u64,
    pub(crate) last_answer: u64,
    /// Until when the lender has nothing, if nobody gives anything back.
    pub(crate) dry_until: u64,
    pub(crate) in_flight: bool,
}

/// Redis' clock when the gateway's shows 0, ms.
const BASE: u64 = 1_795_294_686_774;

/// The period of a quota, ms: no whole number of generations.
const PERIOD: u64 = 5_000;

fn redis_ms(now: u64) -> u64 {
    BASE + now / MILLI
}

/// When Redis' clock shows this, ns on the gateway's.
pub(crate) fn gateway_ns(redis_ms: u64) -> u64 {
    (redis_ms - BASE) * MILLI
}

/// When Redis' clock shows a whole second, more than a millisecond from now, ns
/// on the gateway's.
pub(crate) fn second_after(now: u64) -> u64 {
    gateway_ns((redis_ms(now) + 2).next_multiple_of(1_000))
}

// === impl Account ===

impl Account {
    /// Units on the books of leases that have not ended.
    pub(crate) fn on_the_books(&mut self, now: u64) -> u64 {
        self.lent
            .retain(|generation, _| (generation + 2) * LEASE_LENGTH_MS > redis_ms(now));
        self.lent.values().sum()
    }

    /// The end of the quota's period, ms on Redis' clock; a bucket has none.
    pub(crate) fn period_end(&self, redis_now: u64) -> u64 {
        match self.is_quota {
            true => (redis_now / PERIOD + 1) * PERIOD,
            false => u64::MAX,
        }
    }

    /// Whether what the lease in these terms has left is still on the books.
    pub(crate) fn keeps(&self, terms: LeaseTerms, redis_now: u64) -> bool {
        let lasts = (terms.generation + 2) * LEASE_LENGTH_MS > redis_now;
        lasts && self.period_end(redis_now) == self.lease_period
    }

    /// The most that the gateway may spend.
    pub(crate) fn free(&self) -> u64 {
        self.available.saturating_sub(self.reserved)
    }

    /// What was set aside is booked as spent.
    pub(crate) fn lose_reserved(&mut self) {
        self.reserved = 0;
        self.losses += 1;
    }

    /// What the script does: releases what was held, and lends anew.
    pub(crate) fn lend(&mut self, terms: LeaseTerms, quarters: u32, now: u64) -> KeyReply {
        let redis_now = redis_ms(now);
        let period_end = self.period_end(redis_now);
        if std::mem::replace(&mut self.period, period_end) != period_end {
            self.lent.clear();
        }
        self.on_the_books(now);
        let mut carried = 0;
        if let Some(units) = self.lent.get_mut(&terms.generation) {
            let back = u64::from(terms.held).min(*units);
            carried = u64::from(terms.unspent).min(back);
            *units -= back;
        }
        let granted = u64::from(terms.wanted) * u64::from(quarters) / 4;
        let first = match self.is_quota {
            true => (period_end - PERIOD).div_ceil(LEASE_LENGTH_MS),
            false => 0,
        };
        let generation = (redis_now / LEASE_LENGTH_MS).max(first);
        if terms.wanted > 0 {
            *self.lent.entry(generation).or_default() += carried + granted;
        }
        let on_the_books = self.on_the_books(now);
        self.available = self.available.min(on_the_books);
        KeyReply {
            answer: Answer::Allowed {
                remaining: if quarters < 4 { 0 } else { 5 },
                reset_in: match self.is_quota {
                    true => (period_end - redis_now) * MILLI,
                    false => 9,
                },
            },
            granted: granted as u32,
            generation: if terms.wanted > 0 { generation } else { 0 },
        }
    }
}

// === impl Sent ===

impl Sent {
    pub(crate) fn execute(&mut self, account: &mut Account, now: u64) {
        let reply = account.lend(self.terms, self.quarters, now);
        self.reply = Some((reply, redis_ms(now)));
    }
}
