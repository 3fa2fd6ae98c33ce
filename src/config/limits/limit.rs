//! One limit, under one plan or none.

use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;

use siphasher::sip::SipHasher13;

use super::allowance::{part, read_offset, read_rate, Amount, Per};
use super::fields::{Counted, Fields};
use super::Defaults;
use crate::client::ClientFrom;
use crate::config::units;
use crate::config::value::Value;
use crate::limit::{
    Allowance, Cluster, Concurrency, Consistency, Kind, Limit, Mode, Scope, Tokens, Unit,
    MAX_SLOTS, MAX_TIMEOUT,
};
use crate::redis::{self, FailurePolicy};

/// What is the same for a limit under every plan.
#[derive(Clone, Copy)]
pub(super) struct Identity<'n> {
    pub(super) name: &'n str,
    pub(super) index: usize,
    /// `None` where there is an error in it.
    pub(super) client_from: Option<&'n ClientFrom>,
}

/// A limit of this kind with what its clients' state belongs to.
struct Named {
    kind: NamedKind,
    belongs_to: String,
}

enum NamedKind {
    Metered(Option<Tokens>, Amount),
    Concurrency(Concurrency),
}

/// Bursts that a bucket of tokens may owe.
const DEBT: u32 = 10;

/// Reads a limit under a plan, or none; every error about it where it is `None`.
pub(super) fn read(
    fields: &Fields<'_>,
    identity: &Identity<'_>,
    plan: Option<&str>,
    defaults: &Defaults,
) -> Option<Limit> {
    fields.refuse_stray();
    let counted = fields.counted();
    let consistency = read_consistency(fields, counted);
    let mode = read_mode(fields);
    let unit = read_unit(fields);
    let kind = read_kind(fields, unit.unwrap_or(None), counted, defaults);
    unit?;
    let (kind, mode, counted) = (kind?, mode?, counted?);
    let name = identity.name;
    let signature = identity.client_from?.signature();
    let belongs_to = format!("{}, {name}, {signature}", kind.belongs_to);
    let tag = hash(&belongs_to);
    let kind = match kind.kind {
        NamedKind::Concurrency(concurrency) => Kind::Concurrency(concurrency),
        NamedKind::Metered(tokens, amount) => {
            let value = fields.kinds().into_iter().flatten().next()?;
            let gateways = match counted {
                Counted::Local | Counted::Cluster => NonZeroU32::MIN,
                Counted::Share => defaults.gateways?,
            };
            let divided = |gateways| {
                amount
                    .divided_by(gateways, value)
                    .map(|allowance| in_debt(allowance, tokens))
            };
            let allowance = divided(gateways);
            let scope = match counted {
                Counted::Local | Counted::Share => Scope::Gateway,
                Counted::Cluster => Scope::Cluster(Cluster {
                    consistency: consistency?,
                    share: share(&amount, fields, value, defaults)?
                        .map(|share| in_debt(share, tokens)),
                    key: redis::limit_key(name, &belongs_to).into(),
                    denials: hash(&("denial", tag, defaults.version, plan)),
                    looks: hash(&("look", tag, defaults.version, plan)),
                }),
            };
            Kind::Metered {
                tokens,
                allowance: allowance?,
                scope,
            }
        }
    };
    Some(Limit {
        name: name.into(),
        index: identity.index,
        tag,
        mode,
        kind,
    })
}

fn read_kind(
    fields: &Fields<'_>,
    tokens: Option<Tokens>,
    counted: Option<Counted>,
    defaults: &Defaults,
) -> Option<Named> {
    match fields.kinds() {
        [Some(rate), None, None] => read_bucket(fields, rate, tokens),
        [None, Some(quota), None] => read_quota(fields, quota, tokens),
        [None, None, Some(slots)] => read_concurrency(fields, slots, counted, defaults),
        _ => {
            let expected = "exactly one of the fields \"rate\", \"quota\" or \"concurrency\"";
            fields.whole.unexpected_names(expected, &*fields.found)
        }
    }
}

/// A bucket of tokens may owe what its models have used beyond it.
fn in_debt(allowance: Allowance, tokens: Option<Tokens>) -> Allowance {
    match (allowance, tokens) {
        (Allowance::Bucket(bucket), Some(_)) => Allowance::Bucket(bucket.with_debt(DEBT)),
        (allowance, _) => allowance,
    }
}

fn read_bucket(fields: &Fields<'_>, rate: &Value<'_>, tokens: Option<Tokens>) -> Option<Named> {
    let rate = read_rate(rate);
    let burst = match &fields.burst {
        Some(burst) => burst.whole_number(1..=u32::MAX).and_then(NonZeroU32::new),
        None => rate.map(|rate| rate.amount),
    };
    Some(Named {
        kind: NamedKind::Metered(
            tokens,
            Amount::Bucket {
                rate: rate?,
                burst: burst?,
            },
        ),
        belongs_to: format!("token bucket, {}", unit(tokens)),
    })
}

