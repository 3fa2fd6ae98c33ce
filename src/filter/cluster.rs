//! A request's cluster limits: leases first, then Redis' last denials, then
//! Redis, and where it does not answer, what the operator has chosen.
//!
//! A request passes only if all limits allow it, and all stores must agree: the
//! gateway's own are charged before Redis is asked, and given back where it
//! denies.

use std::iter;

use super::bill::{Bill, Here};
use super::counting::{decided, refused_uncounted, Counted, Counting};
use super::paid::Leased;
use crate::admission::{Charges, ClusterCharge};
use crate::host::{Received, Redis, Sent};
use crate::limit::{Answer, Consistency, Kind, Outcome};
use crate::redis::{Ask, Consulted, Operation};
use crate::root::Plugin;
use crate::table::{PageCharge, Which};

/// A request that is held until Redis has answered.
pub(super) struct Waiting {
    pub(super) sent: Sent,
    pub(super) bill: Bill,
}

/// Charges what can be charged without Redis, and asks it for the rest.
pub(super) fn count(plugin: &Plugin, redis: &Redis, charges: Charges) -> Counting {
    let Charges {
        mut pages,
        cluster,
        policy,
        budget,
        turn,
    } = charges;
    let (mut leased, mut asked, mut denied) = (Vec::new(), Vec::new(), Vec::new());
    for charge in cluster {
        match consult(redis, &charge) {
            Consulted::Enough => leased.push(charge),
            Consulted::Denied(answer) => denied.push(charge.outcome(answer)),
            Consulted::Ask => asked.push(charge),
        }
    }
    let which = match denied.iter().any(Outcome::is_enforced_denial) {
        // What else denies may take longer.
        true => Which::Alone,
        false => Which::All,
    };
    for charge in asked.iter().filter(|_| which == Which::All) {
        if let Some(denial) = charge.denial(redis.timeout()) {
            PageCharge::add(&mut pages, charge.page, iter::once(denial));
        }
    }
    let charged = plugin
        .pages
        .charge(&pages, which, &plugin.metrics, |charged| Here {
            charged_at: charged.at,
            slots: charged.slots(),
            claimed: charged.has_claimed(),
            outcomes: charged.into_outcomes().collect(),
        });
    let mut here = match charged {
        Ok(here) => here,
        Err(uncounted) => return Counting::Decided(refused_uncounted(plugin, &uncounted)),
    };
    asked.retain(|charge| !here.has_answered(charge));
    here.outcomes.extend(denied);
    if here.outcomes.iter().any(Outcome::is_enforced_denial) {
        return Counting::Decided(Counted {
            slots: here.slots,
            ..decided(plugin, here.outcomes.into_iter(), policy, turn)
        });
    }
    let leased = leased.into_iter().filter_map(|charge| {
        let (answer, leased) = spend(redis, charge)?;
        here.outcomes.push(leased.charge.outcome(answer));
        Some(leased)
    });
    let leased = leased.collect();
    let bill = Bill {
        pages,
        here,
        leased,
        asked,
        policy,
        budget,
        turn,
    };
    if bill.asked.is_empty() {
        return Counting::Decided(bill.pass_here(plugin));
    }
    bill.ask(plugin, redis)
}

/// What a call asks Redis for this share; `None` where Redis does not count it.
pub(super) fn ask(redis: &Redis, charge: &ClusterCharge, operation: Operation) -> Option<Ask> {
    let limit = &charge.charge.limit;
    let Kind::Metered { allowance, .. } = &limit.kind else {
        return None;
    };
    let client = charge.client.as_bytes();
    Some(Ask {
        key: redis.names().key(client, limit.cluster()?).into(),
        allowance: *allowance,
        operation,
    })
}

/// Spends units on lease, or sets tokens aside.
fn spend(redis: &Redis, charge: ClusterCharge) -> Option<(Answer, Leased)> {
    let (lease, cost) = (charge.lease(), charge.charge.cost);
    let (answer, reservation) = match charge.charge.limit.tokens() {
        None => (redis.spend_lease(lease, cost)?, None),
        Some(_) => {
            let (answer, reservation) = redis.reserve_lease(lease, cost)?;
            (answer, Some(reservation))
        }
    };
    let leased = Leased {
        charge,
        reservation,
    };
    Some((answer, leased))
}

fn consult(redis: &Redis, charge: &ClusterCharge) -> Consulted {
    let limit = &charge.charge.limit;
    match limit.cluster().map(|cluster| cluster.consistency) {
        Some(Consistency::Lease) => redis.consult_lease(charge.lease(), limit, charge.charge.cost),
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
    pub(super) fn abandon(self, plugin: &Plugin) {
        self.bill.unclaim(plugin);
        if let Some(slots) = self.bill.here.slots {
            plugin.pages.release(*slots, &plugin.metrics);
        }
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
