//! One request in Envoy's callbacks.

use std::rc::Rc;

use log::error;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::admission::Admission;
use crate::feedback::Refusal;
use crate::host::{self, HostRequest, Uncounted};
use crate::limit::{Standing, Verdict};
use crate::root::Plugin;

/// The filter's side of one request.
pub(crate) struct Filter {
    plugin: Rc<Plugin>,
    stage: Stage,
}

/// How far the request has come.
enum Stage {
    /// Nothing is decided.
    Start,
    /// It passes.
    Admitted(Passed),
    /// It was answered here. Envoy takes that answer through the response
    /// callbacks too, where it is to be left as it is.
    Replied,
}

/// What the response to a request that passes is to show.
enum Passed {
    /// No limit applied: nothing, nor what the upstream has to say.
    Unlimited,
    /// Where the client stands, in place of the upstream's own headers.
    Limited { tightest: Standing, policy: Rc<str> },
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

    fn decide(&self) -> Result<Passed, Refusal> {
        let Plugin {
            config,
            key,
            pages,
            metrics,
        } = &*self.plugin;
        let request = HostRequest::default();
        let admission = Admission::of(config, key, &request);
        if let Some(failure) = request.failure() {
            return Err(self.uncounted(&Uncounted::Host(failure)));
        }
        let (charges, policy) = match admission {
            Admission::Unlimited => return Ok(Passed::Unlimited),
            Admission::Refused(refusal) => return Err(refusal),
            Admission::Charge { pages, policy } => (pages, policy),
        };
        match pages.charge(&charges, metrics) {
            Ok(Verdict::Allowed(tightest)) => {
                let charges = charges.iter().flat_map(|page| &page.charges);
                charges.for_each(|charge| metrics.allowed(&charge.limit));
                Ok(match tightest {
                    Some(tightest) => Passed::Limited { tightest, policy },
                    None => Passed::Unlimited,
                })
            }
            Ok(Verdict::Denied(denial)) => {
                denial
                    .violated
                    .iter()
                    .for_each(|limit| metrics.denied(limit));
                Err(Refusal::Denied(denial))
            }
            Err(uncounted) => Err(self.uncounted(&uncounted)),
        }
    }

    fn uncounted(&self, uncounted: &Uncounted) -> Refusal {
        if let Uncounted::Host(failure) = uncounted {
            error!("a request could not be counted: {failure}");
        }
        self.plugin.metrics.conflict();
        Refusal::Uncounted
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

impl Context for Filter {}

impl HttpContext for Filter {
    fn on_http_request_headers(&mut self, _count: usize, _end: bool) -> Action {
        let decision = self.decide();
        self.settle(decision)
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
            Stage::Start | Stage::Replied => {}
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
