//! `limits`: named, each of one kind, and `plans`, which change them.

mod allowance;
mod defaults;
mod fields;
mod limit;
mod plans;
mod siblings;

use std::rc::Rc;

use super::json::quoted;
use super::name::{is_name, NAME};
use super::sources::Sources;
use super::value::Value;
use crate::client::{ClientFrom, Missing};
use crate::limit::Limit;
use crate::redis::FailurePolicy;
pub(super) use defaults::read;
use defaults::Defaults;
use fields::{Counted, Fields};
use limit::Identity;

/// A limit with the sources that find its clients.
pub(super) struct NamedLimit {
    pub(super) limit: Rc<Limit>,
    pub(super) client_from: Rc<ClientFrom>,
    /// What each plan makes of it.
    pub(super) plans: Vec<Planned>,
}

/// A limit under a plan.
#[derive(Debug, Clone)]
pub(super) enum Planned {
    /// As it stands.
    Own,
    /// With these parameters.
    Limit(Rc<Limit>),
    /// None: the plan lifts it.
    Lifted,
}

/// A limit as far as it could be read.
struct Draft<'a> {
    name: &'a str,
    index: usize,
    fields: Fields<'a>,
    client_from: Option<Rc<ClientFrom>>,
    /// `None` where there is an error in it.
    limit: Option<Rc<Limit>>,
    plans: Vec<Planned>,
}

/// The limits of a configuration.
#[derive(Default)]
pub(super) struct Limits {
    /// Those without an error.
    pub(super) sound: Vec<NamedLimit>,
    /// The names of the plans; `None` where these cannot be read.
    pub(super) plans: Option<Vec<Rc<str>>>,
    /// The names of those with one, so that a route may still name them.
    pub(super) faulty: Vec<Box<str>>,
    /// The names of those that find clients by the sources at the top.
    pub(super) without_sources: Vec<Box<str>>,
    /// The names of those that are shared by gateways.
    pub(super) shared: Vec<Box<str>>,
    /// The names of those that are counted in Redis.
    pub(super) cluster: Vec<Box<str>>,
    /// Whether there is a `gateways` that divides none of them.
    pub(super) unused_gateways: bool,
}

fn read_named<'a>(
    limits: &Value<'a>,
    plans: Option<&Value<'a>>,
    defaults: &Defaults,
    sources: &mut Sources<'_>,
) -> Limits {
    let expected = "an object of limits by name, such as {\"rpm\": {\"rate\": \"100/m\"}}";
    let mut read = Limits::default();
    let mut drafts: Vec<Draft<'a>> = Vec::new();
    let Some(object) = limits.object(expected) else {
        return read;
    };
    for (name, value) in object.members() {
        if !is_name(name) {
            value.unexpected_names::<()>(NAME, quoted(name));
        }
        match read.draft(name, drafts.len(), &value, defaults, sources) {
            Some(draft) => drafts.push(draft),
            None => read.faulty.push(name.into()),
        }
    }
    if drafts.is_empty() && read.faulty.is_empty() {
        limits.unexpected_names::<()>("at least one limit", "none");
    }
    read.plans = match plans {
        Some(plans) => plans::read(plans, &mut drafts, &read.faulty, defaults),
        None => Some(Vec::new()),
    };
    for mut draft in drafts {
        draft.share_state();
        match (draft.limit, draft.client_from) {
            (Some(limit), Some(client_from)) => read.sound.push(NamedLimit {
                limit,
                client_from,
                plans: draft.plans,
            }),
            _ => read.faulty.push(draft.name.into()),
        }
    }
    read
}

// === impl Draft ===

impl Draft<'_> {
    fn identity(&self) -> Identity<'_> {
        Identity {
            name: self.name,
            index: self.index,
            client_from: self.client_from.as_deref(),
        }
    }
}

// === impl NamedLimit ===

impl NamedLimit {
    /// Every limit that it may be: its own, and those of plans.
    pub(super) fn variants(&self) -> impl Iterator<Item = &Rc<Limit>> {
        let planned = self.plans.iter().filter_map(|planned| match planned {
            Planned::Limit(limit) => Some(limit),
            Planned::Own | Planned::Lifted => None,
        });
        std::iter::once(&self.limit).chain(planned)
    }
}

// === impl Limits ===

impl Limits {
    /// Those without an error, as they are without a plan.
    pub(super) fn limits(&self) -> impl Iterator<Item = &Rc<Limit>> {
        self.sound.iter().map(|named| &named.limit)
    }

    /// Reads a limit, and notes what it needs from elsewhere.
    fn draft<'a>(
        &mut self,
        name: &'a str,
        index: usize,
        value: &Value<'a>,
        defaults: &Defaults,
        sources: &mut Sources<'_>,
    ) -> Option<Draft<'a>> {
        let object = value.object("a limit, such as {\"rate\": \"100/m\"}")?;
        let fields = Fields::of(&object, value);
        let own = object.optional("client_from");
        object.finish();
        let client_from = match own {
            Some(own) => sources.list(&own).map(|sources| {
                Rc::new(ClientFrom {
                    sources,
                    missing: Missing::Unlimited,
                })
            }),
            None => {
                self.without_sources.push(name.into());
                defaults.client_from.clone()
            }
        };
        match fields.counted() {
            Some(Counted::Share) => self.shared.push(name.into()),
            // Slots in Redis are an error of their own.
            Some(Counted::Cluster) if fields.concurrency.is_none() => {
                self.cluster.push(name.into())
            }
            Some(Counted::Cluster | Counted::Local) | None => {}
        }
        let mut draft = Draft {
            name,
            index,
            fields,
            client_from,
            limit: None,
            plans: Vec::new(),
        };
        draft.limit = limit::read(&draft.fields, &draft.identity(), None, defaults).map(Rc::new);
        Some(draft)
    }

    /// Whether gateways share some limit, or have to where Redis does not answer.
    pub(super) fn are_divided(&self, on_failure: Option<FailurePolicy>) -> bool {
        let falls_back = on_failure.is_none_or(|policy| policy == FailurePolicy::Local);
        !self.shared.is_empty() || falls_back && !self.cluster.is_empty()
    }
}
