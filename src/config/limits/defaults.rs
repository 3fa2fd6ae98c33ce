//! What stands at the top of the configuration for all limits.

use std::num::NonZeroU32;
use std::rc::Rc;

use super::Limits;
use crate::client::{ClientFrom, Missing};
use crate::config::name::all_of;
use crate::config::object::Object;
use crate::config::redis::Redis;
use crate::config::sources::Sources;
use crate::config::value::Value;
use crate::redis::FailurePolicy;

/// What stands at the top for all limits; `None` where it is missing or wrong.
pub(super) struct Defaults {
    pub(super) client_from: Option<Rc<ClientFrom>>,
    pub(super) gateways: Option<NonZeroU32>,
    /// What decides where Redis does not.
    pub(super) on_failure: Option<FailurePolicy>,
    /// Stands for the text of the configuration.
    pub(super) version: u64,
}

/// Reads `limits` and `plans`, and what stands at the top for all of them. Also
/// returns the sources that say who calls.
pub(in super::super) fn read(
    top: &Object<'_>,
    redis: Option<&Option<Redis<'_>>>,
    version: u64,
    sources: &mut Sources<'_>,
) -> (Option<Rc<ClientFrom>>, Limits) {
    let missing_value = top.optional("missing");
    let missing = match &missing_value {
        Some(missing) => missing.choice(&[
            ("shared", Missing::Shared),
            ("deny", Missing::Deny),
            ("unlimited", Missing::Unlimited),
        ]),
        None => Some(Missing::Shared),
    };
    let client_from = top.optional("client_from");
    let gateways = gateways(top, redis);
    let defaults = Defaults {
        client_from: client_from
            .as_ref()
            .and_then(|value| sources.at_the_top(value))
            .zip(missing)
            .map(|(sources, missing)| Rc::new(ClientFrom { sources, missing })),
        gateways: gateways
            .as_ref()
            .and_then(|value| value.whole_number(1..=u32::MAX))
            .and_then(NonZeroU32::new),
        on_failure: match redis {
            Some(redis) => redis.as_ref().and_then(|redis| redis.on_failure),
            None => None,
        },
        version,
    };
    let Some(limits) = top.required("limits", "an object of limits by name") else {
        return (None, Limits::default());
    };
    let plans = top.optional("plans");
    let mut limits = super::read_named(&limits, plans.as_ref(), &defaults, sources);

    let names = |limits: &[Box<str>]| all_of(limits.iter().map(|name| &**name));
    if !limits.without_sources.is_empty() {
        if client_from.is_none() {
            let names = names(&limits.without_sources);
            let expected = format!("a list of sources, for limits without their own: {names}");
            top.missing("client_from", expected);
            sources.lack_those_at_the_top();
        }
    } else if let (Some(unused), []) = (missing_value, limits.faulty.as_slice()) {
        let expected = "a limit without sources of its own, which would use this";
        unused.unexpected_names::<()>(expected, "none");
    }
    if redis.is_none() && !limits.cluster.is_empty() {
        let names = names(&limits.cluster);
        top.missing(
            "redis",
            format!("how Redis is reached, which counts {names}"),
        );
    }
    limits.unused_gateways = gateways.is_some() && !limits.are_divided(defaults.on_failure);
    if gateways.is_none() {
        if !limits.shared.is_empty() {
            let names = names(&limits.shared);
            top.missing(
                "gateways",
                format!("the number of gateways that share {names}"),
            );
        } else if let Some(FailurePolicy::Local) =
            defaults.on_failure.filter(|_| !limits.cluster.is_empty())
        {
            let names = names(&limits.cluster);
            top.missing(
                "gateways",
                format!(
                    "the number of gateways, each of which enforces its share of {names} while \
                     Redis does not answer (or an \"on_failure\" other than \"local\")"
                ),
            );
        }
    }
    (defaults.client_from, limits)
}

/// `gateways`, which stands at the top or in `redis`.
fn gateways<'a>(top: &Object<'a>, redis: Option<&Option<Redis<'a>>>) -> Option<Value<'a>> {
    let at_the_top = top.optional("gateways");
    let in_redis = redis
        .and_then(Option::as_ref)
        .and_then(|redis| redis.gateways.clone());
    if let (Some(_), Some(again)) = (&at_the_top, &in_redis) {
        again.unexpected_names::<()>("gateways at the top or here", "both");
    }
    at_the_top.or(in_redis)
}
