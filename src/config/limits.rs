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
}

/// What the limits need to know of the rest of the configuration.
pub(super) struct Surroundings<'a> {
    /// The sources at the top, `None` where there are none or bad ones.
    pub(super) client_from: Option<Rc<ClientFrom>>,
    /// Whether sources stand at the top at all.
    pub(super) has_client_from: bool,
    /// How many gateways share a limit.
    pub(super) gateways: Option<NonZeroU32>,
    /// Whether `gateways` stands at the top at all.
    pub(super) has_gateways: bool,
    /// The top of the configuration, to note what is missing there.
    pub(super) top: &'a Object<'a>,
}

#[derive(Clone, Copy)]
enum Scope {
    Local,
    Share,
}

/// Reads `limits`.
pub(super) fn read(
    limits: &Value<'_>,
    around: &Surroundings<'_>,
    sources: &mut Sources<'_>,
) -> Limits {
    let expected = "an object of limits by name, such as {\"rpm\": {\"rate\": \"100/m\"}}";
    let mut read = Limits::default();
    let Some(object) = limits.object(expected) else {
        return read;
    };
    for (name, value) in object.members() {
        if !is_name(name) {
            value.unexpected_names::<()>(NAME, quoted(name));
        }
        let Limits { sound, faulty } = &mut read;
        // Two limits that find the client alike are to share its page.
        let shared = |own: ClientFrom| {
            let alike = sound.iter().find(|other| *other.client_from == own);
            alike.map_or_else(|| Rc::new(own), |other| other.client_from.clone())
        };
        match read_limit(name, sound.len(), &value, around, sources, shared) {
            Some(limit) => sound.push(limit),
            None => faulty.push(name.into()),
        }
    }
    if read.sound.is_empty() && read.faulty.is_empty() {
        limits.unexpected_names::<()>("at least one limit", "none");
    }
    read
}

fn read_limit(
    name: &str,
    index: usize,
    value: &Value<'_>,
    around: &Surroundings<'_>,
    sources: &mut Sources<'_>,
    shared: impl FnOnce(ClientFrom) -> Rc<ClientFrom>,
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
            shared(ClientFrom {
                sources,
                missing: Missing::Unlimited,
            })
        }),
        None => {
            if !around.has_client_from {
                around.top.missing(
                    "client_from",
                    format!("a list of sources, as {} has none of its own", value.path()),
                );
            }
            around.client_from.clone()
        }
    };
    let gateways = match scope {
        Some(Scope::Share) => {
            if !around.has_gateways {
                around.top.missing(
                    "gateways",
                    format!(
                        "the number of gateways, as {} is shared by them",
                        value.path()
                    ),
                );
            }
            around.gateways
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
        return rate_value?.unexpected(format!(
            "a rate that fills the burst of {burst} within ten years"
        ));
    };
    let client_from = client_from?;
    let limit = Rc::new(Limit {
        name: name.into(),
        index,
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
/// burst, at least one unit. The interval is rounded up, so that no rounding
/// admits more than the rate.
fn bucket(rate: Rate, burst: NonZeroU32, gateways: NonZeroU32) -> Option<TokenBucket> {
    let interval = rate
        .period
        .get()
        .checked_mul(gateways.get().into())?
        .div_ceil(rate.amount.get().into());
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
