//! `routes`: what fits, and which limits it meets.

use std::num::NonZeroU32;
use std::rc::Rc;

use super::feedback;
use super::limits::{Limits, NamedLimit, Planned};
use super::matching::{self, Variables};
use super::name::one_of;
use super::object::Object;
use super::tokens;
use super::value::Value;
use crate::feedback::{policy, Feedback};
use crate::limit::{Cost, Kind, Limit, Scope};
use crate::route::{LimitGroup, Matcher, Route, Routes, Tier, Tiers};

/// All limits on every request: what a configuration without `routes` means.
pub(super) fn default(
    top: &Object<'_>,
    limits: &Limits,
    feedback: Option<&Rc<Feedback>>,
) -> Option<Routes> {
    let limits: Vec<&NamedLimit> = limits.sound.iter().collect();
    if limits.len() > MAX_LIMITS {
        let expected = format!("at most {MAX_LIMITS} limits, or routes that choose among them");
        return top
            .optional("limits")?
            .unexpected_names(expected, limits.len().to_string());
    }
    let route = Route {
        matcher: Matcher::default(),
        cost: Cost::MIN,
        tiers: tiers(&limits),
        feedback: feedback?.clone(),
        tokens: tokens::read(None, Some(&limits))?,
    };
    Some(Routes::new(Vec::new(), route))
}

/// Reads `routes`. `None` where there is any error in them.
pub(super) fn read(
    routes: &Value<'_>,
    limits: &Limits,
    feedback: Option<&Rc<Feedback>>,
    variables: &mut Variables,
) -> Option<Routes> {
    let items = routes.filled_list("a list of routes, the last with \"match\": {}")?;
    let (last, before) = items.split_last()?;
    let mut reader = RouteReader {
        limits,
        feedback,
        variables,
        names: Vec::new(),
    };
    let listed: Vec<Option<Route>> = before
        .iter()
        .map(|item| reader.route(item, Place::Before))
        .collect();
    let last = reader.route(last, Place::Last);
    let listed: Option<Vec<Route>> = listed.into_iter().collect();
    Some(Routes::new(listed?, last?))
}

/// Reads routes, and remembers what they have named so far.
struct RouteReader<'r, 'v> {
    limits: &'r Limits,
    /// What the top says; `None` where that is an error.
    feedback: Option<&'r Rc<Feedback>>,
    variables: &'r mut Variables,
    names: Vec<&'v str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    Last,
}

// === impl RouteReader ===

impl<'r, 'v> RouteReader<'r, 'v> {
    fn route(&mut self, value: &Value<'v>, place: Place) -> Option<Route> {
        let object = value.object("a route, such as {\"match\": {}, \"limits\": [\"rpm\"]}")?;
        if let Some(name) = object.optional("name") {
            self.name(&name);
        }
        let cost = match object.optional("cost") {
            Some(cost) => cost.whole_number(1..=u32::MAX).and_then(NonZeroU32::new),
            None => Some(Cost::MIN),
        };
        let matcher = object
            .required("match", "conditions, or {} for every request")
            .and_then(|conditions| self.matcher(&conditions, place));
        let limits = object
            .required("limits", LIMITS)
            .and_then(|list| chosen(&list, self.limits, cost));
        let feedback = match object.optional("feedback") {
            Some(value) => self.feedback(&value),
            None => self.feedback.cloned(),
        };
        let tokens = tokens::read(object.optional("tokens").as_ref(), limits.as_deref());
        object.finish();
        Some(Route {
            matcher: matcher?,
            cost: cost?,
            tiers: tiers(&limits?),
            feedback: feedback?,
            tokens: tokens?,
        })
    }

    fn feedback(&self, value: &Value<'_>) -> Option<Rc<Feedback>> {
        let feedback = match self.feedback {
            Some(base) => feedback::read(value, base),
            // For its errors.
            None => feedback::read(value, &Feedback::default()),
        };
        feedback.map(Rc::new)
    }

    fn name(&mut self, value: &Value<'v>) {
        match value.name() {
            Some(name) if self.names.contains(&name) => {
                value.unexpected::<()>("a name that no other route has");
            }
            Some(name) => self.names.push(name),
            None => {}
        }
    }

    fn matcher(&mut self, value: &Value<'_>, place: Place) -> Option<Matcher> {
        let matcher = matching::read(value, self.variables)?;
        match (place, matcher.is_empty()) {
            (Place::Last, false) => value.unexpected_names(
                "{} in the last route, so that every request has one",
                "conditions",
            ),
            (Place::Before, true) => value.unexpected_names(
                "conditions in all routes but the last",
                "none, which hides the routes that follow",
            ),
            _ => Some(matcher),
        }
    }
}

