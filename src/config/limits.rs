//! `limits`: named, each of one kind.

use std::hash::{Hash, Hasher};
use std::num::{NonZeroU32, NonZeroU64};
use std::rc::Rc;

use siphasher::sip::SipHasher13;

use super::json::quoted;
use super::name::{is_name, NAME};
use super::sources::Sources;
use super::units::{self, Rate};
use super::value::Value;
use crate::client::{ClientFrom, Missing};
use crate::limit::{Limit, TokenBucket};

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
    /// Whether `gateways` stands at the top for none of them.
    pub(super) unused_gateways: bool,
}

/// What stands at the top for all limits; `None` where it is missing or wrong.
pub(super) struct Defaults {
    pub(super) client_from: Option<Rc<ClientFrom>>,
    pub(super) gateways: Option<NonZeroU32>,
}

#[derive(Clone, Copy)]
enum Scope {
    Local,
    Share,
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
    let later = object.later(&[
        "quota",
        "per",
        "offset",
        "concurrency",
        "timeout",
        "consistency",
    ]);
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
    let scope = match object.optional("scope") {
        Some(scope) => scope.choice(&[
            ("local", Some(Scope::Local)),
            ("share", Some(Scope::Share)),
            ("cluster", None),
        ]),
        None => Some(Scope::Local),
    };
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
    let gateways = match scope {
        Some(Scope::Share) => {
            limits.shared.push(name.into());
            defaults.gateways
        }
        Some(Scope::Local) => Some(NonZeroU32::MIN),
        None => None,
    };
    let rate_value = rate.as_ref();
    let rate = rate_value.and_then(read_rate);
    let burst = match burst {
        Some(burst) => burst.whole_number(1..=u32::MAX).and_then(NonZeroU32::new),
        None => rate.map(|rate| rate.amount),
    };
    if unit == Some(None) || mode == Some(None) {
        return None;
    }
    let (burst, gateways) = (burst?, gateways?);
    let Some(bucket) = bucket(rate?, burst, gateways) else {
        let divided = match gateways {
            NonZeroU32::MIN => String::new(),
            gateways => format!(", divided by {gateways} gateways,"),
        };
        return rate_value?.unexpected(format!(
            "a rate that{divided} fills the burst of {burst} within ten years"
        ));
    };
    let client_from = client_from?;
    let limit = Rc::new(Limit {
        name: name.into(),
        index: limits.sound.len(),
        tag: tag(name, &client_from),
        bucket,
    });
    Some(NamedLimit { limit, client_from })
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

/// What a client's state belongs to. The same name with another kind, unit or
/// way to find clients is another limit and starts afresh.
fn tag(name: &str, client_from: &ClientFrom) -> u64 {
    let mut hasher = SipHasher13::new();
    ("token bucket", "requests", name, &client_from.sources).hash(&mut hasher);
    hasher.finish()
}
