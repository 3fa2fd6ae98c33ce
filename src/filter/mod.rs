//! One request in Envoy's callbacks.

mod cluster;
mod counting;

use std::mem;
use std::rc::Rc;

use log::error;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::admission::Admission;
use crate::feedback::Refusal;
use crate::host::{self, HostRequest, Uncounted};
use crate::root::Plugin;
use cluster::Waiting;
use counting::{count, refused_uncounted, Counting, Passed};

/// The filter's side of one request.
pub(crate) struct Filter {
    plugin: Rc<Plugin>,
    stage: Stage,
}

/// How far the request has come.
enum Stage {
    /// Nothing is decided.
    Start,
    /// It is held until Redis has answered.
    AwaitingRedis(Box<Waiting>),
    /// It passes.
    Admitted(Passed),
    /// It was answered here. Envoy takes that answer through the response
    /// callbacks too, where it is to be left as it is.
    Replied,
}

/// The filter of a plugin that has no configuration. Envoy makes none; if it
/// ever did, what cannot be limited is not let through.
pub(crate) struct Unconfigured;

// === impl Filter ===

impl Filter {
    pub(crate) fn new(plugin: Rc<Plugin>) -> Self {
        Self {
            plugin,
            stage: Stage::Start,
        }
    }

    fn count(&self) -> Counting {
        let plugin = &*self.plugin;
        let request = HostRequest::default();
        let admission = Admission::of(&plugin.config, &plugin.key, &request);
        if let Some(failure) = request.failure() {
            let uncounted = Uncounted::Host(failure);
            return Counting::Decided(Err(refused_uncounted(plugin, &uncounted)));
        }
        match admission {
            Admission::Unlimited => Counting::Decided(Ok(Passed::Unlimited)),
            Admission::Refused(refusal) => Counting::Decided(Err(refusal)),
            Admission::Charge {
                pages,
                cluster,
                policy,
            } => count(plugin, pages, cluster, policy),
        }
    }

    fn go_on(&mut self, counting: Counting) -> Action {
        match counting {
            Counting::Decided(decision) => self.settle(decision),
            Counting::Waiting(waiting) => {
                self.stage = Stage::AwaitingRedis(waiting);
                Action::Pause
            }
        }
    }

    /// The one place where a request is passed or answered.
    fn settle(&mut self, decision: Result<Passed, Refusal>) -> Action {
        match decision {
            Ok(passed) => {
                host::note("allowed");
                self.stage = Stage::Admitted(passed);
                Action::Continue
            }
            Err(refusal) => {
                let reply = refusal.reply(&self.plugin.config.feedback);
                host::note(&reply.state);
                if let Err(failure) = host::send(&reply) {
                    error!("a refused request could not be answered: {failure}");
                }
                self.stage = Stage::Replied;
                Action::Pause
            }
        }
    }
}

/// The SDK drops an answer whose stream has gone.
impl Drop for Filter {
    fn drop(&mut self) {
        if let Stage::AwaitingRedis(waiting) = &self.stage {
            waiting.abandon(&self.plugin);
        }
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
        let Some(redis) = &self.plugin.redis else {
            return;
        };
        let counting = match mem::replace(&mut self.stage, Stage::Start) {
            Stage::AwaitingRedis(waiting) if waiting.is_for(token) => {
                waiting.answered(&self.plugin, redis, headers)
            }
            other => {
                self.stage = other;
                return;
            }
        };
        if self.go_on(counting) == Action::Continue {
            if let Err(failure) = host::resume() {
                error!("a request that passes could not go on: {failure}");
            }
        }
    }
}

impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _count: usize, _end: bool) -> Action {
        let counting = self.count();
        self.go_on(counting)
    }

    fn on_http_response_headers(&mut self, _count: usize, _end: bool) -> Action {
        let feedback = &self.plugin.config.feedback;
        match &self.stage {
            Stage::Admitted(Passed::Limited { tightest, policy }) => {
                feedback.show(tightest, policy, host::set_response_header);
            }
            Stage::Admitted(Passed::Unlimited) => {
                feedback
                    .header_names()
                    .for_each(host::remove_response_header);
            }
            Stage::Start | Stage::AwaitingRedis(_) | Stage::Replied => {}
        }
        Action::Continue
    }
}

// === impl Unconfigured ===

impl Context for Unconfigured {}

impl HttpContext for Unconfigured {
    fn on_http_request_headers(&mut self, _count: usize, _end: bool) -> Action {
        self.send_http_response(503, Vec::new(), None);
        Action::Pause
    }
}
