//! Which route a request takes, and so which limits it meets.
//!
//! The first route that fits wins, and the last one fits everything. Two rules
//! keep a spelling from leaving a limited route for a freer one: paths are
//! matched in their normal form, and a route without limits takes only what is
//! written in that form already.

mod host;
mod matcher;
mod path;
mod status;
mod template;

pub use host::HostPattern;
pub use matcher::{HeaderMatch, Matcher, ModelPattern, PathMatch};
pub use path::NormalPath;
pub use status::StatusPath;
pub use template::{InvalidTemplate, Template};

use std::rc::Rc;

use crate::client::{ClientFrom, PathParams, PlanIndex};
use crate::feedback::Feedback;
use crate::limit::{Cost, Limit};
use crate::request::{Body, Model, Request};
use crate::tokens::Policy;

/// A route: what fits it, and what a request on it is charged.
#[derive(Debug)]
pub struct Route {
    /// What a request must show.
    pub matcher: Matcher,
    /// What a request takes from each limit in requests.
    pub cost: Cost,
    /// The limits.
    pub tiers: Tiers,
    /// What its clients are told.
    pub feedback: Rc<Feedback>,
    /// How tokens are counted, where some limit counts them or the route says so.
    pub tokens: Option<Rc<Policy>>,
}

/// The limits of a route for the clients of each plan.
#[derive(Debug)]
pub struct Tiers {
    /// For those without a plan.
    pub own: Tier,
    /// For each plan, by its index.
    pub plans: Vec<Tier>,
}

/// The limits of a route for the clients of one plan.
#[derive(Debug)]
pub struct Tier {
    /// The limits, those that find the client alike together. Empty: unlimited.
    pub groups: Vec<LimitGroup>,
    /// Whether some of them count tokens.
    pub counts_tokens: bool,
    /// Whether some of them find their client in the body.
    pub needs_body: bool,
    /// `RateLimit-Policy` for a request that meets every one of them.
    pub policy: Rc<str>,
}

/// The limits of a route that find the client by the same sources.
#[derive(Debug)]
pub struct LimitGroup {
    /// Who the client is.
    pub client_from: Rc<ClientFrom>,
    /// Those that this gateway counts, in the route's order.
    pub local: Vec<Rc<Limit>>,
    /// Those that Redis counts, likewise.
    pub cluster: Vec<Rc<Limit>>,
}

/// All routes of a configuration, in order.
#[derive(Debug)]
pub struct Routes {
    listed: Vec<Route>,
    last: Route,
}

/// The route of a request, with the path it was found by.
#[derive(Debug)]
pub struct Matched<'a> {
    /// The route.
    pub route: &'a Route,
    /// The request's path in normal form.
    pub path: NormalPath<'a>,
}

/// What comes of looking for a request's route.
#[derive(Debug)]
pub enum Found<'a> {
    /// It has this one.
    Route(Matched<'a>),
    /// That depends on the model that its body asks for: this is the first route
    /// that it may have.
    AtBody(&'a Route),
    /// Its body asks for two models, one of which may have a freer route.
    Ambiguous,
}

/// How far a request fits a route.
enum Fit {
    Yes,
    No,
    /// The body has to be read first.
    AtBody,
    /// It asks for two models.
    Ambiguous,
    /// It is not understood, and so fits only the last route.
    Unreadable,
}

// === impl Routes ===

impl Routes {
    /// The routes before the last one, and the last one, which takes every
    /// request that reaches it.
    pub fn new(listed: Vec<Route>, last: Route) -> Self {
        Self { listed, last }
    }

    /// The route of this request.
    pub fn find<'a, R: Request>(&'a self, request: &'a R) -> Found<'a> {
        if self.listed.is_empty() {
            // Nothing to match, so the path need not be read.
            return Found::Route(Matched::nowhere(&self.last));
        }
        let path = NormalPath::of(request.path());
        for route in &self.listed {
            match route.fits(request, &path) {
                Fit::Yes => return Found::Route(Matched { route, path }),
                Fit::No => {}
                Fit::AtBody => return Found::AtBody(route),
                Fit::Ambiguous => return Found::Ambiguous,
                Fit::Unreadable => break,
            }
        }
        let route = &self.last;
        Found::Route(Matched { route, path })
    }

    /// The route that takes what no other one does.
    pub fn last(&self) -> &Route {
        &self.last
    }

    /// Every route, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.listed.iter().chain(std::iter::once(&self.last))
    }
}

// === impl Tiers ===

impl Tiers {
    /// The limits for this plan, or none.
    pub fn of(&self, plan: Option<PlanIndex>) -> &Tier {
        plan.and_then(|PlanIndex(plan)| self.plans.get(plan))
            .unwrap_or(&self.own)
    }
}

// === impl LimitGroup ===

impl LimitGroup {
    /// A group without limits.
    pub fn new(client_from: Rc<ClientFrom>) -> Self {
        Self {
            client_from,
            local: Vec::new(),
            cluster: Vec::new(),
        }
    }

    /// Adds a limit to those that are counted where it is.
    pub fn add(&mut self, limit: Rc<Limit>) {
        match limit.cluster() {
            None => self.local.push(limit),
            Some(_) => self.cluster.push(limit),
        }
    }

    /// All limits of the group.
    pub fn limits(&self) -> impl Iterator<Item = &Rc<Limit>> {
        self.local.iter().chain(&self.cluster)
    }
}

// === impl Matched ===

impl<'a> Matched<'a> {
    /// A route without a path to it: a request that this gateway answers itself.
    pub fn nowhere(route: &'a Route) -> Self {
        Self {
            route,
            path: NormalPath::Ambiguous,
        }
    }
}

impl PathParams for Matched<'_> {
    fn path_param(&self, name: &str) -> Option<&[u8]> {
        let template = self
            .route
            .matcher
            .path
            .as_ref()
            .and_then(PathMatch::template)?;
        match &self.path {
            NormalPath::Normal { path, .. } => template.variable(name, path),
            NormalPath::Ambiguous => None,
        }
    }
}

// === impl Route ===

impl Route {
    /// Whether requests on this route meet no limit, whatever their plan.
    pub fn is_unlimited(&self) -> bool {
        self.tiers.own.groups.is_empty()
    }

    fn fits<R: Request>(&self, request: &R, path: &NormalPath<'_>) -> Fit {
        let fits = match path {
            NormalPath::Ambiguous => false,
            NormalPath::Normal { as_written, .. } if self.is_unlimited() && !as_written => false,
            NormalPath::Normal { path, .. } => {
                self.matcher.fits(request, path, self.is_unlimited())
            }
        };
        match &self.matcher.model {
            _ if !fits => Fit::No,
            None => Fit::Yes,
            Some(pattern) => fits_model(pattern, request.body()),
        }
    }
}

fn fits_model(pattern: &ModelPattern, body: Body<'_>) -> Fit {
    match body {
        Body::Coming => Fit::AtBody,
        Body::Read(Model::One(name)) if pattern.matches(name) => Fit::Yes,
        Body::Read(Model::Several) => Fit::Ambiguous,
        Body::Read(Model::Unreadable) => Fit::Unreadable,
        Body::Read(Model::One(_) | Model::None) | Body::None => Fit::No,
    }
}
