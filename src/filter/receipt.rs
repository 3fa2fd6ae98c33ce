//! What a request that takes tokens was charged, limit by limit: all of it may
//! have to be undone once its body is read, and the tokens be settled once its
//! response has ended.

use std::iter;
use std::rc::Rc;

use super::paid::{owing_to, Leased, Paid, Store};
use crate::admission::{Budget, Charges, ClusterCharge, Turn};
use crate::host::Owing;
use crate::limit::{Answer, Denial, Now, Outcome, Settlement, Tokens};
use crate::root::Plugin;
use crate::table::{Charge, Correction, Entry, PageCharge, PageIndex};

/// All that a request was charged, each limit once.
#[derive(Default)]
pub(super) struct Receipt {
    paid: Vec<Paid>,
}

/// What a request took of one kind of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Used {
    /// So many, as its model says.
    Reported(u64),
    /// As many as were reserved, and no less than these.
    AtLeast(u64),
}

/// Redis' times are rounded up to this, ns.
const ROUNDED: u64 = 1_000_000;

// === impl Receipt ===

impl Receipt {
    /// Adds what this gateway's pages were charged.
    pub(super) fn pages(&mut self, pages: &[PageCharge], said: &[Outcome], charged_at: Now) {
        for PageCharge { page, charges } in pages {
            let spent = charges.iter().filter(|charge| charge.entry == Entry::Spent);
            for charge in spent.filter(|charge| !charge.limit.is_concurrency()) {
                if let Some(full_in) = charged(said, charge) {
                    self.add(charge.clone(), charged_at, full_in, Store::Page(*page));
                }
            }
        }
    }

    /// Adds what was taken from a lease.
    pub(super) fn lease(&mut self, lease: &Leased, charged_at: Now) {
        let store = Store::Lease(lease.charge.clone(), lease.reservation);
        self.add(lease.charge.charge.clone(), charged_at, 0, store);
    }

    /// Adds what Redis was charged.
    pub(super) fn redis<'a>(
        &mut self,
        asked: impl Iterator<Item = &'a ClusterCharge>,
        said: &[Outcome],
        charged_at: Now,
    ) {
        for cluster in asked {
            if let Some(full_in) = charged(said, &cluster.charge) {
                let full_in = full_in.saturating_sub(ROUNDED);
                let store = Store::Redis(cluster.clone());
                self.add(cluster.charge.clone(), charged_at, full_in, store);
            }
        }
    }

    fn add(&mut self, charge: Charge, charged_at: Now, full_in: u64, store: Store) {
        self.paid.push(Paid {
            charge,
            charged_at,
            full_in,
            store,
        });
    }

    /// What is still to be charged for so many tokens.
    pub(super) fn missing(&self, budget: &Budget) -> Charges {
        let mut charges = Charges {
            pages: Vec::new(),
            cluster: Vec::new(),
            policy: Rc::from(""),
            budget: Some(Box::new(budget.clone())),
            turn: Turn::More,
        };
        for paid in &self.paid {
            let Some(charge) = paid.missing(&budget.reservation) else {
                continue;
            };
            match &paid.store {
                Store::Page(page) => {
                    PageCharge::add(&mut charges.pages, *page, iter::once(charge));
                }
                Store::Lease(cluster, _) | Store::Redis(cluster) => {
                    charges.cluster.push(ClusterCharge {
                        charge,
                        held: paid.charge.cost.get(),
                        ..cluster.clone()
                    });
                }
            }
        }
        charges
    }

    /// Counts what was charged among the units that are left, to a request that is
    /// denied more: it comes back.
    pub(super) fn add_to(&self, denial: &mut Denial) {
        let limit = &denial.longest.limit;
        let mut paid = self.paid.iter();
        let paid = paid.find(|paid| Rc::ptr_eq(&paid.charge.limit, limit));
        let held = paid.map_or(0, |paid| paid.charge.cost.get());
        let left = denial.longest.remaining.saturating_add(held);
        denial.longest.remaining = left.min(limit.size());
    }

    /// Adds what was charged on top of it.
    pub(super) fn and(&mut self, more: Self) {
        for more in more.paid {
            let is_same = |paid: &&mut Paid| Rc::ptr_eq(&paid.charge.limit, &more.charge.limit);
            match self.paid.iter_mut().find(is_same) {
                Some(paid) if paid.is_in_one_store_with(&more) => paid.and(&more),
                _ => self.paid.push(more),
            }
        }
    }

    /// Gives all of it back: the request does not pass. What is counted as if alone
    /// stays charged, but for tokens, which it will not take.
    pub(super) fn undo(&self, plugin: &Plugin) {
        let undone = |paid: &&Paid| !paid.charge.limit.is_alone() || paid.tokens().is_some();
        let paid = self.paid.iter().filter(undone);
        settle(plugin, paid.map(|paid| (paid, 0)));
    }

    /// Settles the tokens to what the request took. A limit that was charged in two
    /// stores, as where a lease has come in between, has taken them once: as many as it
    /// was charged in the first one, and the rest in the other.
    pub(super) fn settle(&self, plugin: &Plugin, used: impl Fn(Tokens) -> Used) {
        let places = self.paid.iter().enumerate();
        let paid = places.filter_map(|(place, paid)| {
            let same = |other: &&Paid| Rc::ptr_eq(&other.charge.limit, &paid.charge.limit);
            let units = |paid: &Paid| u64::from(paid.charge.cost.get());
            let all = || self.paid.iter();
            let before: u64 = all().take(place).filter(same).map(units).sum();
            let from_here: u64 = all().skip(place).filter(same).map(units).sum();
            let used = match used(paid.tokens()?) {
                Used::Reported(used) => used,
                Used::AtLeast(used) => used.max(before.saturating_add(from_here)),
            };
            let used = used.saturating_sub(before);
            let is_last = from_here == units(paid);
            Some((paid, if is_last { used } else { used.min(units(paid)) }))
        });
        settle(plugin, paid);
    }
}

