//! What one limit was charged for a request that takes tokens, and in which store.

use super::cluster::ask;
use crate::admission::ClusterCharge;
use crate::host::{Owing, Redis};
use crate::limit::{Kind, Now, Settlement, Tokens};
use crate::redis::{Ask, Operation};
use crate::table::{Charge, PageIndex};
use crate::tokens::Reservation;

/// What one limit was charged, in one store.
pub(super) struct Paid {
    pub(super) charge: Charge,
    pub(super) charged_at: Now,
    /// The time until the bucket was full then, ns.
    pub(super) full_in: u64,
    pub(super) store: Store,
}

/// Where a charge was made.
pub(super) enum Store {
    Page(PageIndex),
    /// With what the lease's book knows a reservation by.
    Lease(ClusterCharge, Option<u64>),
    Redis(ClusterCharge),
}

/// What was taken from a lease.
pub(super) struct Leased {
    pub(super) charge: ClusterCharge,
    /// What the book knows it by, of tokens.
    pub(super) reservation: Option<u64>,
}

// === impl Paid ===

impl Paid {
    pub(super) fn tokens(&self) -> Option<Tokens> {
        self.charge.limit.tokens()
    }

    /// What the limit is still to be charged for so many tokens.
    pub(super) fn missing(&self, reservation: &Reservation) -> Option<Charge> {
        let limit = &self.charge.limit;
        let units = reservation.of(self.tokens()?);
        let wanted = match self.store {
            Store::Page(_) => limit.at_most_all_here(units),
            Store::Lease(..) | Store::Redis(_) => limit.at_most_all(units),
        };
        let missing = wanted.get().checked_sub(self.charge.cost.get())?;
        Some(Charge {
            cost: missing.try_into().ok()?,
            ..self.charge.clone()
        })
    }

    pub(super) fn settlement(&self, used: u64) -> Settlement {
        let used = u32::try_from(used).unwrap_or(u32::MAX);
        Settlement {
            units: i64::from(used).saturating_sub(self.charge.cost.get().into()),
            charged_at: self.charged_at,
            full_in: self.full_in,
        }
    }

    /// Returns the units that Redis is still to be told of.
    pub(super) fn settle_lease(
        &self,
        redis: &Redis,
        cluster: &ClusterCharge,
        reservation: Option<u64>,
        used: u64,
    ) -> i64 {
        let (lease, cost) = (cluster.lease(), self.charge.cost);
        match reservation {
            Some(reservation) => {
                let used = used.min(u32::MAX.into());
                let more = redis.settle_lease(lease, cost, reservation, used);
                i64::try_from(more).unwrap_or(i64::MAX)
            }
            None => {
                redis.unspend_lease(lease, cost, self.charged_at.monotonic);
                0
            }
        }
    }

    pub(super) fn is_in_one_store_with(&self, other: &Self) -> bool {
        match (&self.store, &other.store) {
            (Store::Page(page), Store::Page(other)) => page == other,
            (Store::Lease(_, reservation), Store::Lease(_, other)) => reservation == other,
            (Store::Redis(_), Store::Redis(_)) => true,
            _ => false,
        }
    }

    /// A later charge on top of this one. Of the first one's units time may have
    /// given some back by then.
    pub(super) fn and(&mut self, more: &Self) {
        let interval = self.interval();
        let between = more
            .charged_at
            .monotonic
            .saturating_sub(self.charged_at.monotonic);
        let added = u64::from(more.charge.cost.get()).saturating_mul(interval);
        let before = self.full_in.saturating_sub(between);
        self.full_in = more.full_in.min(before.saturating_add(added));
        self.charge.cost = self.charge.cost.saturating_add(more.charge.cost.get());
        // A quota's units come back in the period of the first ones, or not at all.
        if interval > 0 {
            self.charged_at = more.charged_at;
        }
    }

    /// The time in which the limit gives one unit back, ns; 0 of a quota.
    fn interval(&self) -> u64 {
        let Kind::Metered {
            allowance, scope, ..
        } = &self.charge.limit.kind
        else {
            return 0;
        };
        match self.store {
            Store::Page(_) => scope.here(allowance).interval(),
            Store::Lease(..) | Store::Redis(_) => allowance.interval(),
        }
    }
}

/// What Redis is to be told of it, if anything.
pub(super) fn owing_to(
    redis: &Redis,
    cluster: &ClusterCharge,
    settlement: Settlement,
) -> Option<Owing> {
    if settlement.units == 0 {
        return None;
    }
    let Ask { key, allowance, .. } = ask(redis, cluster, Operation::Peek)?;
    Some(Owing {
        key,
        allowance,
        settlement,
    })
}
