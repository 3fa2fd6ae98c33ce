//! What a request has been charged so far, what Redis is to be charged for it,
//! and what becomes of both.

use std::iter;
use std::rc::Rc;

use super::cluster::{ask, Waiting};
use super::counting::{decided, refused_uncounted, Counted, Counting};
use crate::admission::ClusterCharge;
use crate::feedback::Refusal;
use crate::host::{Redis, Slots};
use crate::limit::{Answer, Consistency, Now, Outcome};
use crate::redis::{FailurePolicy, Operation, Reply};
use crate::root::Plugin;
use crate::table::{PageCharge, Said, Which};

/// What a request was charged so far, and what Redis is to be charged for it.
pub(super) struct Bill {
    /// In this gateway's pages.
    pub(super) pages: Vec<PageCharge>,
    pub(super) here: Here,
    /// From leases.
    pub(super) leased: Vec<ClusterCharge>,
    /// In Redis.
    pub(super) asked: Vec<ClusterCharge>,
    pub(super) policy: Rc<str>,
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
        self.pass(plugin, outcomes)
    }

    /// Redis has denied it, and charged nothing that is enforced.
    pub(super) fn denied(self, plugin: &Plugin, redis: &Redis, reply: &Reply) -> Counted {
        self.remember(plugin, reply);
        let outcomes = self.outcomes_of(reply);
        self.deny(plugin, redis, outcomes)
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
                ..self.deny(plugin, redis, Vec::new())
            },
            FailurePolicy::Deny | FailurePolicy::Allow => self.pass(plugin, Vec::new()),
            FailurePolicy::Local => self.count_by_itself(plugin, redis),
        }
    }

    /// Charges this gateway's share of each limit instead.
    fn count_by_itself(self, plugin: &Plugin, redis: &Redis) -> Counted {
        let mut pages = Vec::new();
        for ClusterCharge { page, charge, .. } in &self.asked {
            PageCharge::add(&mut pages, *page, iter::once(charge.clone()));
        }
        let charged = plugin
            .pages
            .charge(&pages, Which::All, &plugin.metrics, |charged| {
                charged.into_outcomes().collect()
            });
        let outcomes: Vec<Outcome> = match charged {
            Ok(outcomes) => outcomes,
            Err(uncounted) => {
                return Counted {
                    decision: refused_uncounted(plugin, &uncounted).decision,
                    ..self.deny(plugin, redis, Vec::new())
                };
            }
        };
        match outcomes.iter().any(Outcome::is_enforced_denial) {
            true => self.deny(plugin, redis, outcomes),
            false => self.pass(plugin, outcomes),
        }
    }

    pub(super) fn pass(self, plugin: &Plugin, outcomes: Vec<Outcome>) -> Counted {
        let all = || self.here.outcomes.iter().chain(&outcomes);
        all().for_each(|outcome| plugin.metrics.passed(&outcome.limit));
        let counted = decided(plugin, all().cloned(), self.policy);
        Counted {
            slots: self.here.slots,
            ..counted
        }
    }

    /// Gives back what was charged in this gateway. What these limits have said
    /// counts, and of this gateway's what is counted as if alone.
    fn deny(self, plugin: &Plugin, redis: &Redis, outcomes: Vec<Outcome>) -> Counted {
        plugin.pages.undo(&self.pages, self.here.charged_at);
        let leased = self
            .leased
            .iter()
            .map(|leased| (leased.lease(), &leased.charge));
        for (lease, charge) in leased.filter(|(_, charge)| !charge.limit.is_alone()) {
            redis.unspend_lease(lease, charge.cost, self.here.charged_at.monotonic);
        }
        let here = self.here.outcomes.into_iter();
        let alone = here.filter(|outcome| outcome.limit.is_alone());
        Counted {
            slots: self.here.slots,
            ..decided(plugin, alone.chain(outcomes), self.policy)
        }
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
            let cost = charge.charge.cost;
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
