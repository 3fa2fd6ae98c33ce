//! The tokens of one request, from its reservation to its settlement.

use std::rc::Rc;

use super::cluster::Waiting;
use super::counting::{count, Counted, Counting, Passed, Reserved};
use super::receipt::{Receipt, Used};
use crate::admission::Budget;
use crate::feedback::Refusal;
use crate::host;
use crate::limit::{Limit, Tokens};
use crate::root::Plugin;
use crate::tokens::{Framing, RequestScanner, Reservation, ResponseScanner, Usage, UsageFrom};

/// A request that has tokens reserved.
pub(super) struct Meter {
    budget: Box<Budget>,
    receipt: Receipt,
    /// The limits that have allowed it, until that is counted.
    met: Option<Vec<Rc<Limit>>>,
    raise: Raise,
    response: Response,
}

/// How far the reservation has come to what the request's body asks for.
enum Raise {
    /// The body is not read yet.
    Due,
    /// Redis is asked.
    Waiting(Box<Waiting>),
    /// There is nothing more to reserve.
    Done,
}

/// What was seen of the response.
struct Response {
    /// `None` until there is one.
    status: Option<u16>,
    body: Option<ResponseScanner>,
    /// What its header says.
    told: Option<u64>,
}

/// What came of raising a reservation.
pub(super) enum Raised {
    /// It is as high as the request asks, or can be; where more was asked for, with
    /// what the limits say by now.
    Enough(Option<Passed>),
    /// Redis is asked.
    Waiting,
    /// It does not fit: what the limits say. All that was charged is undone.
    Denied(Counted),
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With the last byte of its response.
    Whole,
    /// Before that, or without a response.
    Cut,
}

// === impl Meter ===

impl Meter {
    pub(super) fn new(plugin: &Plugin, reserved: Reserved) -> Self {
        let Reserved {
            budget,
            receipt,
            met,
        } = reserved;
        plugin.metrics.reserved(budget.reservation.of(Tokens::All));
        Self {
            budget,
            receipt,
            met: Some(met),
            raise: Raise::Due,
            response: Response {
                status: None,
                body: None,
                told: None,
            },
        }
    }

