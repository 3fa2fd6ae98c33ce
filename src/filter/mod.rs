//! One request in Envoy's callbacks.

mod bill;
mod cluster;
mod counting;
mod status;

use std::mem;
use std::rc::Rc;

use log::error;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::admission::{Admission, Course, Inquiry};
use crate::client::Plan;
use crate::feedback::{Feedback, Protocol, Refusal, Reply};
use crate::host::{self, HostRequest, Slots, Uncounted};
use crate::limit::{Limit, Mode};
use crate::request::Request;
use crate::root::Plugin;
use cluster::Waiting;
use counting::{count, refused_uncounted, Counted, Counting, Passed};
use status::{Looking, Told};

/// The filter's side of one request.
pub(crate) struct Filter {
    plugin: Rc<Plugin>,
    stage: Stage,
    plan: Plan,
    /// What its client is told: as its route says, once that is known.
    feedback: Rc<Feedback>,
    /// What it holds until it has ended.
    slots: Option<Box<Slots>>,
    /// Where it asks where its client stands, until that is looked up.
    inquiry: Option<Box<Inquiry>>,
}

/// How far the request has come.
enum Stage {
    /// Nothing is decided.
    Start,
    /// It is held until Redis has answered.
    AwaitingRedis(Box<Waiting>),
    /// Likewise, to tell its client where it stands.
    Looking(Box<Looking>),
    /// It passes. The wall clock's time of that is kept where it is to be told.
    Admitted(Passed, Option<u64>),
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
            feedback: plugin.config.feedback.clone(),
            plugin,
            stage: Stage::Start,
            plan: Plan::None,
            slots: None,
            inquiry: None,
        }
    }

    fn count(&mut self, request: &HostRequest) -> Counting {
        let plugin = &*self.plugin;
        let admission = Admission::of(&plugin.config, &plugin.key, request);
        self.feedback = admission.feedback;
        let is_marked = plugin.config.has_tags && request.header(OVER).next().is_some();
        if let Some(failure) = request.failure() {
            let uncounted = Uncounted::Host(failure);
            return Counting::Decided(refused_uncounted(plugin, &uncounted));
        }
        if is_marked {
            host::remove_request_header(OVER);
        }
        self.plan = admission.plan;
        match admission.course {
            Course::Pass => Counting::Decided(Counted::unlimited()),
            Course::Refuse(refusal) => Counting::Decided(refusal.into()),
            Course::Charge(charges) => count(plugin, charges),
            Course::Tell(charges, inquiry) => {
                self.inquiry = Some(inquiry);
                count(plugin, charges)
            }
        }
    }

    fn go_on(&mut self, counting: Counting, request: &HostRequest) -> Action {
        match counting {
            Counting::Decided(counted) => self.settle(counted, request),
            Counting::Waiting(waiting) => {
                self.stage = Stage::AwaitingRedis(waiting);
                Action::Pause
            }
        }
    }

    /// The one place where a request is passed or answered.
    fn settle(&mut self, counted: Counted, request: &HostRequest) -> Action {
        self.slots = counted.slots;
        let metrics = &self.plugin.metrics;
        match counted.decision {
            Ok(_) if self.inquiry.is_some() => self.tell(request),
            Ok(passed) => {
                metrics.planned(self.plan, true);
                self.mark(&counted.over);
                self.stage = Stage::Admitted(passed, self.wall());
                Action::Continue
            }
            Err(refusal) => {
                metrics.planned(self.plan, false);
                self.refuse(&refusal, request)
            }
        }
    }

    fn refuse(&mut self, refusal: &Refusal, request: &HostRequest) -> Action {
        let protocol = match request.is_grpc() {
            true => Protocol::Grpc,
            false => Protocol::Http,
        };
        self.answer(&refusal.reply(&self.feedback, protocol, self.wall()))
    }

    fn answer(&mut self, reply: &Reply) -> Action {
        host::note(&reply.state);
        if let Err(failure) = host::send(reply) {
            error!("a request could not be answered: {failure}");
        }
        self.stage = Stage::Replied;
        self.release();
        Action::Pause
    }

    /// Tells the client where it stands.
    fn tell(&mut self, request: &HostRequest) -> Action {
        let Some(inquiry) = self.inquiry.take() else {
            return Action::Continue;
        };
        match status::tell(&self.plugin, *inquiry) {
            Ok(told) => self.told(told),
            Err(failure) => {
                error!("a status could not be looked up: {failure}");
                self.refuse(&Refusal::Uncounted, request)
            }
        }
    }

    fn told(&mut self, told: Told) -> Action {
        match told {
            Told::Reply(reply) => self.answer(&reply),
            Told::Looking(looking) => {
                self.stage = Stage::Looking(looking);
                Action::Pause
            }
        }
    }

    /// The time of the calendar, where the client is told it.
    fn wall(&self) -> Option<u64> {
        let read = self.feedback.tells_wall_time().then(host::wall)?;
        read.map_err(|failure| error!("the time could not be told: {failure}"))
            .ok()
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
            self.plugin.pages.release(*slots);
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
        let plugin = self.plugin.clone();
        let Some(redis) = &plugin.redis else {
            return;
        };
        let action = match mem::replace(&mut self.stage, Stage::Start) {
            Stage::AwaitingRedis(waiting) if waiting.is_for(token) => {
                let counting = waiting.answered(&plugin, redis, headers);
                self.go_on(counting, &HostRequest::default())
            }
            Stage::Looking(looking) if looking.is_for(token) => {
                let told = looking.answered(&plugin, redis, headers);
                self.told(told)
            }
            other => {
                self.stage = other;
                return;
            }
        };
        if action == Action::Continue {
            if let Err(failure) = host::resume() {
                error!("a request that passes could not go on: {failure}");
            }
        }
    }
}

impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _count: usize, _end: bool) -> Action {
        let request = HostRequest::default();
        let counting = self.count(&request);
        self.go_on(counting, &request)
    }

    fn on_http_response_headers(&mut self, _count: usize, _end: bool) -> Action {
        let feedback = &*self.feedback;
        if matches!(self.stage, Stage::Admitted(..)) && feedback.has_families() {
            host::remove_response_headers(|name| feedback.is_foreign(name));
        }
        match &self.stage {
            Stage::Admitted(Passed::Limited { standings, policy }, wall) => {
                feedback.show(standings, policy, *wall, host::set_response_header);
            }
            Stage::Admitted(Passed::Unlimited, _) => {
                feedback.show_nothing(host::set_response_header);
            }
            Stage::Start | Stage::AwaitingRedis(_) | Stage::Looking(_) | Stage::Replied => {}
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