fn read_quota(fields: &Fields<'_>, quota: &Value<'_>, tokens: Option<Tokens>) -> Option<Named> {
    let quota = quota.whole_number(1..=u32::MAX).and_then(NonZeroU32::new);
    let per = match &fields.per {
        Some(per) => Per::read(per),
        None => fields.whole.missing(
            "per",
            "\"hour\", \"day\", \"week\", \"month\" or a duration",
        ),
    };
    let offset = match &fields.offset {
        Some(offset) => read_offset(offset),
        None => Some(0),
    };
    let per = per?;
    Some(Named {
        kind: NamedKind::Metered(
            tokens,
            Amount::Quota {
                quota: quota?,
                per,
                offset: offset?,
            },
        ),
        belongs_to: format!("calendar quota, {}, {}", unit(tokens), per.signature()),
    })
}

fn read_concurrency(
    fields: &Fields<'_>,
    slots: &Value<'_>,
    counted: Option<Counted>,
    defaults: &Defaults,
) -> Option<Named> {
    const TIMEOUT: &str = "a duration of whole seconds up to 24 days, such as \"10m\"";
    const DEFAULT_TIMEOUT: NonZeroU32 = NonZeroU32::MIN.saturating_add(599);
    let slots = slots.whole_number(1..=MAX_SLOTS).and_then(NonZeroU32::new);
    let timeout = match &fields.timeout {
        Some(value) => {
            let timeout = units::duration(value.string(TIMEOUT)?).and_then(units::whole_seconds);
            match timeout.and_then(|seconds| NonZeroU32::try_from(seconds).ok()) {
                Some(timeout) if timeout.get() <= MAX_TIMEOUT => Some(timeout),
                _ => value.unexpected(TIMEOUT),
            }
        }
        None => Some(DEFAULT_TIMEOUT),
    };
    let slots = match (counted?, &fields.scope) {
        (Counted::Cluster, Some(scope)) => {
            return scope.unexpected(
                "\"local\" or \"share\", since slots are counted where the requests are",
            );
        }
        (Counted::Share, _) => part(slots?, defaults.gateways?),
        _ => slots?,
    };
    Some(Named {
        kind: NamedKind::Concurrency(Concurrency::new(slots, timeout?).ok()?),
        belongs_to: "concurrency".to_owned(),
    })
}

fn read_mode(fields: &Fields<'_>) -> Option<Mode> {
    let Some(mode) = &fields.mode else {
        return Some(Mode::Enforce);
    };
    mode.choice(&[
        ("enforce", Mode::Enforce),
        ("shadow", Mode::Shadow),
        ("tag", Mode::Tag),
    ])
}

/// The tokens that are counted, or requests; `None` where it is wrong.
fn read_unit(fields: &Fields<'_>) -> Option<Option<Tokens>> {
    let Some(unit) = &fields.unit else {
        return Some(None);
    };
    if fields.concurrency.is_some() {
        return unit.unexpected_names("no unit, since slots are counted", "one");
    }
    unit.choice(&[
        ("requests", None),
        ("tokens", Some(Tokens::All)),
        ("input_tokens", Some(Tokens::Input)),
        ("output_tokens", Some(Tokens::Output)),
    ])
}

/// In the same words in every build.
fn unit(tokens: Option<Tokens>) -> &'static str {
    tokens.map_or(Unit::Requests, Unit::Tokens).as_str()
}

fn read_consistency(fields: &Fields<'_>, counted: Option<Counted>) -> Option<Consistency> {
    let Some(value) = &fields.consistency else {
        return Some(Consistency::Strict);
    };
    let consistency = value.choice(&[
        ("strict", Consistency::Strict),
        ("lease", Consistency::Lease),
    ]);
    if counted.is_some_and(|counted| counted != Counted::Cluster) {
        return value.unexpected_names("\"scope\": \"cluster\" beside it", "another scope");
    }
    consistency
}

/// What one gateway has while Redis does not answer. `None` where it is wrong,
/// `Some(None)` where something else decides then.
fn share(
    amount: &Amount,
    fields: &Fields<'_>,
    value: &Value<'_>,
    defaults: &Defaults,
) -> Option<Option<Allowance>> {
    if defaults.on_failure != Some(FailurePolicy::Local) {
        return Some(None);
    }
    let (gateways, size) = (defaults.gateways?, amount.size());
    if gateways > size {
        let what = match amount {
            Amount::Bucket { .. } => "burst",
            Amount::Quota { .. } => "quota",
        };
        let expected = format!(
            "a {what} of at least one for each of the {gateways} gateways, which share it while \
             Redis does not answer"
        );
        let value = fields.burst.as_ref().unwrap_or(value);
        return value.unexpected_names(expected, size.to_string());
    }
    amount.divided_by(gateways, value).map(Some)
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = SipHasher13::new();
    value.hash(&mut hasher);
    hasher.finish()
}
