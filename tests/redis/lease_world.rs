//! A lease book and an account of it that is kept apart, with calls that are lost,
//! late or answered.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::rc::Rc;

use tollgate::limit::{Answer, Limit, Period};
use tollgate::redis::{Ask, Consulted, LeaseBook, Operation, Told, LEASE_LENGTH_MS};

use crate::lease_steps::{Step, CLIENTS};
use crate::lender::{gateway_ns, second_after, Account, Fate, Sent};
use crate::{limit, limit_of, ns, quota, units, MILLI, SECOND};

const START: u64 = 1 << 40;
const BACK_OFF: NonZeroU64 = NonZeroU64::MIN.saturating_add(SECOND - 1);
/// The client of a quota.
pub(crate) const QUOTA: u64 = 2;

pub(crate) struct World {
    pub(crate) now: u64,
    limits: [Rc<Limit>; CLIENTS as usize],
    pub(crate) book: LeaseBook,
    accounts: BTreeMap<u64, Account>,
    pub(crate) sent: Vec<Sent>,
    to_undo: Vec<(u64, u32, u64)>,
    pub(crate) to_settle: Vec<Reserved>,
    pub(crate) spent: u64,
}

pub(crate) struct Reserved {
    client: u64,
    cost: u32,
    used: u32,
    /// What the book knows it by.
    reservation: u64,
    /// What the account does.
    losses: u64,
}

// === impl World ===

impl World {
    pub(crate) fn new() -> Self {
        Self {
            now: START,
            limits: [
                limit(60, 10 * MILLI),
                limit(6_000, MILLI),
                limit_of(quota(2_000, Period::Fixed(ns(5)), 0)),
            ],
            book: LeaseBook::default(),
            accounts: BTreeMap::from([(
                QUOTA,
                Account {
                    is_quota: true,
                    ..Account::default()
                },
            )]),
            sent: Vec::new(),
            to_undo: Vec::new(),
            to_settle: Vec::new(),
            spent: 0,
        }
    }

    pub(crate) fn request(&mut self, client: u64, cost: u32, undone: bool) {
        let (now, cost_units) = (self.now, units(cost));
        let account = self.accounts.entry(client).or_default();
        let limit = &self.limits[client as usize];
        match self.book.consult(client, limit, cost_units, now) {
            Consulted::Enough => {
                assert!(now < account.ends_at, "spent after the lease's end");
                assert!(
                    account.free() >= u64::from(cost),
                    "{cost} of {} spent, {} set aside",
                    account.available,
                    account.reserved
                );
                assert!(self.book.spend(client, cost_units).is_some());
                account.available -= u64::from(cost);
                self.spent += u64::from(cost);
                if undone {
                    self.to_undo.push((client, cost, self.now));
                }
            }
            Consulted::Denied(Answer::Denied { remaining, .. }) => {
                assert!(remaining < cost);
                let recent = now - account.last_answer <= 530 * MILLI;
                let is_dry = client == QUOTA && now < account.dry_until;
                assert!(recent || account.in_flight || is_dry, "denied of old");
            }
            Consulted::Denied(answer) => panic!("{answer:?}"),
            Consulted::Ask => {
                self.book
                    .watch(client, &"key".into(), limit, cost_units, now);
            }
        }
    }

    fn reserve(&mut self, client: u64, cost: u32, used: u32) {
        let limit = &self.limits[client as usize];
        let consulted = self.book.consult(client, limit, units(cost), self.now);
        if consulted != Consulted::Enough {
            return;
        }
        let account = self.accounts.entry(client).or_default();
        assert!(account.free() >= u64::from(cost), "set aside twice");
        let (_, reservation) = self.book.reserve(client, units(cost)).unwrap();
        account.reserved += u64::from(cost);
        self.to_settle.push(Reserved {
            client,
            cost,
            used,
            reservation,
            losses: account.losses,
        });
    }

    pub(crate) fn settle(&mut self) {
        if self.to_settle.is_empty() {
            return;
        }
        let Reserved {
            client,
            cost,
            used,
            reservation,
            losses,
        } = self.to_settle.remove(0);
        let more = self
            .book
            .settle(client, units(cost), reservation, used.into(), self.now);
        let account = self.accounts.entry(client).or_default();
        let taken = u64::from(used) - more;
        if losses == account.losses {
            account.reserved -= u64::from(cost);
            // Where its lease has ended meanwhile, all of it was booked as spent.
            let of_reserved = taken.min(cost.into());
            account.available = account.available.saturating_sub(of_reserved);
        }
        let besides = taken.saturating_sub(cost.into());
        assert!(
            account.free() >= besides,
            "settled with units that are not there"
        );
        account.available -= besides;
        self.spent += taken;
    }

