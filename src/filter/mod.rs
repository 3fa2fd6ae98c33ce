//! One request in Envoy's callbacks.

mod bill;
mod cluster;
mod counting;

use std::mem;
use std::rc::Rc;

use log::error;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::admission::Admission;
use crate::host::{self, HostRequest, Slots, Uncounted};
use crate::limit::{Limit, Mode};
use crate::request::Request;
use crate::root::Plugin;
use cluster::Waiting;
use counting::{count, refused_uncounted, Counted, Counting, Passed};

/// The filter's side of one request.
pub(crate) struct Filter {
    plugin: Rc<Plugin>,
    stage: Stage,
    /// What it holds until it has ended.
    slots: Option<Slots>,
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
            slots: None,
        }
    }

    fn count(&self) -> Counting {
        let plugin = &*self.plugin;
        let request = HostRequest::default();
        let admission = Admission::of(&plugin.config, &plugin.key, &request);
        let is_marked = plugin.config.has_tags && request.header(OVER).next().is_some();
        if let Some(failure) = request.failure() {
            let uncounted = Uncounted::Host(failure);
            return Counting::Decided(refused_uncounted(plugin, &uncounted));
        }
        if is_marked {
            host::remove_request_header(OVER);
        }
        match admission {
            Admission::Unlimited => Counting::Decided(Counted::unlimited()),
            Admission::Refused(refusal) => Counting::Decided(refusal.into()),
            Admission::Charge {
                pages,
                cluster,
                policy,
            } => count(plugin, pages, cluster, policy),
        }
    }

    fn go_on(&mut self, counting: Counting) -> Action {
        match counting {
            Counting::Decided(counted) => self.settle(counted),
            Counting::Waiting(waiting) => {
                self.stage = Stage::AwaitingRedis(waiting);
                Action::Pause
            }
        }
    }

    /// The one place where a request is passed or answered.
    fn settle(&mut self, counted: Counted) -> Action {
        self.slots = counted.slots;
        match counted.decision {
            Ok(passed) => {
                self.mark(&counted.over);
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
                self.release();
                Action::Pause
            }
        }
    }

    /// Tells the access log, Envoy's routes and the upstream which limits the
    /// request is over that let it pass.
    fn mark(&self, over: &[Rc<Limit>]) {
        let tags = over.iter().filter(|limit| limit.mode == Mode::Tag);
        let tags: Vec<&str> = tags.map(|limit| &*limit.name).collect();
        match (tags.first(), over.first()) {
            (Some(tag), _) => {
                host::note(&format!("tagged:{tag}"));
                host::set_request_header(OVER, &tags.join(", "));
            }
            (None, Some(shadow)) => host::note(&format!("shadow:{}", shadow.name)),
            (None, None) => host::note("allowed"),
        }
    }

    fn release(&mut self) {
        if let Some(slots) = self.slots.take() {
            self.plugin.pages.release(slots);
        }
    }
}

/// Names the limits in tag mode that a request is over.
const OVER: &str = "x-tollgate-over";

/// Every request ends here, however it ends. The SDK drops an answer whose
/// stream has gone.
impl Drop for Filter {
    fn drop(&mut self) {
        if let Stage::AwaitingRedis(waiting) = mem::replace(&mut self.stage, Stage::Replied) {
            waiting.abandon(&self.plugin);
        }
        self.release();
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
            Stage::Admitted(Passed::Limited { standings, policy }) => {
                feedback.show(standings, policy, host::set_response_header);
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