/// Corrects each of these charges to so many units.
fn settle<'p>(plugin: &Plugin, paid: impl Iterator<Item = (&'p Paid, u64)>) {
    let mut pages: Vec<(PageIndex, Vec<Correction>)> = Vec::new();
    let mut owing: Vec<Owing> = Vec::new();
    for (paid, used) in paid {
        let settlement = paid.settlement(used);
        match (&paid.store, &plugin.redis) {
            (Store::Page(page), _) => {
                if settlement.units == 0 {
                    continue;
                }
                let correction = Correction {
                    fingerprint: paid.charge.fingerprint,
                    limit: paid.charge.limit.clone(),
                    settlement,
                };
                match pages.last_mut().filter(|(last, _)| last == page) {
                    Some((_, corrections)) => corrections.push(correction),
                    None => pages.push((*page, vec![correction])),
                }
            }
            (Store::Lease(cluster, reservation), Some(redis)) => {
                let more = paid.settle_lease(redis, cluster, *reservation, used);
                owing.extend(owing_to(
                    redis,
                    cluster,
                    Settlement {
                        units: more,
                        ..settlement
                    },
                ));
            }
            (Store::Redis(cluster), Some(redis)) => {
                owing.extend(owing_to(redis, cluster, settlement));
            }
            (Store::Lease(..) | Store::Redis(_), None) => {}
        }
    }
    for (page, corrections) in pages {
        plugin.pages.settle(page, corrections, &plugin.metrics);
    }
    if let Some(redis) = plugin.redis.as_ref().filter(|_| !owing.is_empty()) {
        redis.settle(owing);
    }
}

/// The time until the bucket was full, if the limit was charged.
fn charged(said: &[Outcome], charge: &Charge) -> Option<u64> {
    let mut said = said.iter();
    let said = said.find(|outcome| Rc::ptr_eq(&outcome.limit, &charge.limit))?;
    match said.answer {
        Answer::Allowed { reset_in, .. } => Some(reset_in),
        Answer::Denied { .. } => None,
    }
}