/// Reads a list of limits by name.
pub(super) fn chosen<'r>(
    value: &Value<'_>,
    limits: &'r Limits,
    cost: Option<Cost>,
) -> Option<Vec<&'r NamedLimit>> {
    let items = value.list(LIMITS)?;
    if items.len() > MAX_LIMITS {
        let expected = format!("at most {MAX_LIMITS} limits");
        return value.unexpected_names(expected, items.len().to_string());
    }
    let mut chosen: Vec<Option<&NamedLimit>> = Vec::new();
    for item in &items {
        chosen.push(choose(item, limits, cost, &chosen));
    }
    chosen.into_iter().collect()
}

fn choose<'r>(
    value: &Value<'_>,
    limits: &'r Limits,
    cost: Option<Cost>,
    chosen: &[Option<&NamedLimit>],
) -> Option<&'r NamedLimit> {
    let name = value.string("the name of a limit")?;
    let Limits { sound, faulty, .. } = limits;
    if faulty.iter().any(|other| **other == *name) {
        return None;
    }
    let Some(named) = sound.iter().find(|named| *named.limit.name == *name) else {
        let names = sound.iter().map(|named| &*named.limit.name);
        let all = names.chain(faulty.iter().map(|name| &**name));
        return value.unexpected(format!("the name of a limit: {}", one_of(all)));
    };
    if chosen
        .iter()
        .flatten()
        .any(|other| Rc::ptr_eq(&other.limit, &named.limit))
    {
        return value.unexpected("each limit once");
    }
    let too_small = cost.and_then(|cost| {
        let mut variants = named.variants();
        let small = variants.find_map(|limit| Some((limit, too_small_for(cost, limit)?)));
        small.map(|(limit, size)| (cost, limit, size))
    });
    match too_small {
        Some((cost, limit, size)) => {
            let what = if limit.is_quota() { "quota" } else { "burst" };
            let place = match &limit.kind {
                Kind::Metered {
                    scope: Scope::Cluster(cluster),
                    ..
                } if cluster.share.is_none() => "",
                _ => ", in one gateway,",
            };
            let plan = match Rc::ptr_eq(limit, &named.limit) {
                true => "this one's",
                false => "under a plan this one's",
            };
            value.unexpected(format!(
                "a limit whose {what}{place} covers the route's cost of {cost} ({plan} is {size})"
            ))
        }
        None => Some(named),
    }
}

/// The most that one gateway may take of a limit, where that is less than this
/// cost.
fn too_small_for(cost: Cost, limit: &Limit) -> Option<u32> {
    let Kind::Metered {
        tokens: None,
        allowance,
        scope,
    } = &limit.kind
    else {
        return None;
    };
    let size = scope.here(allowance).size();
    (size < cost.get()).then_some(size)
}

/// Few enough for all of a client's entries to fit one page of the table.
const MAX_LIMITS: usize = 32;

const LIMITS: &str = "a list of limits by name, or [] for none";

/// These limits for the clients of each plan.
pub(super) fn tiers(limits: &[&NamedLimit]) -> Tiers {
    let plans = limits.iter().map(|named| named.plans.len()).max();
    let own = limits.iter().map(|named| (*named, Some(&named.limit)));
    let of_plan = |plan| {
        let limits = limits.iter().map(|named| {
            let limit = match named.plans.get(plan) {
                Some(Planned::Limit(limit)) => Some(limit),
                Some(Planned::Lifted) => None,
                Some(Planned::Own) | None => Some(&named.limit),
            };
            (*named, limit)
        });
        tier(limits)
    };
    Tiers {
        own: tier(own),
        plans: (0..plans.unwrap_or(0)).map(of_plan).collect(),
    }
}

/// The limits that the clients of one plan meet, or those without one.
fn tier<'l>(limits: impl Iterator<Item = (&'l NamedLimit, Option<&'l Rc<Limit>>)>) -> Tier {
    let mut groups: Vec<LimitGroup> = Vec::new();
    let mut met: Vec<&Limit> = Vec::new();
    for (named, limit) in limits {
        let Some(limit) = limit else { continue };
        met.push(limit);
        let alike = groups
            .iter()
            .position(|group| group.client_from == named.client_from);
        let group = match alike {
            Some(alike) => groups.get_mut(alike),
            None => {
                groups.push(LimitGroup::new(named.client_from.clone()));
                groups.last_mut()
            }
        };
        if let Some(group) = group {
            group.add(limit.clone());
        }
    }
    Tier {
        counts_tokens: met.iter().any(|limit| limit.tokens().is_some()),
        needs_body: groups.iter().any(|group| group.client_from.is_in_body()),
        policy: policy(met.into_iter()).into(),
        groups,
    }
}
