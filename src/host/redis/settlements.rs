//! What Redis is still to be told of tokens that were charged before it was known
//! how many there would be.
//!
//! The calls are the root context's, on its tick, so that no stream's end can lose
//! one. What could not be sent is sent later; what was sent and not answered may
//! have done its work, and is not sent again.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::{Received, Redis, Sent};
use crate::host::Pace;
use crate::limit::{Allowance, Settlement};
use crate::redis::{Ask, Operation};

/// What one key is to be told.
#[derive(Debug)]
pub(crate) struct Owing {
    /// The key.
    pub(crate) key: Rc<str>,
    /// What is counted under it.
    pub(crate) allowance: Allowance,
    /// By what it is to be corrected.
    pub(crate) settlement: Settlement,
}

/// Settlements on their way to Redis.
#[derive(Debug, Default)]
pub(super) struct Settlements {
    /// One request's each, in order, and when they were made, ns.
    waiting: VecDeque<(u64, Vec<Owing>)>,
    /// Those under way, by Envoy's token.
    sent: BTreeMap<u32, Sent>,
}

/// The most calls at a tick: the rest is for the next one.
const CALLS_A_TICK: usize = 64;

/// The most requests whose settlement waits, as while Redis is down; the oldest is
/// given up for one more.
const MOST_WAITING: usize = 4_096;

/// So long a settlement is worth sending, ns.
const LONGEST_WAIT: u64 = 60_000_000_000;

const NANOS_PER_MILLI: u64 = 1_000_000;

// === impl Redis ===

impl Redis {
    /// Settles one request's tokens, at the next tick.
    pub(crate) fn settle(&self, owing: Vec<Owing>) {
        let Some(now) = self.now() else {
            return self.metrics.error();
        };
        let mut settlements = self.settlements.borrow_mut();
        if settlements.waiting.len() >= MOST_WAITING {
            settlements.waiting.pop_front();
            self.metrics.error();
        }
        settlements.waiting.push_back((now, owing));
        self.tick.arm(Pace::Fast);
    }

    /// Sends what waits. `true` while there is anything to wait for.
    pub(super) fn settle_waiting(&self, now: u64) -> bool {
        for _ in 0..CALLS_A_TICK {
            let Some((made_at, owing)) = self.settlements.borrow_mut().waiting.pop_front() else {
                break;
            };
            if now.saturating_sub(made_at) > LONGEST_WAIT {
                self.metrics.error();
                continue;
            }
            let asks = owing.iter().map(|owing| owing.ask(now)).collect();
            match self.send(asks) {
                Some(sent) => {
                    self.settlements.borrow_mut().sent.insert(sent.token, sent);
                }
                None => {
                    let waiting = &mut self.settlements.borrow_mut().waiting;
                    waiting.push_front((made_at, owing));
                    break;
                }
            }
        }
        let settlements = self.settlements.borrow();
        !settlements.waiting.is_empty() || !settlements.sent.is_empty()
    }

    /// Takes the answer to a settlement; the units that were forgiven. `None` where
    /// it is another call's.
    pub(super) fn settlement_answered(&self, token: u32, headers: usize) -> Option<u64> {
        let sent = self.settlements.borrow_mut().sent.remove(&token)?;
        Some(match self.receive(sent, headers) {
            Received::Answer(reply) => {
                let forgiven = reply.keys.iter().map(|key| u64::from(key.granted));
                forgiven.fold(0, u64::saturating_add)
            }
            Received::Again(sent) => {
                self.settlements.borrow_mut().sent.insert(sent.token, sent);
                0
            }
            Received::Failed => 0,
        })
    }
}

// === impl Owing ===

impl Owing {
    fn ask(&self, now: u64) -> Ask {
        let settlement = &self.settlement;
        let refilled = match &self.allowance {
            Allowance::Bucket(bucket) => settlement.refilled(bucket.emission_interval().get(), now),
            Allowance::Quota(_) => now.saturating_sub(settlement.charged_at.monotonic),
        };
        let refilled = match settlement.units {
            ..0 => refilled.div_ceil(NANOS_PER_MILLI),
            // Nothing comes back.
            0.. => 0,
        };
        Ask {
            key: self.key.clone(),
            allowance: self.allowance,
            operation: Operation::Settle {
                units: settlement.units,
                refilled,
            },
        }
    }
}
