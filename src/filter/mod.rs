//! One request in Envoy's callbacks.

mod answer;
mod bill;
mod body;
mod callbacks;
mod cluster;
mod counting;
mod meter;
mod metering;
mod paid;
mod receipt;
mod status;

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::admission::{Admission, Course, Inquiry};
use crate::client::Plan;
use crate::feedback::Feedback;
use crate::host::{self, HostRequest, Slots, Uncounted};
use crate::limit::{Limit, Mode};
use crate::request::Request;
use crate::root::Plugin;
use crate::tokens::RequestScanner;
use body::{Body, Hold};
use cluster::Waiting;
use counting::{count, refused_uncounted, Counted, Counting, Passed};
use meter::Meter;
use status::Looking;

/// The filter's side of one request.
pub(crate) struct Filter {
    /// By which Envoy names it, and whether it is told of what follows the headers.
    context: u32,
    is_watched: bool,
    plugin: Rc<Plugin>,
    stage: Stage,
    plan: Plan,
    /// What its client is told: as its route says, once that is known.
    feedback: Rc<Feedback>,
    /// What it holds until it has ended.
    slots: Option<Box<Slots>>,
    /// Where it asks where its client stands, until that is looked up.
    inquiry: Option<Box<Inquiry>>,
    /// Its body, where that is read.
    body: Option<Box<Body>>,
    /// Its tokens, where it passes and takes any.
    meter: Option<Box<Meter>>,
    phase: Phase,
}

/// What of a request and its response is there to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The request.
    Request,
    /// The response's headers, and a reply may still take its place. The request's
    /// headers are out of reach.
    Response,
    /// Nothing: the response is on its way.
    Responding,
}

/// How far the request has come.
enum Stage {
    /// Nothing is decided.
    Start,
    /// Nothing is, before its body is read. Its headers are kept.
    AwaitingBody(Hold, Vec<u8>),
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
    pub(crate) fn new(context: u32, plugin: Rc<Plugin>) -> Self {
        Self {
            context,
            is_watched: false,
            feedback: plugin.config.feedback.clone(),
            plugin,
            stage: Stage::Start,
            plan: Plan::None,
            slots: None,
            inquiry: None,
            body: None,
            meter: None,
            phase: Phase::Request,
        }
    }

    /// Finds out what is to be done, and does it. `read`: what was read of the body,
    /// once all of it was.
    fn begin(&mut self, request: HostRequest<'_>, read: Option<&RequestScanner>) -> Action {
        let plugin = self.plugin.clone();
        let admission = Admission::of(&plugin.config, &plugin.key, &request, read);
        self.feedback = admission.feedback;
        let is_marked = plugin.config.has_tags && request.header(OVER).next().is_some();
        if let Some(failure) = request.failure() {
            let uncounted = refused_uncounted(&plugin, &Uncounted::Host(failure));
            return self.settle(uncounted, &request);
        }
        if let (Some(pseudonyms), Some(client)) = (&plugin.pseudonyms, &admission.logged) {
            host::note_client(&pseudonyms.of(client.as_bytes()));
        }
        if is_marked && self.phase == Phase::Request {
            host::remove_request_header(OVER);
        }
        self.plan = admission.plan;
        let counting = match admission.course {
            Course::Pass => Counting::Decided(Counted::unlimited()),
            Course::Refuse(refusal) => Counting::Decided(refusal.into()),
            Course::Charge(charges) => {
                if let (Some(budget), None) = (&charges.budget, read) {
                    self.expect_body(&budget.policy, &request);
                }
                count(&plugin, charges)
            }
            Course::Tell(charges, inquiry) => {
                self.inquiry = Some(inquiry);
                count(&plugin, charges)
            }
            Course::AwaitBody(policy) => return self.await_body(policy, request),
        };
        self.go_on(counting, &request)
    }

    fn go_on(&mut self, counting: Counting, request: &HostRequest<'_>) -> Action {
        match counting {
            Counting::Decided(counted) => self.settle(counted, request),
            Counting::Waiting(waiting) => {
                self.stage = Stage::AwaitingRedis(waiting);
                Action::Pause
            }
        }
    }

    /// The one place where a request is passed or answered.
    fn settle(&mut self, counted: Counted, request: &HostRequest<'_>) -> Action {
        if counted.slots.is_some() {
            self.slots = counted.slots;
        }
        match counted.decision {
            Ok(_) if self.inquiry.is_some() => self.tell(request),
            Ok(passed) => {
                match counted.reserved {
                    Some(reserved) => {
                        self.watch();
                        self.meter = Some(Box::new(Meter::new(&self.plugin, *reserved)))
                    }
                    None => self.plugin.metrics.planned(self.plan, true),
                }
                self.mark(&counted.over);
                self.stage = Stage::Admitted(passed, self.wall());
                Action::Continue
            }
            Err(refusal) => {
                self.plugin.metrics.planned(self.plan, false);
                self.refuse(&refusal, request)
            }
        }
    }

    /// The time of the calendar, where the client is told it.
    fn wall(&self) -> Option<u64> {
        let read = self.feedback.tells_wall_time().then(host::wall)?;
        read.map_err(|failure| log::error!("the time could not be told: {failure}"))
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
                if self.phase == Phase::Request {
                    host::set_request_header(OVER, &tags.join(", "));
                }
            }
            (None, Some(shadow)) => host::note(&format!("shadow:{}", shadow.name)),
            (None, None) => host::note("allowed"),
        }
    }

    fn release(&mut self) {
        if let Some(slots) = self.slots.take() {
            self.plugin.pages.release(*slots, &self.plugin.metrics);
        }
    }
}

/// Names the limits in tag mode that a request is over.
const OVER: &str = "x-tollgate-over";

// === impl Unconfigured ===

impl Context for Unconfigured {}

impl HttpContext for Unconfigured {
    fn on_http_request_headers(&mut self, _count: usize, _end: bool) -> Action {
        self.send_http_response(503, Vec::new(), None);
        Action::Pause
    }
}