    /// Whether the end of the body is held until Redis has answered.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.raise, Raise::Waiting(_))
    }

    /// Whether Envoy's token is of the call that the body waits for.
    pub(super) fn is_for(&self, token: u32) -> bool {
        matches!(&self.raise, Raise::Waiting(waiting) if waiting.is_for(token))
    }

    /// The request passes: counts that, once. Whether it was not counted before.
    pub(super) fn passes(&mut self, plugin: &Plugin) -> bool {
        let Some(met) = self.met.take() else {
            return false;
        };
        met.iter().for_each(|limit| plugin.metrics.passed(limit));
        true
    }

    /// Reserves what the body asks for beyond what is reserved, once it is read.
    /// `waits`: whether its end can wait for Redis.
    pub(super) fn raise(&mut self, plugin: &Plugin, body: &RequestScanner, waits: bool) -> Raised {
        match self.raise {
            Raise::Due => {}
            Raise::Waiting(_) => return Raised::Waiting,
            Raise::Done => return Raised::Enough(None),
        }
        self.raise = Raise::Done;
        let asked = self.budget.policy.reserve.of_body(body);
        let reservation = self.budget.reservation.max(asked);
        let more = Budget {
            reservation,
            ..Budget::clone(&self.budget)
        };
        let mut charges = self.receipt.missing(&more);
        if charges.is_empty() {
            self.raised_to(plugin, reservation, None);
            return Raised::Enough(None);
        }
        if !waits && !charges.cluster.is_empty() {
            // Nobody holds the body, so nobody can ask first. What Redis counts is
            // settled with the rest.
            charges.cluster.clear();
            if charges.is_empty() {
                return Raised::Enough(None);
            }
        }
        let counting = count(plugin, charges);
        self.counted(plugin, counting)
    }

    /// Takes Redis' answer, announced with so many headers.
    pub(super) fn answered(
        &mut self,
        plugin: &Plugin,
        redis: &host::Redis,
        headers: usize,
    ) -> Raised {
        match std::mem::replace(&mut self.raise, Raise::Done) {
            Raise::Waiting(waiting) => {
                let counting = waiting.answered(plugin, redis, headers);
                self.counted(plugin, counting)
            }
            other => {
                self.raise = other;
                Raised::Enough(None)
            }
        }
    }

    fn counted(&mut self, plugin: &Plugin, counting: Counting) -> Raised {
        match counting {
            Counting::Waiting(waiting) => {
                self.raise = Raise::Waiting(waiting);
                Raised::Waiting
            }
            Counting::Decided(Counted {
                decision: Ok(passed),
                reserved,
                ..
            }) => {
                let reservation = reserved.as_ref().map(|more| more.budget.reservation);
                let reservation = reservation.unwrap_or(self.budget.reservation);
                self.raised_to(plugin, reservation, reserved);
                Raised::Enough(Some(passed))
            }
            // The upstream has answered already, and its answer is on its way: there is
            // nothing left to refuse. What is reserved stays so until it is settled.
            Counting::Decided(_) if self.response.status.is_some() => Raised::Enough(None),
            Counting::Decided(mut counted) => {
                if let Err(Refusal::Denied(denial)) = &mut counted.decision {
                    self.receipt.add_to(denial);
                }
                self.receipt.undo(plugin);
                let reserved = self.budget.reservation.of(Tokens::All);
                plugin.metrics.settled(reserved, 0);
                Raised::Denied(counted)
            }
        }
    }

    fn raised_to(
        &mut self,
        plugin: &Plugin,
        reservation: Reservation,
        more: Option<Box<Reserved>>,
    ) {
        let before = self.budget.reservation.of(Tokens::All);
        let added = reservation.of(Tokens::All).saturating_sub(before);
        plugin.metrics.reserved(added);
        self.budget.reservation = reservation;
        if let Some(more) = more {
            self.receipt.and(more.receipt);
        }
    }

    /// The response begins.
    pub(super) fn responds(&mut self) {
        let response = &mut self.response;
        response.status = Some(host::response_status().unwrap_or(0));
        match &self.budget.policy.usage {
            UsageFrom::Header(name) => {
                response.told = host::response_header(name)
                    .and_then(|value| String::from_utf8(value).ok()?.trim().parse().ok());
            }
            UsageFrom::Body(shape) => {
                let content_type = host::response_header("content-type").unwrap_or_default();
                let framing = Framing::of(&content_type);
                response.body = Some(ResponseScanner::new(*shape, framing));
            }
        }
    }

    /// Whether the response's body is to be read.
    pub(super) fn reads_response(&self) -> bool {
        self.response.body.is_some()
    }

    /// A piece of the response passes.
    pub(super) fn read_response(&mut self, piece: &[u8]) {
        if let Some(body) = &mut self.response.body {
            body.feed(piece);
        }
    }

    /// Settles all to what the request took. `sent`: the bytes of its body that
    /// have passed.
    pub(super) fn settle(mut self, plugin: &Plugin, sent: u64, end: End) {
        if let Raise::Waiting(waiting) = std::mem::replace(&mut self.raise, Raise::Done) {
            waiting.abandon(plugin);
        }
        let outcome = self.outcome(sent, end);
        let reserved = self.budget.reservation;
        let used = |tokens| match outcome {
            Outcome::Nothing => Used::Reported(0),
            Outcome::Reported(usage) => match usage.of(tokens) {
                Some(used) => Used::Reported(used),
                None => Used::AtLeast(0),
            },
            Outcome::Unknown(least) => Used::AtLeast(least.of(tokens)),
        };
        let all = match used(Tokens::All) {
            Used::Reported(used) => used,
            Used::AtLeast(least) => least.max(reserved.of(Tokens::All)),
        };
        plugin.metrics.settled(reserved.of(Tokens::All), all);
        if let Outcome::Unknown(_) = outcome {
            plugin.metrics.unreported(all);
        }
        self.receipt.settle(plugin, used);
    }

    fn outcome(&self, sent: u64, end: End) -> Outcome {
        let response = &self.response;
        let body = response.body.as_ref();
        let mut usage = body.map(ResponseScanner::usage).unwrap_or_default();
        if response.told.is_some() {
            usage.total = response.told;
        }
        let is_last = response.told.is_some() || body.is_some_and(ResponseScanner::is_final);
        if !usage.is_empty() && (end == End::Whole || is_last) {
            return Outcome::Reported(usage);
        }
        let failed = response.status.is_some_and(|status| status >= 400);
        let never_reached = || response.status.is_none() && !host::has_upstream();
        if usage.is_empty() && (failed || never_reached()) {
            return Outcome::Nothing;
        }
        let passed = body.map(ResponseScanner::passed);
        let passed = self.budget.policy.reserve.of_passed(sent, passed.as_ref());
        Outcome::Unknown(passed.max(Reservation::so_far(&usage)))
    }
}

/// What is known of the tokens that a request took.
#[derive(Clone, Copy)]
enum Outcome {
    /// It never reached a model, or that one has refused it.
    Nothing,
    /// What the model says.
    Reported(Usage),
    /// The model has not said it, or not to the end: no less than these.
    Unknown(Reservation),
}
