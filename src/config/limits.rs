//! `limits`: named, each of one kind.

use std::hash::{Hash, Hasher};
use std::num::{NonZeroU32, NonZeroU64};
use std::rc::Rc;

use siphasher::sip::SipHasher13;

use super::json::quoted;
use super::name::{is_name, NAME};
use super::object::Object;
use super::sources::Sources;
use super::units::{self, Rate};
use super::value::Value;
use crate::client::{ClientFrom, Missing};
use crate::limit::{Cluster, Consistency, Limit, Scope, TokenBucket};
use crate::redis::{self, FailurePolicy};

/// A limit with the sources that find its clients.
pub(super) struct NamedLimit {
    pub(super) limit: Rc<Limit>,
    pub(super) client_from: Rc<ClientFrom>,
}

/// The limits of a configuration.
#[derive(Default)]
pub(super) struct Limits {
    /// Those without an error.
    pub(super) sound: Vec<NamedLimit>,
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

/// What stands at the top for all limits; `None` where it is missing or wrong.
pub(super) struct Defaults {
    pub(super) client_from: Option<Rc<ClientFrom>>,
    pub(super) gateways: Option<NonZeroU32>,
    /// What decides where Redis does not.
    pub(super) on_failure: Option<FailurePolicy>,
    /// Stands for the text of the configuration.
    pub(super) version: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Local,
    Share,
    Cluster,
}

/// Reads `limits`.
pub(super) fn read(limits: &Value<'_>, defaults: &Defaults, sources: &mut Sources<'_>) -> Limits {
    let expected = "an object of limits by name, such as {\"rpm\": {\"rate\": \"100/m\"}}";
    let mut read = Limits::default();
    let Some(object) = limits.object(expected) else {
        return read;
    };
    for (name, value) in object.members() {
        if !is_name(name) {
            value.unexpected_names::<()>(NAME, quoted(name));
        }
        match read_limit(name, &value, defaults, sources, &mut read) {
            Some(limit) => read.sound.push(limit),
            None => read.faulty.push(name.into()),
        }
    }
    if read.sound.is_empty() && read.faulty.is_empty() {
        limits.unexpected_names::<()>("at least one limit", "none");
    }
    read
}

fn read_limit(
    name: &str,
    value: &Value<'_>,
    defaults: &Defaults,
    sources: &mut Sources<'_>,
    limits: &mut Limits,
) -> Option<NamedLimit> {
    let object = value.object("a limit, such as {\"rate\": \"100/m\"}")?;
    let rate = object.optional("rate");
    let burst = object.optional("burst");
    let later = object.later(&["quota", "per", "offset", "concurrency", "timeout"]);
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
    let counted = match object.optional("scope") {
        Some(scope) => scope.choice(&[
            ("local", Some(Counted::Local)),
            ("share", Some(Counted::Share)),
            ("cluster", Some(Counted::Cluster)),
        ]),
        None => Some(Counted::Local),
    };
    let consistency = read_consistency(&object, counted);
    let own = object.optional("client_from");
    if rate.is_none() && !later {
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
    let rate_value = rate.as_ref();
    let rate = rate_value.and_then(read_rate);
    let burst_value = burst.as_ref();
    let burst = match &burst {
        Some(burst) => burst.whole_number(1..=u32::MAX).and_then(NonZeroU32::new),
        None => rate.map(|rate| rate.amount),
    };
    if unit == Some(None) || mode == Some(None) {
        return None;
    }
    let (burst, counted) = (burst?, counted?);
    let whole = Buckets {
        rate: rate?,
        burst,
        value: rate_value?,
    };
    let bucket = match counted {
        Counted::Local | Counted::Cluster => whole.divided_by(NonZeroU32::MIN)?,
        Counted::Share => whole.divided_by(defaults.gateways?)?,
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
            let share = match defaults.on_failure {
                Some(FailurePolicy::Local) => {
                    let gateways = defaults.gateways?;
                    if gateways > burst {
                        let expected = format!(
                            "a burst of at least one for each of the {gateways} gateways, which \
                             share it while Redis does not answer"
                        );
                        return burst_value
                            .or(rate_value)?
                            .unexpected_names(expected, burst.to_string());
                    }
                    Some(whole.divided_by(gateways)?)
                }
                _ => None,
            };
            Scope::Cluster(Cluster {
                consistency: consistency?,
                share,
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

const RATE: &str = "a rate, such as \"10/s\", \"100/m\", \"1000/h\", \"5000/d\" or \"100/30s\"";

fn read_rate(value: &Value<'_>) -> Option<Rate> {
    /// The interval between two units is whole nanoseconds; with at least a
    /// microsecond of them, rounding takes at most a thousandth of the rate.
    const SHORTEST_INTERVAL: u64 = 1_000;
    let Some(rate) = units::rate(value.string(RATE)?) else {
        return value.unexpected(RATE);
    };
    let fastest = rate.period.get() / SHORTEST_INTERVAL;
    if u64::from(rate.amount.get()) > fastest {
        return value.unexpected("a rate of at most 1000000 per second");
    }
    Some(rate)
}

/// The bucket of all gateways, and those of fewer.
struct Buckets<'v, 'a> {
    rate: Rate,
    burst: NonZeroU32,
    /// What errors point to.
    value: &'v Value<'a>,
}

// === impl Buckets ===

impl Buckets<'_, '_> {
    /// The bucket of one gateway among so many, or every error about it.
    fn divided_by(&self, gateways: NonZeroU32) -> Option<TokenBucket> {
        let bucket = bucket(self.rate, self.burst, gateways);
        if bucket.is_some() {
            return bucket;
        }
        let divided = match gateways {
            NonZeroU32::MIN => String::new(),
            gateways => format!(", divided by {gateways} gateways,"),
        };
        let burst = self.burst;
        self.value.unexpected(format!(
            "a rate that{divided} fills the burst of {burst} within ten years"
        ))
    }
}

/// The bucket of one gateway among `gateways`: its part of the rate and of the
/// burst, at least one unit. The interval is rounded down: rounded up, a burst
/// of 7 at 7/m would take a nanosecond over its minute to fill, and clients be
/// told 61 seconds.
fn bucket(rate: Rate, burst: NonZeroU32, gateways: NonZeroU32) -> Option<TokenBucket> {
    let interval = rate
        .period
        .get()
        .checked_mul(gateways.get().into())?
        .checked_div(rate.amount.get().into())?;
    let burst = NonZeroU32::new(burst.get() / gateways).unwrap_or(NonZeroU32::MIN);
    TokenBucket::new(burst, NonZeroU64::new(interval)?).ok()
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = SipHasher13::new();
    value.hash(&mut hasher);
    hasher.finish()
}

// === impl Limits ===

impl Limits {
    /// Whether gateways share some limit, or have to where Redis does not answer.
    pub(super) fn are_divided(&self, on_failure: Option<FailurePolicy>) -> bool {
        let falls_back = on_failure.is_none_or(|policy| policy == FailurePolicy::Local);
        !self.shared.is_empty() || falls_back && !self.cluster.is_empty()
    }
}
