//! A request's cluster limits: leases first, then Redis' last denials, then
//! Redis, and where it does not answer, what the operator has chosen.
//!
//! A request passes only if all limits allow it, and all stores must agree: the
//! gateway's own are charged before Redis is asked, and given back where it
//! denies.

use std::iter;
use std::rc::Rc;

use super::counting::{decided, refused_uncounted, Counting, Passed};
use crate::admission::ClusterCharge;
use crate::feedback::Refusal;
use crate::host::{Received, Redis, Sent};
use crate::limit::{Answer, Consistency, Outcome};
use crate::redis::{Ask, Consulted, FailurePolicy, Operation, Reply};
use crate::root::Plugin;
use crate::table::{PageCharge, Said};

/// A request that is held until Redis has answered.
pub(super) struct Waiting {
    sent: Sent,
    bill: Bill,
}

/// What a request was charged so far, and what Redis is to be charged for it.
struct Bill {
    /// In this gateway's pages, at this time.
    pages: Vec<PageCharge>,
    charged_at: u64,
    /// Whether others are denied until it has its answer.
    claimed: bool,
    /// From leases.
    leased: Vec<ClusterCharge>,
    /// What those have said.
    outcomes: Vec<Outcome>,
    /// In Redis.
    asked: Vec<ClusterCharge>,
    policy: Rc<str>,
}

/// Charges what can be charged without Redis, and asks it for the rest.
pub(super) fn count(
    plugin: &Plugin,
    redis: &Redis,
    mut pages: Vec<PageCharge>,
    cluster: Vec<ClusterCharge>,
    policy: Rc<str>,
) -> Counting {
    let (mut leased, mut asked, mut denied) = (Vec::new(), Vec::new(), Vec::new());
    for charge in cluster {
        match consult(redis, &charge) {
            Consulted::Enough => leased.push(charge),
            Consulted::Denied(answer) => denied.push(charge.outcome(answer)),
            Consulted::Ask => asked.push(charge),
        }
    }
    if !denied.is_empty() {
        // What else denies may take longer.
        return Counting::Decided(match plugin.pages.look(&pages) {
            Ok(own) => decided(plugin, own.into_iter().chain(denied), policy),
            Err(uncounted) => Err(refused_uncounted(plugin, &uncounted)),
        });
    }
    for charge in &asked {
        if let Some(denial) = charge.denial(&plugin.key, redis.timeout()) {
            PageCharge::add(&mut pages, charge.page, iter::once(denial));
        }
    }
    let charged = plugin.pages.charge(&pages, &plugin.metrics, |charged| {
        let (at, claimed) = (charged.at, charged.has_claimed());
        (at, claimed, charged.into_outcomes().collect())
    });
    let (charged_at, claimed, mut outcomes): (u64, bool, Vec<Outcome>) = match charged {
        Ok(charged) => charged,
        Err(uncounted) => return Counting::Decided(Err(refused_uncounted(plugin, &uncounted))),
    };
    if outcomes.iter().any(Outcome::is_denial) {
        return Counting::Decided(decided(plugin, outcomes.into_iter(), policy));
    }
    outcomes.extend(leased.iter().filter_map(|charge| {
        let answer = redis.spend_lease(charge.lease(), charge.charge.cost)?;
        Some(charge.outcome(answer))
    }));
    let bill = Bill {
        pages,
        charged_at,
        claimed,
        leased,
        outcomes,
        asked,
        policy,
    };
    if bill.asked.is_empty() {
        return Counting::Decided(bill.pass(plugin, Vec::new()));
    }
    bill.ask(plugin, redis)
}

fn consult(redis: &Redis, charge: &ClusterCharge) -> Consulted {
    let consistency = charge
        .charge
        .limit
        .cluster()
        .map(|cluster| cluster.consistency);
    match consistency {
        Some(Consistency::Lease) => redis.consult_lease(charge.lease(), charge.charge.cost),
        Some(Consistency::Strict) | None => Consulted::Ask,
    }
}

// === impl Waiting ===

impl Waiting {
    /// Whether Envoy's token is of the call that the request waits for.
    pub(super) fn is_for(&self, token: u32) -> bool {
        self.sent.is(token)
    }

    /// Nobody waits for the answer any more.
    pub(super) fn abandon(&self, plugin: &Plugin) {
        self.bill.unclaim(plugin);
    }

    /// Takes the answer, announced with so many headers.
    pub(super) fn answered(self, plugin: &Plugin, redis: &Redis, headers: usize) -> Counting {
        let bill = self.bill;
        match redis.receive(self.sent, headers) {
            Received::Answer(reply) if reply.allowed => {
                Counting::Decided(bill.allowed(plugin, &reply))
            }
            Received::Answer(reply) => Counting::Decided(bill.denied(plugin, redis, &reply)),
            Received::Again(sent) => Counting::Waiting(Box::new(Self { sent, bill })),
            Received::Failed => Counting::Decided(bill.undecided(plugin, redis)),
        }
    }
}

