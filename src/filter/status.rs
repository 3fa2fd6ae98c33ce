//! A client that asks where it stands.
//!
//! This gateway's own limits are looked up in its pages and leases. For the
//! others Redis is asked to look without writing, at most once a second for each
//! client: what was seen is kept in the client's page, for all workers. A status is
//! of the limits of all routes, and so perhaps of more keys than one call may name,
//! and of other clients': those of one client at a time, as a route would.

use std::rc::Rc;

use super::cluster::ask;
use crate::admission::{ClusterCharge, Inquiry};
use crate::feedback::{status, Reply, StatusItem};
use crate::host::{HostError, Received, Redis, Sent};
use crate::limit::Answer;
use crate::redis::{Operation, MAX_KEYS};
use crate::root::Plugin;

/// What the client is to be told, as far as it is known.
pub(super) struct Telling {
    plan: Option<Rc<str>>,
    items: Vec<StatusItem>,
    /// What Redis is still to be asked after.
    unasked: Vec<Asked>,
}

/// A limit that Redis is asked after.
struct Asked {
    /// Its place among the items.
    place: usize,
    charge: ClusterCharge,
}

/// Held until Redis has answered.
pub(super) struct Looking {
    sent: Sent,
    asked: Vec<Asked>,
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
        unasked: Vec::new(),
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
    Ok(telling.go_on(plugin.redis.as_ref()))
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
            Received::Again(sent) => Told::Looking(Box::new(Self {
                sent,
                telling,
                ..self
            })),
            Received::Failed => Told::Reply(telling.reply()),
            Received::Answer(reply) => {
                for (asked, key) in self.asked.iter().zip(&reply.keys) {
                    if let Answer::Allowed {
                        remaining,
                        reset_in,
                    } = key.answer
                    {
                        telling.learn(plugin, asked, (remaining, reset_in));
                    }
                }
                telling.go_on(Some(redis))
            }
        }
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
                self.unasked.push(Asked {
                    place: self.items.len(),
                    charge: charge.clone(),
                });
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

    /// Asks Redis for what is still to be asked after, or tells what is known.
    fn go_on(mut self, redis: Option<&Redis>) -> Told {
        let asked = self.next();
        let peek = |redis: &Redis, asked: &Asked| ask(redis, &asked.charge, Operation::Peek);
        let asks = |redis| {
            asked
                .iter()
                .filter_map(|asked| peek(redis, asked))
                .collect()
        };
        let redis = redis.filter(|_| !asked.is_empty());
        match redis.and_then(|redis| redis.send(asks(redis))) {
            Some(sent) => Told::Looking(Box::new(Looking {
                sent,
                asked,
                telling: self,
            })),
            None => Told::Reply(self.reply()),
        }
    }

    /// What one call may ask after: limits of one client, whose keys Redis Cluster
    /// has in one place.
    fn next(&mut self) -> Vec<Asked> {
        let client = self.unasked.first().map(|asked| asked.charge.hash);
        let next = self.unasked.iter().take(MAX_KEYS);
        let next = next.take_while(|asked| Some(asked.charge.hash) == client);
        let count = next.count();
        self.unasked.drain(..count).collect()
    }

    fn learn(&mut self, plugin: &Plugin, asked: &Asked, left: (u32, u64)) {
        if let Some(item) = self.items.get_mut(asked.place) {
            item.left = Some(left);
        }
        see(plugin, &asked.charge, Some(left));
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
