//! What is to be done with a request, before any store is asked.
//!
//! Pure: the whole way from headers to charges, for the filter as for a test
//! without Envoy.

mod budget;
mod caller;
mod charges;
mod cluster;

pub use budget::Budget;
pub use charges::{Charges, Turn};
pub use cluster::ClusterCharge;

use std::rc::Rc;

use crate::client::{ClientId, Plan, PlanIndex};
use crate::config::Config;
use crate::feedback::{Feedback, Refusal};
use crate::limit::Cost;
use crate::request::{Body, Request};
use crate::route::{Found, Matched, Route, StatusPath};
use crate::table::TableKey;
use crate::tokens::{Policy, RequestScanner};
use caller::Caller;

/// What a request comes to.
#[derive(Debug)]
pub struct Admission {
    /// The plan of whoever calls.
    pub plan: Plan,
    /// Whoever calls, where the access log is to be told.
    pub logged: Option<ClientId>,
    /// What the client is to be told: as its route says, or the top where it
    /// asks where it stands.
    pub feedback: Rc<Feedback>,
    /// What is to be done.
    pub course: Course,
}

/// What is to be done with a request.
#[derive(Debug)]
pub enum Course {
    /// Pass it: no limit applies.
    Pass,
    /// Refuse it, whatever the limits would say.
    Refuse(Refusal),
    /// Ask the limits, at least one.
    Charge(Charges),
    /// Ask these limits, if any, and then tell the client where it stands.
    Tell(Charges, Box<Inquiry>),
    /// Read the body, and ask again: only it says which limits the request meets,
    /// or the operator wants one decision on all of it.
    AwaitBody(Rc<Policy>),
}

/// A request that asks where its client stands.
#[derive(Debug)]
pub struct Inquiry {
    /// The client's plan.
    pub plan: Option<Rc<str>>,
    /// What it asks after.
    pub shown: Charges,
}

/// What all of a request's charges are found by.
struct Case<'a, R> {
    config: &'a Config,
    key: &'a TableKey,
    request: &'a R,
    matched: Matched<'a>,
    caller: Caller<'a>,
    /// The body, once it is read.
    read: Option<&'a RequestScanner>,
}

// === impl Admission ===

impl Admission {
    /// Finds the request's route, its client and so its charges. `read`: what was
    /// read of its body, once all of it was.
    pub fn of<R: Request>(
        config: &Config,
        key: &TableKey,
        request: &R,
        read: Option<&RequestScanner>,
    ) -> Self {
        let asks = |status: &&StatusPath| status.fits(request);
        let status = config.status.as_ref().filter(asks);
        let matched = match status {
            Some(_) => Matched::nowhere(config.routes.last()),
            None => match config.routes.find(request) {
                Found::Route(matched) => matched,
                Found::AtBody(route) => return Self::at_body(route),
                Found::Ambiguous => {
                    let course = Course::Refuse(Refusal::AmbiguousModel);
                    return Self::of_nobody(&config.feedback, course);
                }
            },
        };
        let route = matched.route;
        if status.is_none()
            && request.body() == Body::Coming
            && config.waits_for_body(route, request)
        {
            return Self::at_body(route);
        }
        let feedback = match status {
            Some(_) => &config.feedback,
            None => &route.feedback,
        };
        let caller = match Caller::of(config, request, &matched) {
            Ok(caller) => caller,
            Err(refusal) => return Self::of_nobody(feedback, Course::Refuse(refusal)),
        };
        let feedback = feedback.clone();
        let plan = caller.plan;
        let logged = caller.id().filter(|_| config.log_client).cloned();
        let case = Case {
            config,
            key,
            request,
            matched,
            caller,
            read,
        };
        let course = match status {
            Some(status) => case.tell(status).unwrap_or_else(Course::Refuse),
            None => case.charge(),
        };
        Self {
            plan,
            logged,
            feedback,
            course,
        }
    }

    /// A request whose body is to be read first. `route` is the one that it has, or
    /// the first of those that it may have.
    fn at_body(route: &Route) -> Self {
        let policy = route.tokens.clone().unwrap_or_default();
        Self::of_nobody(&route.feedback, Course::AwaitBody(policy))
    }

    /// A request whose caller is not known, or not yet.
    fn of_nobody(feedback: &Rc<Feedback>, course: Course) -> Self {
        Self {
            plan: Plan::None,
            logged: None,
            feedback: feedback.clone(),
            course,
        }
    }
}

// === impl Case ===

impl<R: Request> Case<'_, R> {
    fn charge(&self) -> Course {
        let route = self.matched.route;
        let budget = Budget::of(route, self.request, self.read);
        match Charges::of(self, route.tiers.of(self.plan()), route.cost, budget) {
            Ok(charges) if charges.is_empty() => Course::Pass,
            Ok(charges) => Course::Charge(charges),
            Err(refusal) => Course::Refuse(refusal),
        }
    }

    fn tell(&self, status: &StatusPath) -> Result<Course, Refusal> {
        let of = |tier| Charges::of(self, tier, Cost::MIN, None);
        let charged = of(status.charged.of(self.plan()))?;
        let shown = of(status.shown.of(self.plan()))?.enforced();
        let name = |PlanIndex(plan)| self.config.plans.get(plan).cloned();
        let plan = self.plan().and_then(name);
        Ok(Course::Tell(charged, Box::new(Inquiry { plan, shown })))
    }

    fn plan(&self) -> Option<PlanIndex> {
        self.caller.plan.index()
    }
}
