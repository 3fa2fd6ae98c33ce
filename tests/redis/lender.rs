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
    pub(crate) reply: Option<(KeyReply, u64, u64)>,
}

/// What may be known of one client's units without looking into the book.
#[derive(Default)]
pub(crate) struct Account {
    /// Units on the lender's books, by generation.
    pub(crate) lent: BTreeMap<u64, u64>,
    /// The most that the gateway may still spend.
    pub(crate) available: u64,
    /// When the lease ends by the lender's clock, ns on the gateway's.
    pub(crate) ends_at: u64,
    pub(crate) last_answer: u64,
    pub(crate) in_flight: bool,
}

fn redis_ms(now: u64) -> u64 {
    1_795_294_686_774 + now / MILLI
}

// === impl Account ===

impl Account {
    /// Units on the books of leases that have not ended.
    pub(crate) fn on_the_books(&mut self, now: u64) -> u64 {
        self.lent
            .retain(|generation, _| (generation + 2) * LEASE_LENGTH_MS > redis_ms(now));
        self.lent.values().sum()
    }

    /// What the script does: releases what was held, and lends anew.
    pub(crate) fn lend(&mut self, terms: LeaseTerms, quarters: u32, now: u64) -> KeyReply {
        self.on_the_books(now);
        let mut carried = 0;
        if let Some(units) = self.lent.get_mut(&terms.generation) {
            let back = u64::from(terms.held).min(*units);
            carried = u64::from(terms.unspent).min(back);
            *units -= back;
        }
        let granted = u64::from(terms.wanted) * u64::from(quarters) / 4;
        let generation = redis_ms(now) / LEASE_LENGTH_MS;
        if terms.wanted > 0 {
            *self.lent.entry(generation).or_default() += carried + granted;
        }
        let on_the_books = self.on_the_books(now);
        self.available = self.available.min(on_the_books);
        KeyReply {
            answer: Answer::Allowed {
                remaining: 5,
                reset_in: 9,
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
        self.reply = Some((reply, now, redis_ms(now)));
    }
}
