//! What a request has been charged so far, what Redis is to be charged for it,
//! and what becomes of both.

use std::iter;
use std::rc::Rc;

use super::cluster::{ask, Waiting};
use super::counting::{decided, refused_uncounted, Counted, Counting, Reserved};
use super::paid::Leased;
use super::receipt::Receipt;
use crate::admission::{Budget, ClusterCharge, Turn};
use crate::feedback::Refusal;
use crate::host::{Redis, Slots};
use crate::limit::{Answer, Consistency, Now, Outcome};
use crate::redis::{FailurePolicy, Operation, Reply};
use crate::root::Plugin;
use crate::table::{Charge, PageCharge, Said, Which};

/// What a request was charged so far, and what Redis is to be charged for it.
pub(super) struct Bill {
    /// In this gateway's pages.
    pub(super) pages: Vec<PageCharge>,
    pub(super) here: Here,
    /// From leases.
    pub(super) leased: Vec<Leased>,
    /// In Redis.
    pub(super) asked: Vec<ClusterCharge>,
    pub(super) policy: Rc<str>,
    /// The tokens that it is to have, where some limit counts them.
    pub(super) budget: Option<Box<Budget>>,
    pub(super) turn: Turn,
}

/// What the limits were charged that Redis counts.
enum Asked {
    /// In Redis, where each of them allowed it.
    InRedis,
    /// In Redis, those alone that are counted as if they were.
    Tried,
    /// This gateway's shares of them.
    Shares(Vec<PageCharge>, Now),
    /// Nothing.
    Nothing,
}

/// What came of charging this gateway's pages and leases.
pub(super) struct Here {
    pub(super) charged_at: Now,
    pub(super) slots: Option<Box<Slots>>,
    /// Whether others are denied until the request has its answer.
    pub(super) claimed: bool,
    /// What the limits have said.
    pub(super) outcomes: Vec<Outcome>,
}

// === impl Here ===

impl Here {
    /// Whether Redis' last denial is the answer to this charge too.
    pub(super) fn has_answered(&self, charge: &ClusterCharge) -> bool {
        let mut outcomes = self.outcomes.iter();
        outcomes.any(|outcome| Rc::ptr_eq(&outcome.limit, &charge.charge.limit))
    }
}

// === impl Bill ===

impl Bill {
    pub(super) fn ask(self, plugin: &Plugin, redis: &Redis) -> Counting {
        let asks = self.asked.iter().filter_map(|charge| {
            let ClusterCharge { charge: share, .. } = charge;
            let operation = match share.limit.is_alone() {
                true => Operation::Try(share.cost.get()),
                false => Operation::Charge(share.cost.get()),
            };
            let ask = ask(redis, charge, operation)?;
            if share.limit.cluster()?.consistency == Consistency::Lease {
                redis.watch_lease(charge.lease(), &ask.key, &share.limit, share.cost);
            }
            Some(ask)
        });
        match redis.send(asks.collect()) {
            Some(sent) => Counting::Waiting(Box::new(Waiting { sent, bill: self })),
            None => Counting::Decided(self.undecided(plugin, redis)),
        }
    }

    /// Redis has charged it.
    pub(super) fn allowed(self, plugin: &Plugin, reply: &Reply) -> Counted {
        self.remember(plugin, reply);
        let outcomes = self.outcomes_of(reply);
        self.pass(plugin, outcomes, &Asked::InRedis)
    }

    /// Redis has denied it, and charged nothing that is enforced.
    pub(super) fn denied(self, plugin: &Plugin, redis: &Redis, reply: &Reply) -> Counted {
        self.remember(plugin, reply);
        let outcomes = self.outcomes_of(reply);
        self.deny(plugin, redis, outcomes, &Asked::Tried)
    }

    /// Redis has not answered.
    pub(super) fn undecided(self, plugin: &Plugin, redis: &Redis) -> Counted {
        redis.fallback();
        self.unclaim(plugin);
        let mut asked = self.asked.iter();
        let is_enforced = asked.any(|charge| !charge.charge.limit.is_alone());
        match redis.on_failure() {
            FailurePolicy::Deny if is_enforced => Counted {
                decision: Err(Refusal::Unavailable),
                ..self.deny(plugin, redis, Vec::new(), &Asked::Nothing)
            },
            FailurePolicy::Deny | FailurePolicy::Allow => {
                self.pass(plugin, Vec::new(), &Asked::Nothing)
            }
            FailurePolicy::Local => self.count_by_itself(plugin, redis),
        }
    }

