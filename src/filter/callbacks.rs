//! What Envoy calls, in the order in which a request meets it.

use std::mem;

use log::error;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use super::counting::Passed;
use super::meter::End;
use super::{Filter, Phase, Stage};
use crate::host::{self, HostRequest};
use crate::request::Body;

// === impl Filter ===

impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _count: usize, is_end: bool) -> Action {
        let body = if is_end { Body::None } else { Body::Coming };
        let action = self.begin(HostRequest::with(body), None);
        match self.stage {
            Stage::Admitted(..) if self.meter.is_some() => self.go_on_at_body(),
            _ => action,
        }
    }

    fn on_http_request_body(&mut self, size: usize, is_end: bool) -> Action {
        self.read_body(size, is_end)
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        self.read_body(0, true)
    }

    fn on_http_response_headers(&mut self, _count: usize, is_end: bool) -> Action {
        self.phase = Phase::Response;
        // An upstream that does not wait for the body is charged as one that does.
        if matches!(self.stage, Stage::AwaitingBody(..)) {
            if let Some(body) = self.body.take() {
                self.decide_at(&body);
                self.body = Some(body);
            }
        }
        self.phase = Phase::Responding;
        self.show();
        if let Some(meter) = &mut self.meter {
            meter.responds();
            if is_end {
                self.settle_tokens(End::Whole);
            }
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, is_end: bool) -> Action {
        if let Some(meter) = &mut self.meter {
            if size > 0 && meter.reads_response() {
                meter.read_response(&host::response_body(size));
            }
            if is_end {
                self.settle_tokens(End::Whole);
            }
        }
        Action::Continue
    }

    /// The other way for a response to end.
    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        self.settle_tokens(End::Whole);
        Action::Continue
    }
}

impl Context for Filter {
    fn on_http_call_response(
        &mut self,
        token: u32,
        headers: usize,
        _body: usize,
        _trailers: usize,
    ) {
        let plugin = self.plugin.clone();
        let Some(redis) = &plugin.redis else {
            return;
        };
        let raised = match &mut self.meter {
            Some(meter) if meter.is_for(token) => Some(meter.answered(&plugin, redis, headers)),
            _ => None,
        };
        let action = match (raised, mem::replace(&mut self.stage, Stage::Start)) {
            (Some(raised), stage) => {
                self.stage = stage;
                self.raised(raised)
            }
            (None, Stage::AwaitingRedis(waiting)) if waiting.is_for(token) => {
                let counting = waiting.answered(&plugin, redis, headers);
                self.go_on(counting, &HostRequest::with(Body::Coming));
                self.go_on_at_body()
            }
            (None, Stage::Looking(looking)) if looking.is_for(token) => {
                let told = looking.answered(&plugin, redis, headers);
                self.told(told)
            }
            (None, other) => {
                self.stage = other;
                return;
            }
        };
        if action == Action::Continue {
            if let Some(body) = &mut self.body {
                body.released();
            }
            if let Err(failure) = host::resume() {
                error!("a request that passes could not go on: {failure}");
            }
        }
    }
}

impl Filter {
    /// Shows the client where it stands, in place of what the upstream says of
    /// itself.
    fn show(&self) {
        let feedback = &*self.feedback;
        let Stage::Admitted(passed, wall) = &self.stage else {
            return;
        };
        if feedback.has_families() {
            host::remove_response_headers(|name| feedback.is_foreign(name));
        }
        match passed {
            Passed::Limited { standings, policy } => {
                feedback.show(standings, policy, *wall, host::set_response_header);
            }
            Passed::Unlimited => feedback.show_nothing(host::set_response_header),
        }
    }
}

/// Every request ends here, however it ends. The SDK drops an answer whose
/// stream has gone.
impl Drop for Filter {
    fn drop(&mut self) {
        if let Stage::AwaitingRedis(waiting) = mem::replace(&mut self.stage, Stage::Replied) {
            waiting.abandon(&self.plugin);
        }
        if self.is_watched {
            host::unwatch(self.context);
        }
        self.settle_tokens(End::Cut);
        self.release();
    }
}
