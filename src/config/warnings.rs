//! What is sound, but may not be what was meant.

use std::fmt;
use std::rc::Rc;

use super::limits::Limits;
use super::Config;
use crate::client::PlanIndex;
use crate::limit::{Allowance, Consistency, Kind, Limit, Scope};
use crate::redis::least_to_lend;
use crate::route::LimitGroup;

/// What an operator should look at twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// There are limited routes, but the last one is free.
    FreeLastRoute,
    /// No route has this limit.
    UnusedLimit(Rc<str>),
    /// No client can be on this plan.
    UnusedPlan(Rc<str>),
    /// No limit is shared by gateways, also not while Redis does not answer.
    UnusedGateways,
    /// No limit is counted in Redis.
    UnusedRedis,
    /// Routes are matched by Envoy's route, which a client's own
    /// `x-tollgate-over` may have chosen before it is removed.
    RouteBeforeTag,
    /// A limit that is too small to lend anything.
    NoRoomToLend {
        /// Its name.
        limit: Rc<str>,
        /// The field that is too small: its burst or its quota.
        field: &'static str,
        /// What that would have to be, units.
        least: u32,
    },
}

/// The warnings of a sound configuration.
pub(super) fn of(limits: &Limits, config: &Config) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let routes = &config.routes;
    let asking = config.status.as_ref().map(|status| &status.charged);
    let used = |name: &Rc<str>| {
        let tiers = routes.iter().map(|route| &route.tiers).chain(asking);
        let groups = tiers.flat_map(|tiers| &tiers.own.groups);
        let mut limits = groups.flat_map(LimitGroup::limits);
        limits.any(|limit| limit.name == *name)
    };
    let names = limits.limits().map(|limit| &limit.name);
    warnings.extend(
        names
            .filter(|name| !used(name))
            .cloned()
            .map(Warning::UnusedLimit),
    );
    warnings.extend(unused_plans(config).map(Warning::UnusedPlan));
    if limits.unused_gateways {
        warnings.push(Warning::UnusedGateways);
    }
    if config.redis.is_some() && limits.cluster.is_empty() {
        warnings.push(Warning::UnusedRedis);
    }
    warnings.extend(limits.limits().filter_map(|limit| no_room_to_lend(limit)));
    let mut matchers = routes.iter().map(|route| &route.matcher);
    if config.has_tags && matchers.any(|matcher| !matcher.attributes.is_empty()) {
        warnings.push(Warning::RouteBeforeTag);
    }
    let some_limited = routes.iter().any(|route| !route.is_unlimited());
    if routes.last().is_unlimited() && some_limited {
        warnings.push(Warning::FreeLastRoute);
    }
    warnings
}

/// The plans that the table gives nobody, where nothing else chooses one.
fn unused_plans(config: &Config) -> impl Iterator<Item = Rc<str>> + '_ {
    let plans = config.plans.iter().zip((0..).map(PlanIndex));
    let unused = plans.filter(|(_, plan)| {
        let chosen = config.clients.plans().any(|chosen| chosen == *plan);
        !chosen && config.plan_from.sources.is_empty()
    });
    unused.map(|(name, _)| name.clone())
}

fn no_room_to_lend(limit: &Limit) -> Option<Warning> {
    let Kind::Metered {
        allowance,
        scope: Scope::Cluster(cluster),
        ..
    } = &limit.kind
    else {
        return None;
    };
    let least = least_to_lend(allowance);
    if cluster.consistency != Consistency::Lease || allowance.size() >= least {
        return None;
    }
    Some(Warning::NoRoomToLend {
        limit: limit.name.clone(),
        field: match allowance {
            Allowance::Bucket(_) => "burst",
            Allowance::Quota(_) => "quota",
        },
        least,
    })
}

// === impl Warning ===

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FreeLastRoute => f.write_str(
                "routes: the last one has no limits, so a path that servers read differently, \
                 such as /v1%2Fchat, meets none",
            ),
            Self::UnusedLimit(name) => write!(f, "limits.{name}: no route applies it"),
            Self::UnusedPlan(name) => write!(
                f,
                "plans.{name}: no client in \"clients\" is on it, and there is no \"plan_from\""
            ),
            Self::UnusedGateways => f.write_str(
                "gateways: no limit is divided by it, which needs \"scope\": \"share\", or \
                 \"scope\": \"cluster\" with \"on_failure\": \"local\"",
            ),
            Self::UnusedRedis => {
                f.write_str("redis: no limit has \"scope\": \"cluster\", so it is never asked")
            }
            Self::RouteBeforeTag => f.write_str(
                "routes: \"route_name\" and \"route_metadata\" are of the route that Envoy chose \
                 before a client's own x-tollgate-over was removed, so a client may choose it: \
                 match paths, or have Envoy remove the header first \
                 (early_header_mutation_extensions)",
            ),
            Self::NoRoomToLend {
                limit,
                field,
                least,
            } => write!(
                f,
                "limits.{limit}: a {field} below {least} lends nothing, so Redis is asked for \
                 every request"
            ),
        }
    }
}