    /// Charges this gateway's share of each limit instead.
    fn count_by_itself(self, plugin: &Plugin, redis: &Redis) -> Counted {
        let mut pages = Vec::new();
        for ClusterCharge { page, charge, .. } in &self.asked {
            let cost = match charge.limit.tokens() {
                Some(_) => charge.limit.at_most_all_here(charge.cost.get().into()),
                None => charge.cost,
            };
            let share = Charge {
                cost,
                ..charge.clone()
            };
            PageCharge::add(&mut pages, *page, iter::once(share));
        }
        let charged = plugin
            .pages
            .charge(&pages, Which::All, &plugin.metrics, |charged| {
                (charged.at, charged.into_outcomes().collect())
            });
        let (at, outcomes): (Now, Vec<Outcome>) = match charged {
            Ok(charged) => charged,
            Err(uncounted) => {
                return Counted {
                    decision: refused_uncounted(plugin, &uncounted).decision,
                    ..self.deny(plugin, redis, Vec::new(), &Asked::Nothing)
                };
            }
        };
        match outcomes.iter().any(Outcome::is_enforced_denial) {
            true => self.deny(plugin, redis, outcomes, &Asked::Nothing),
            false => self.pass(plugin, outcomes, &Asked::Shares(pages, at)),
        }
    }

    /// The request passes by what this gateway has charged.
    pub(super) fn pass_here(self, plugin: &Plugin) -> Counted {
        self.pass(plugin, Vec::new(), &Asked::Nothing)
    }

    fn pass(mut self, plugin: &Plugin, outcomes: Vec<Outcome>, asked: &Asked) -> Counted {
        let receipt = self.receipt(&outcomes, asked);
        let reserved = self.budget.take().zip(receipt);
        let all = || self.here.outcomes.iter().chain(&outcomes);
        let reserved = reserved.map(|(budget, receipt)| {
            let met = all().map(|outcome| outcome.limit.clone()).collect();
            Reserved::new(budget, receipt, met)
        });
        if reserved.is_none() {
            all().for_each(|outcome| plugin.metrics.passed(&outcome.limit));
        }
        let counted = decided(plugin, all().cloned(), self.policy, self.turn);
        Counted {
            slots: self.here.slots,
            reserved,
            ..counted
        }
    }

    /// Gives back what was charged in this gateway. What these limits have said
    /// counts, and of this gateway's what is counted as if alone.
    fn deny(
        self,
        plugin: &Plugin,
        redis: &Redis,
        outcomes: Vec<Outcome>,
        asked: &Asked,
    ) -> Counted {
        match self.receipt(&outcomes, asked) {
            Some(receipt) => receipt.undo(plugin),
            None => self.undo(plugin, redis),
        }
        let here = self.here.outcomes.into_iter();
        let alone = here.filter(|outcome| outcome.limit.is_alone());
        Counted {
            slots: self.here.slots,
            ..decided(plugin, alone.chain(outcomes), self.policy, self.turn)
        }
    }

    fn undo(&self, plugin: &Plugin, redis: &Redis) {
        let at = self.here.charged_at;
        plugin.pages.undo(&self.pages, at, &plugin.metrics);
        let leased = self.leased.iter().map(|leased| &leased.charge);
        for leased in leased.filter(|leased| !leased.charge.limit.is_alone()) {
            redis.unspend_lease(leased.lease(), leased.charge.cost, at.monotonic);
        }
    }

    /// What was charged, of a request that takes tokens.
    fn receipt(&self, outcomes: &[Outcome], asked: &Asked) -> Option<Receipt> {
        self.budget.as_ref()?;
        let at = self.here.charged_at;
        let mut receipt = Receipt::default();
        receipt.pages(&self.pages, &self.here.outcomes, at);
        self.leased
            .iter()
            .for_each(|leased| receipt.lease(leased, at));
        match asked {
            Asked::InRedis => receipt.redis(self.asked.iter(), outcomes, at),
            Asked::Tried => {
                let tried = self
                    .asked
                    .iter()
                    .filter(|asked| asked.charge.limit.is_alone());
                receipt.redis(tried, outcomes, at);
            }
            Asked::Shares(pages, at) => receipt.pages(pages, outcomes, *at),
            Asked::Nothing => {}
        }
        Some(receipt)
    }

    fn outcomes_of(&self, reply: &Reply) -> Vec<Outcome> {
        let answered = self.asked.iter().zip(&reply.keys);
        answered
            .map(|(charge, key)| charge.outcome(key.answer))
            .collect()
    }

    /// Keeps Redis' denials, and ends those that it has not repeated.
    fn remember(&self, plugin: &Plugin, reply: &Reply) {
        for (charge, key) in self.asked.iter().zip(&reply.keys) {
            let cost = charge.charge.cost.saturating_add(charge.held);
            match key.answer {
                Answer::Denied {
                    retry_after: Some(retry_after),
                    ..
                } => say(plugin, charge, Said::Denied { cost, retry_after }),
                Answer::Allowed { .. } if self.here.claimed => say(plugin, charge, Said::Allowed),
                Answer::Denied { .. } | Answer::Allowed { .. } => {}
            }
        }
    }

    /// Ends the denials that others meet while this request asks, where there is
    /// no answer.
    pub(super) fn unclaim(&self, plugin: &Plugin) {
        if self.here.claimed {
            self.asked
                .iter()
                .for_each(|charge| say(plugin, charge, Said::Allowed));
        }
    }
}

fn say(plugin: &Plugin, charge: &ClusterCharge, said: Said) {
    if let Some(denial) = charge.denial(0) {
        plugin.pages.remember(charge.page, denial.fingerprint, said);
    }
}