    fn exhaust(&mut self, client: u64, after: u64, answered: bool) {
        self.tick(4, Fate::AnsweredLate);
        self.now = second_after(self.now) - MILLI + after;
        while answered && !self.sent.is_empty() {
            self.deliver();
        }
        let mut before = None;
        while before.replace(self.spent) != Some(self.spent) {
            self.request(client, 1, false);
        }
    }

    fn undo(&mut self) {
        if self.to_undo.is_empty() {
            return;
        }
        let (client, cost, spent_at) = self.to_undo.remove(0);
        self.book.give_back(client, units(cost), spent_at);
        let account = self.accounts.entry(client).or_default();
        let on_the_books = account.on_the_books(self.now);
        account.available = (account.available + u64::from(cost)).min(on_the_books);
    }

    pub(crate) fn tick(&mut self, quarters: u32, fate: Fate) {
        for (client, ask) in self.book.due(self.now) {
            let Ask {
                operation: Operation::Lease(terms),
                ..
            } = ask
            else {
                panic!("{ask:?}");
            };
            let size = self.limits[client as usize].size();
            let most = size / if client == QUOTA { 20 } else { 6 };
            let account = self.accounts.entry(client).or_default();
            assert!(!account.in_flight, "two calls at once");
            account.in_flight = true;
            assert!(terms.unspent <= terms.held && terms.wanted <= most);
            if terms.generation == 0 {
                assert_eq!(terms.held, 0);
            } else {
                account.on_the_books(self.now);
                let lent = account.lent.get(&terms.generation).copied();
                // It may have ended by the lender's clock meanwhile.
                assert!(
                    lent.is_none_or(|lent| u64::from(terms.held) <= lent),
                    "{terms:?} of {lent:?}"
                );
                // All else was said to be spent; and what is given back is.
                account.available = account.available.min(terms.unspent.into());
            }
            if terms.wanted == 0 {
                account.available = 0;
                account.lose_reserved();
            }
            let mut sent = Sent {
                client,
                terms,
                quarters,
                fate,
                reply: None,
            };
            if matches!(fate, Fate::AnsweredAtOnce | Fate::AnswerLost) {
                sent.execute(account, self.now);
            }
            self.sent.push(sent);
        }
    }

    pub(crate) fn deliver(&mut self) {
        if self.sent.is_empty() {
            return;
        }
        let mut sent = self.sent.remove(0);
        let (client, now) = (sent.client, self.now);
        let account = self.accounts.entry(client).or_default();
        account.in_flight = false;
        if sent.fate == Fate::AnsweredLate {
            sent.execute(account, now);
        }
        match (sent.fate, &sent.reply) {
            (Fate::AnsweredAtOnce | Fate::AnsweredLate, Some((reply, redis_now))) => {
                let told = Told::Answered(reply, *redis_now);
                self.book.told(client, &told, BACK_OFF, now);
                if sent.terms.wanted > 0 {
                    let kept = account.keeps(sent.terms, *redis_now);
                    let left = if kept { account.available } else { 0 };
                    if !kept {
                        account.lose_reserved();
                    }
                    account.available = left + u64::from(reply.granted);
                    let end = (reply.generation + 2) * LEASE_LENGTH_MS;
                    let period_end = account.period_end(*redis_now);
                    account.lease_period = period_end;
                    account.ends_at = gateway_ns(end.min(period_end));
                    account.last_answer = now;
                    if let Answer::Allowed {
                        remaining: 0,
                        reset_in,
                    } = reply.answer
                    {
                        account.dry_until = now + reset_in;
                    }
                }
            }
            _ => self.book.told(client, &Told::Failed, BACK_OFF, now),
        }
    }

    pub(crate) fn step(&mut self, step: Step) {
        match step {
            Step::Request {
                client,
                cost,
                undone,
            } => self.request(client, cost, undone),
            Step::Reserve { client, cost, used } => self.reserve(client, cost, used),
            Step::Settle => self.settle(),
            Step::Undo => self.undo(),
            Step::Tick { quarters, fate } => self.tick(quarters, fate),
            Step::Deliver => self.deliver(),
            Step::Exhaust {
                client,
                after,
                answered,
            } => self.exhaust(client, after, answered),
        }
    }
}
