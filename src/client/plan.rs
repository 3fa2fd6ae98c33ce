//! Which plan a caller is on: what the operator says of the client, or else
//! what a place says that no client can write.

use std::borrow::Cow;
use std::rc::Rc;

use super::{ClientId, Clients};
use crate::request::{AttributePath, Request};

/// One of the configuration's plans, by its place among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlanIndex(pub usize);

/// Where the name of a plan may stand for clients that the table gives none.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PlanFrom {
    /// The sources, in order.
    pub sources: Vec<PlanSource>,
}

/// A place that may name a plan, and that no client can write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanSource {
    /// An Envoy attribute, such as a claim that Envoy has verified.
    Attribute(AttributePath),
    /// The same plan for all who come to it.
    Constant(Box<str>),
}

/// The plan of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// None: the limits hold as they stand.
    None,
    /// One of the configuration's.
    Of(PlanIndex),
    /// A name that the configuration does not have, which counts as none.
    Unknown,
}

/// Finds the plan of a caller, where there is one. `names` are the plans' names,
/// each at its own index.
pub fn plan_of<R: Request>(
    caller: Option<&ClientId>,
    request: &R,
    clients: &Clients,
    from: &PlanFrom,
    names: &[Rc<str>],
) -> Plan {
    if let Some(index) = caller.and_then(|caller| clients.plan(caller)) {
        return Plan::Of(index);
    }
    let Some(found) = from.find(request) else {
        return Plan::None;
    };
    let index = names.iter().position(|name| name.as_bytes() == &*found);
    index.map_or(Plan::Unknown, |index| Plan::Of(PlanIndex(index)))
}

// === impl Plan ===

impl Plan {
    /// The plan, if there is one.
    pub fn index(self) -> Option<PlanIndex> {
        match self {
            Self::Of(index) => Some(index),
            Self::None | Self::Unknown => None,
        }
    }
}

// === impl PlanFrom ===

impl PlanFrom {
    /// The name that the first source yields that yields one at all.
    pub fn find<R: Request>(&self, request: &R) -> Option<Cow<'_, [u8]>> {
        let mut names = self.sources.iter().filter_map(|source| match source {
            PlanSource::Attribute(path) => request.attribute(path).map(Cow::Owned),
            PlanSource::Constant(name) => Some(name.as_bytes().into()),
        });
        names.find(|name| !name.is_empty())
    }
}
