//! A client that asks where it stands.
//!
//! This gateway's own limits are looked up in its pages and leases. For the
//! others Redis is asked to look without writing, at most once a second for each
//! client: what was seen is kept in the client's page, for all workers.

use std::rc::Rc;

use crate::admission::{ClusterCharge, Inquiry};
use crate::feedback::{status, Reply, StatusItem};
use crate::host::{HostError, Received, Redis, Sent};
use crate::limit::{Answer, Kind};
use crate::redis::{Ask, Operation};
use crate::root::Plugin;

/// What the client is to be told, as far as it is known.
pub(super) struct Telling {
    plan: Option<Rc<str>>,
    items: Vec<StatusItem>,
    /// What Redis is asked after, each by its place among the items.
    asked: Vec<(usize, ClusterCharge)>,
}

/// Held until Redis has answered.
pub(super) struct Looking {
    sent: Sent,
    telling: Telling,
}

/// How far it has come.
pub(super) enum Told {
    Reply(Reply),
    Looking(Box<Looking>),
}

/// Looks up what is known without Redis, and asks it for the rest.
pub(super) fn tell(plugin: &Plugin, inquiry: Inquiry) -> Result<Told, HostError> {
    let mut telling = Telling {
        plan: inquiry.plan,
        items: Vec::new(),
        asked: Vec::new(),
    };
    for page in &inquiry.shown.pages {
        let looks = plugin.pages.look(page)?;
        let charges = page.charges.iter().zip(looks);
        telling
            .items
            .extend(charges.map(|(charge, left)| StatusItem {
                limit: charge.limit.clone(),
                left: Some(left),
            }));
    }
    for charge in inquiry.shown.cluster {
        telling.look(plugin, charge)?;
    }
    let sent = match &plugin.redis {
        Some(redis) if !telling.asked.is_empty() => redis.send(telling.asks(redis)),
        _ => None,
    };
    Ok(match sent {
        Some(sent) => Told::Looking(Box::new(Looking { sent, telling })),
        None => Told::Reply(telling.reply()),
    })
}

// === impl Looking ===

impl Looking {
    pub(super) fn is_for(&self, token: u32) -> bool {
        self.sent.is(token)
    }

    /// Takes the answer, announced with so many headers.
    pub(super) fn answered(self, plugin: &Plugin, redis: &Redis, headers: usize) -> Told {
        let mut telling = self.telling;
        match redis.receive(self.sent, headers) {
            Received::Again(sent) => return Told::Looking(Box::new(Self { sent, telling })),
            Received::Failed => {}
            Received::Answer(reply) => {
                for ((place, charge), key) in telling.asked.iter().zip(&reply.keys) {
                    let Answer::Allowed {
                        remaining,
                        reset_in,
                    } = key.answer
                    else {
                        continue;
                    };
                    if let Some(item) = telling.items.get_mut(*place) {
                        item.left = Some((remaining, reset_in));
                    }
                    see(plugin, charge, Some((remaining, reset_in)));
                }
            }
        }
        Told::Reply(telling.reply())
    }
}

// === impl Telling ===

impl Telling {
    /// Looks a limit up that Redis counts.
    fn look(&mut self, plugin: &Plugin, charge: ClusterCharge) -> Result<(), HostError> {
        let redis = plugin.redis.as_ref();
        let limit = &charge.charge.limit;
        let leased = redis.and_then(|redis| redis.lease_standing(charge.lease(), limit));
        let seen = match (leased, charge.look()) {
            (Some(left), _) => Some(Some(left)),
            (None, Some(look)) => plugin.pages.seen(charge.page, look)?,
            (None, None) => None,
        };
        let left = match seen {
            Some(left) => left,
            // Whoever looks says so first: all others wait for what it sees.
            None if see(plugin, &charge, None) => {
                self.asked.push((self.items.len(), charge.clone()));
                None
            }
            None => None,
        };
        self.items.push(StatusItem {
            limit: charge.charge.limit,
            left,
        });
        Ok(())
    }

    fn asks(&self, redis: &Redis) -> Vec<Ask> {
        let asks = self.asked.iter().filter_map(|(_, charge)| {
            let limit = &charge.charge.limit;
            let Kind::Metered { allowance, .. } = &limit.kind else {
                return None;
            };
            Some(Ask {
                key: redis
                    .names()
                    .key(charge.client.as_bytes(), limit.cluster()?)
                    .into(),
                allowance: *allowance,
                operation: Operation::Peek,
            })
        });
        asks.collect()
    }

    fn reply(mut self) -> Reply {
        self.items.sort_by_key(|item| item.limit.index);
        status(self.plan.as_deref(), &self.items)
    }
}

/// Keeps what is seen, or that somebody looks; whether there was room for it, and
/// no other looks.
fn see(plugin: &Plugin, charge: &ClusterCharge, left: Option<(u32, u64)>) -> bool {
    let look = charge.look();
    look.is_some_and(|look| plugin.pages.see(charge.page, look, left))
}
