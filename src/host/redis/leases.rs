//! Leases, renewed behind the requests' backs.
//!
//! The calls are the root context's, so that no stream's end can lose what
//! Redis has debited.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::rc::Rc;

use super::{Received, Redis, Sent};
use crate::host::Pace;
use crate::limit::{Answer, Cost, Limit};
use crate::redis::{Consulted, Told};

/// The calls that are under way, by Envoy's token, and which lease each is for.
pub(super) type LeaseCalls = BTreeMap<u32, (u64, Sent)>;

// === impl Redis ===

impl Redis {
    /// What is known of the units that a client has on lease, of a limit as its
    /// plan has it now.
    pub(crate) fn consult_lease(&self, lease: u64, limit: &Rc<Limit>, cost: Cost) -> Consulted {
        match self.now() {
            Some(now) => self.leases.borrow_mut().consult(lease, limit, cost, now),
            None => Consulted::Ask,
        }
    }

    /// What is known of the units that a client with a lease has, here and in
    /// Redis: how many, and the time until all are there, ns.
    pub(crate) fn lease_standing(&self, lease: u64, limit: &Limit) -> Option<(u32, u64)> {
        let now = self.now()?;
        match self.leases.borrow().standing(lease, limit, now)? {
            Answer::Allowed {
                remaining,
                reset_in,
            } => Some((remaining, reset_in)),
            Answer::Denied { .. } => None,
        }
    }

    /// Takes units that are there.
    pub(crate) fn spend_lease(&self, lease: u64, cost: Cost) -> Option<Answer> {
        self.leases.borrow_mut().spend(lease, cost)
    }

    /// Sets units aside that are there, for tokens; see [`LeaseBook::reserve`].
    ///
    /// [`LeaseBook::reserve`]: crate::redis::LeaseBook::reserve
    pub(crate) fn reserve_lease(&self, lease: u64, cost: Cost) -> Option<(Answer, u64)> {
        self.leases.borrow_mut().reserve(lease, cost)
    }

    /// Spends so many of those that were set aside; the units that Redis is still to
    /// be told of.
    pub(crate) fn settle_lease(&self, lease: u64, cost: Cost, reservation: u64, used: u64) -> u64 {
        // Without the time there is no telling whether the lease has ended: all beyond
        // what was set aside is Redis' to charge.
        let now = self.now().unwrap_or(u64::MAX);
        let mut leases = self.leases.borrow_mut();
        leases.settle(lease, cost, reservation, used, now)
    }

    /// Gives units back that were taken, not before this time.
    pub(crate) fn unspend_lease(&self, lease: u64, cost: Cost, spent_at: u64) {
        self.leases.borrow_mut().give_back(lease, cost, spent_at);
    }

    /// Watches whether a client is worth a lease.
    pub(crate) fn watch_lease(&self, lease: u64, key: &Rc<str>, limit: &Rc<Limit>, cost: Cost) {
        let Some(now) = self.now() else {
            return;
        };
        let mut leases = self.leases.borrow_mut();
        leases.watch(lease, key, limit, cost, now);
        self.tick.arm(Pace::Fast);
    }

    /// Asks for what is due. `true` while there is anything to wait for.
    pub(super) fn renew_leases(&self, now: u64) -> bool {
        let due = self.leases.borrow_mut().due(now);
        for (lease, ask) in due {
            match self.send(vec![ask]) {
                Some(sent) => self.await_lease(lease, sent),
                None => self.tell(lease, &Told::Failed),
            }
        }
        !self.leases.borrow().is_empty()
    }

    /// Takes an answer that Envoy has for the root context.
    pub(super) fn lease_answered(&self, token: u32, headers: usize) {
        let call = self.lease_calls.borrow_mut().remove(&token);
        let Some((lease, sent)) = call else {
            return;
        };
        match self.receive(sent, headers) {
            Received::Answer(reply) => match reply.keys.first() {
                Some(key) => self.tell(lease, &Told::Answered(key, reply.now)),
                None => self.tell(lease, &Told::Failed),
            },
            Received::Again(sent) => self.await_lease(lease, sent),
            Received::Failed => self.tell(lease, &Told::Failed),
        }
    }

    fn await_lease(&self, lease: u64, sent: Sent) {
        self.lease_calls
            .borrow_mut()
            .insert(sent.token, (lease, sent));
    }

    fn tell(&self, lease: u64, told: &Told<'_>) {
        let back_off: NonZeroU64 = self.settings.breaker.cooldown;
        if let Some(now) = self.now() {
            self.leases.borrow_mut().told(lease, told, back_off, now);
        }
    }
}
