//! One limit.

use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;
use std::rc::Rc;

use siphasher::sip::SipHasher13;

use super::bucket::{read_rate, Buckets, RATE};
use super::{Defaults, Limits, NamedLimit};
use crate::client::{ClientFrom, Missing};
use crate::config::object::Object;
use crate::config::sources::Sources;
use crate::config::value::Value;
use crate::limit::{Cluster, Consistency, Limit, Scope, TokenBucket};
use crate::redis::{self, FailurePolicy};

/// Where a limit is to be counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Local,
    Share,
    Cluster,
}

/// Reads a limit, and notes in `limits` what it needs from elsewhere.
pub(super) fn read(
    name: &str,
    value: &Value<'_>,
    defaults: &Defaults,
    sources: &mut Sources<'_>,
    limits: &mut Limits,
) -> Option<NamedLimit> {
    let object = value.object("a limit, such as {\"rate\": \"100/m\"}")?;
    let rate_value = object.optional("rate");
    let burst_value = object.optional("burst");
    let later = object.later(&["quota", "per", "offset", "concurrency", "timeout"]);
    let supported = refuse_later(&object);
    let counted = read_counted(&object);
    let consistency = read_consistency(&object, counted);
    let own = object.optional("client_from");
    if rate_value.is_none() && !later {
        object.missing("rate", RATE);
    }
    object.finish();

    let client_from = match own {
        Some(own) => sources.list(&own).map(|sources| {
            Rc::new(ClientFrom {
                sources,
                missing: Missing::Unlimited,
            })
        }),
        None => {
            limits.without_sources.push(name.into());
            defaults.client_from.clone()
        }
    };
    match counted {
        Some(Counted::Share) => limits.shared.push(name.into()),
        Some(Counted::Cluster) => limits.cluster.push(name.into()),
        Some(Counted::Local) | None => {}
    }
    let rate = rate_value.as_ref().and_then(read_rate);
    let burst = match &burst_value {
        Some(burst) => burst.whole_number(1..=u32::MAX).and_then(NonZeroU32::new),
        None => rate.map(|rate| rate.amount),
    };
    supported?;
    let buckets = Buckets {
        rate: rate?,
        burst: burst?,
        value: rate_value.as_ref()?,
    };
    let counted = counted?;
    let bucket = match counted {
        Counted::Local | Counted::Cluster => buckets.divided_by(NonZeroU32::MIN)?,
        Counted::Share => buckets.divided_by(defaults.gateways?)?,
    };
    let client_from = client_from?;
    let belongs_to = format!(
        "token bucket, requests, {name}, {}",
        client_from.signature()
    );
    let tag = hash(&belongs_to);
    let scope = match counted {
        Counted::Local | Counted::Share => Scope::Gateway,
        Counted::Cluster => {
            let burst_value = burst_value.as_ref().unwrap_or(buckets.value);
            Scope::Cluster(Cluster {
                consistency: consistency?,
                share: share(&buckets, burst_value, defaults)?,
                key: redis::limit_key(name, &belongs_to).into(),
                denials: hash(&(tag, defaults.version)),
            })
        }
    };
    let limit = Rc::new(Limit {
        name: name.into(),
        index: limits.sound.len(),
        tag,
        bucket,
        scope,
    });
    Some(NamedLimit { limit, client_from })
}

/// `None` where the limit asks for what a later version will bring.
fn refuse_later(object: &Object<'_>) -> Option<()> {
    let unit = object.optional("unit").map(|unit| {
        unit.choice(&[
            ("requests", Some(())),
            ("tokens", None),
            ("input_tokens", None),
            ("output_tokens", None),
        ])
    });
    let mode = object
        .optional("mode")
        .map(|mode| mode.choice(&[("enforce", Some(())), ("shadow", None), ("tag", None)]));
    unit.unwrap_or(Some(())).and(mode.unwrap_or(Some(())))
}

fn read_counted(object: &Object<'_>) -> Option<Counted> {
    let Some(scope) = object.optional("scope") else {
        return Some(Counted::Local);
    };
    scope.choice(&[
        ("local", Some(Counted::Local)),
        ("share", Some(Counted::Share)),
        ("cluster", Some(Counted::Cluster)),
    ])
}

fn read_consistency(object: &Object<'_>, counted: Option<Counted>) -> Option<Consistency> {
    let Some(value) = object.optional("consistency") else {
        return Some(Consistency::Strict);
    };
    let consistency = value.choice(&[
        ("strict", Some(Consistency::Strict)),
        ("lease", Some(Consistency::Lease)),
    ]);
    if counted.is_some_and(|counted| counted != Counted::Cluster) {
        return value.unexpected_names("\"scope\": \"cluster\" beside it", "another scope");
    }
    consistency
}

/// The bucket of one gateway while Redis does not answer. `None` where it is
/// wrong, `Some(None)` where something else decides then.
fn share(
    buckets: &Buckets<'_, '_>,
    burst_value: &Value<'_>,
    defaults: &Defaults,
) -> Option<Option<TokenBucket>> {
    if defaults.on_failure != Some(FailurePolicy::Local) {
        return Some(None);
    }
    let (gateways, burst) = (defaults.gateways?, buckets.burst);
    if gateways > burst {
        let expected = format!(
            "a burst of at least one for each of the {gateways} gateways, which share it while \
             Redis does not answer"
        );
        return burst_value.unexpected_names(expected, burst.to_string());
    }
    buckets.divided_by(gateways).map(Some)
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = SipHasher13::new();
    value.hash(&mut hasher);
    hasher.finish()
}