// === impl Bill ===

impl Bill {
    fn ask(self, plugin: &Plugin, redis: &Redis) -> Counting {
        let asks = self.asked.iter().filter_map(|charge| {
            let limit = &charge.charge.limit;
            let cluster = limit.cluster()?;
            let key: Rc<str> = redis.names().key(charge.client.as_bytes(), cluster).into();
            if cluster.consistency == Consistency::Lease {
                redis.watch_lease(charge.lease(), &key, limit, charge.charge.cost);
            }
            Some(Ask {
                key,
                bucket: limit.bucket,
                operation: Operation::Charge(charge.charge.cost.get()),
            })
        });
        match redis.send(asks.collect()) {
            Some(sent) => Counting::Waiting(Box::new(Waiting { sent, bill: self })),
            None => Counting::Decided(self.undecided(plugin, redis)),
        }
    }

    /// Redis has charged it.
    fn allowed(self, plugin: &Plugin, reply: &Reply) -> Result<Passed, Refusal> {
        self.remember(plugin, reply);
        let outcomes = self.outcomes_of(reply);
        self.pass(plugin, outcomes)
    }

    /// Redis has denied it, and charged nothing.
    fn denied(self, plugin: &Plugin, redis: &Redis, reply: &Reply) -> Result<Passed, Refusal> {
        self.undo(plugin, redis);
        self.remember(plugin, reply);
        let outcomes = self.outcomes_of(reply).into_iter();
        decided(plugin, outcomes, self.policy)
    }

    /// Redis has not answered.
    fn undecided(self, plugin: &Plugin, redis: &Redis) -> Result<Passed, Refusal> {
        redis.fallback();
        self.unclaim(plugin);
        match redis.on_failure() {
            FailurePolicy::Allow => self.pass(plugin, Vec::new()),
            FailurePolicy::Deny => {
                self.undo(plugin, redis);
                Err(Refusal::Unavailable)
            }
            FailurePolicy::Local => self.count_by_itself(plugin, redis),
        }
    }

    /// Charges this gateway's share of each limit instead.
    fn count_by_itself(self, plugin: &Plugin, redis: &Redis) -> Result<Passed, Refusal> {
        let mut pages = Vec::new();
        for ClusterCharge { page, charge, .. } in &self.asked {
            PageCharge::add(&mut pages, *page, iter::once(charge.clone()));
        }
        let charged = plugin.pages.charge(&pages, &plugin.metrics, |charged| {
            charged.into_outcomes().collect()
        });
        let outcomes: Vec<Outcome> = match charged {
            Ok(outcomes) => outcomes,
            Err(uncounted) => {
                self.undo(plugin, redis);
                return Err(refused_uncounted(plugin, &uncounted));
            }
        };
        if outcomes.iter().any(Outcome::is_denial) {
            self.undo(plugin, redis);
            return decided(plugin, outcomes.into_iter(), self.policy);
        }
        self.pass(plugin, outcomes)
    }

    fn pass(self, plugin: &Plugin, outcomes: Vec<Outcome>) -> Result<Passed, Refusal> {
        let all = || self.outcomes.iter().chain(&outcomes);
        let passed = decided(plugin, all().cloned(), self.policy.clone())?;
        all().for_each(|outcome| plugin.metrics.allowed(&outcome.limit));
        Ok(passed)
    }

    /// Gives back what was charged in this gateway.
    fn undo(&self, plugin: &Plugin, redis: &Redis) {
        plugin.pages.undo(&self.pages, self.charged_at);
        for charge in &self.leased {
            redis.unspend_lease(charge.lease(), charge.charge.cost, self.charged_at);
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
                Answer::Denied { retry_after, .. } => {
                    say(plugin, charge, Said::Denied { cost, retry_after });
                }
                Answer::Allowed { .. } if self.claimed => say(plugin, charge, Said::Allowed),
                Answer::Allowed { .. } => {}
            }
        }
    }

    /// Ends the denials that others meet while this request asks, where there is
    /// no answer.
    fn unclaim(&self, plugin: &Plugin) {
        if self.claimed {
            self.asked
                .iter()
                .for_each(|charge| say(plugin, charge, Said::Allowed));
        }
    }
}

fn say(plugin: &Plugin, charge: &ClusterCharge, said: Said) {
    if let Some(denial) = charge.denial(&plugin.key, 0) {
        plugin.pages.remember(charge.page, denial.fingerprint, said);
    }
}
