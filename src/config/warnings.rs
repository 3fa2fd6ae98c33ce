//! What is sound, but may not be what was meant.

use std::fmt;
use std::rc::Rc;

use super::limits::Limits;
use crate::limit::{Cluster, Consistency};
use crate::redis::LEAST_TO_LEND;
use crate::route::{LimitGroup, Routes};

/// What an operator should look at twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// There are limited routes, but the last one is free.
    FreeLastRoute,
    /// No route has this limit.
    UnusedLimit(Rc<str>),
    /// No limit is shared by gateways, also not while Redis does not answer.
    UnusedGateways,
    /// No limit is counted in Redis.
    UnusedRedis,
    /// A limit whose bucket is too small to lend anything.
    NoRoomToLend(Rc<str>),
}

/// The warnings of a sound configuration.
pub(super) fn of(limits: &Limits, redis: bool, routes: &Routes) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let used = |name: &Rc<str>| {
        let groups = routes.iter().flat_map(|route| &route.tiers.own.groups);
        let mut limits = groups.flat_map(LimitGroup::limits);
        limits.any(|limit| limit.name == *name)
    };
    let names = limits.sound.iter().map(|named| &named.limit.name);
    warnings.extend(
        names
            .filter(|name| !used(name))
            .cloned()
            .map(Warning::UnusedLimit),
    );
    if limits.unused_gateways {
        warnings.push(Warning::UnusedGateways);
    }
    if redis && limits.cluster.is_empty() {
        warnings.push(Warning::UnusedRedis);
    }
    let sound = limits.sound.iter().map(|named| &named.limit);
    let too_small = sound.filter(|limit| {
        let lease = |cluster: &Cluster| cluster.consistency == Consistency::Lease;
        limit.cluster().is_some_and(lease) && limit.size() < LEAST_TO_LEND
    });
    warnings.extend(too_small.map(|limit| Warning::NoRoomToLend(limit.name.clone())));
    let some_limited = routes.iter().any(|route| !route.is_unlimited());
    if routes.last().is_unlimited() && some_limited {
        warnings.push(Warning::FreeLastRoute);
    }
    warnings
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FreeLastRoute => f.write_str(
                "routes: the last one has no limits, so a path that servers read differently, \
                 such as /v1%2Fchat, meets none",
            ),
            Self::UnusedLimit(name) => write!(f, "limits.{name}: no route applies it"),
            Self::UnusedGateways => f.write_str(
                "gateways: no limit is divided by it, which needs \"scope\": \"share\", or \
                 \"scope\": \"cluster\" with \"on_failure\": \"local\"",
            ),
            Self::UnusedRedis => {
                f.write_str("redis: no limit has \"scope\": \"cluster\", so it is never asked")
            }
            Self::NoRoomToLend(name) => write!(
                f,
                "limits.{name}: a burst below {LEAST_TO_LEND} lends nothing, so Redis is asked \
                 for every request"
            ),
        }
    }
}
