//! A request's body and tokens, on its way through the callbacks.
//!
//! What is known at the headers is reserved there. A body passes as it comes, and
//! only its end waits for what it asks for beyond that; with `hold`, or where only
//! the body says which limits apply, nothing is decided before.

use std::mem;
use std::rc::Rc;

use proxy_wasm::types::Action;

use super::body::{self, Body, Hold};
use super::meter::{End, Raised};
use super::{Filter, Phase, Stage};
use crate::host::{self, HostRequest};
use crate::request::{self, Request};
use crate::tokens::Policy;

// === impl Filter ===

impl Filter {
    /// Gets ready to read the body, and the response, of a request that takes tokens.
    pub(super) fn expect_body(&mut self, policy: &Rc<Policy>, request: &HostRequest<'_>) {
        body::keep_response_readable(policy, request);
        if request.body() == request::Body::Coming {
            self.watch();
            let body = Body::expected(policy.clone(), request, Hold::No);
            self.body = Some(Box::new(body));
        }
    }

    /// Lets nothing be decided before the body is read.
    pub(super) fn await_body(&mut self, policy: Rc<Policy>, request: HostRequest<'_>) -> Action {
        body::keep_response_readable(&policy, &request);
        let hold = Hold::of(&policy, &request);
        self.watch();
        let body = Body::expected(policy, &request, hold);
        self.body = Some(Box::new(body));
        self.stage = Stage::AwaitingBody(hold, request.into_headers());
        if hold == Hold::Yes {
            host::read_body_meanwhile();
        }
        hold.action()
    }

    /// Reads a piece of the body, and decides once it is complete.
    pub(super) fn read_body(&mut self, size: usize, is_end: bool) -> Action {
        let Some(mut body) = self.body.take() else {
            return self.action();
        };
        body.read(size, is_end);
        if let (true, Stage::AwaitingBody(..)) = (body.is_complete(), &self.stage) {
            self.decide_at(&body);
        }
        self.body = Some(body);
        self.go_on_at_body()
    }

    /// Decides on a request whose body is read.
    pub(super) fn decide_at(&mut self, body: &Body) {
        let Stage::AwaitingBody(hold, headers) = mem::replace(&mut self.stage, Stage::Start) else {
            return;
        };
        if hold == Hold::Yes && self.phase == Phase::Request {
            body.tell_new_length();
        }
        let request = HostRequest::again(headers, request::Body::Read(body.scanner.model()));
        self.begin(request, Some(&body.scanner));
    }

    /// What follows for a request that passes as far as is known: once its body is
    /// complete, what that asks for is reserved too.
    pub(super) fn go_on_at_body(&mut self) -> Action {
        let action = match (&self.stage, &self.body) {
            (Stage::Admitted(..), None) => {
                self.pass();
                Action::Continue
            }
            (Stage::Admitted(..), Some(body)) if body.is_complete() => self.raise(),
            _ => self.action(),
        };
        if let (Action::Continue, Some(body)) = (action, &mut self.body) {
            body.released();
        }
        action
    }

    fn raise(&mut self) -> Action {
        let (Some(meter), Some(body)) = (&mut self.meter, &self.body) else {
            return self.action();
        };
        let raised = meter.raise(&self.plugin, &body.scanner, body.is_short());
        self.raised(raised)
    }

    pub(super) fn raised(&mut self, raised: Raised) -> Action {
        match raised {
            Raised::Enough(now) => {
                if let (Stage::Admitted(passed, _), Some(now)) = (&mut self.stage, now) {
                    passed.renew(now);
                }
                self.pass();
                Action::Continue
            }
            Raised::Waiting => Action::Pause,
            Raised::Denied(counted) => {
                self.meter = None;
                self.settle(counted, &HostRequest::with(request::Body::Coming))
            }
        }
    }

    /// Counts a request that takes tokens and passes.
    fn pass(&mut self) {
        if let Some(meter) = &mut self.meter {
            if meter.passes(&self.plugin) {
                self.plugin.metrics.planned(self.plan, true);
            }
        }
    }

    /// What becomes of what comes of the request meanwhile.
    fn action(&self) -> Action {
        if self.body.as_ref().is_some_and(|body| body.is_ending()) {
            return Action::Pause;
        }
        match &self.stage {
            Stage::AwaitingBody(hold, _) => hold.action(),
            Stage::AwaitingRedis(_) | Stage::Looking(_) | Stage::Replied => Action::Pause,
            Stage::Admitted(..) if self.meter.as_ref().is_some_and(|meter| meter.is_waiting()) => {
                Action::Pause
            }
            Stage::Start | Stage::Admitted(..) => Action::Continue,
        }
    }

    /// Has Envoy tell of what follows the headers.
    pub(super) fn watch(&mut self) {
        self.is_watched = true;
        host::watch(self.context);
    }

    /// Settles the tokens of a request that has ended.
    pub(super) fn settle_tokens(&mut self, end: End) {
        self.pass();
        if let Some(meter) = self.meter.take() {
            let sent = self.body.as_ref().map_or(0, |body| body.scanner.bytes());
            meter.settle(&self.plugin, sent, end);
        }
    }
}
