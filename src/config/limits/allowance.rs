//! Rates and quotas, and what one gateway or several have of them.

use std::num::{NonZeroU32, NonZeroU64};

use crate::config::units::{self, Rate};
use crate::config::value::Value;
use crate::limit::{Allowance, CalendarQuota, InvalidQuota, Period, TokenBucket, MAX_PERIOD};

pub(super) const RATE: &str =
    "a rate, such as \"10/s\", \"100/m\", \"1000/h\", \"5000/d\" or \"100/30s\"";

pub(super) fn read_rate(value: &Value<'_>) -> Option<Rate> {
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

/// How long a quota is counted, as it stands in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Per {
    /// From Monday.
    Week,
    Period(Period),
}

/// What all gateways have, and one among several.
pub(super) enum Amount {
    Bucket {
        rate: Rate,
        burst: NonZeroU32,
    },
    Quota {
        quota: NonZeroU32,
        per: Per,
        /// s.
        offset: i64,
    },
}

// === impl Per ===

impl Per {
    pub(super) fn read(value: &Value<'_>) -> Option<Self> {
        const PER: &str = "\"hour\", \"day\", \"week\", \"month\" or a duration of whole seconds \
                           up to ten years, such as \"12h\"";
        let fixed = |seconds| Some(Self::Period(Period::Fixed(seconds)));
        match value.string(PER)? {
            "hour" => fixed(HOUR),
            "day" => fixed(DAY),
            "week" => Some(Self::Week),
            "month" => Some(Self::Period(Period::Month)),
            text => match units::duration(text).and_then(units::whole_seconds) {
                Some(seconds) if seconds.get() <= MAX_PERIOD => fixed(seconds),
                _ => value.unexpected(PER),
            },
        }
    }

    /// As what a client's state belongs to, in the same words in every build.
    pub(super) fn signature(self) -> String {
        match self {
            Self::Week => "week".to_owned(),
            Self::Period(Period::Month) => "month".to_owned(),
            Self::Period(Period::Fixed(seconds)) => format!("{seconds} s"),
        }
    }
}

const HOUR: NonZeroU64 = NonZeroU64::MIN.saturating_add(3_599);
const DAY: NonZeroU64 = NonZeroU64::MIN.saturating_add(86_399);

/// What shifts the start of a period, s.
pub(super) fn read_offset(value: &Value<'_>) -> Option<i64> {
    const OFFSET: &str = "a duration of whole seconds up to ten years, such as \"2h\" or \"-30m\"";
    let text = value.string(OFFSET)?;
    let (sign, duration) = match text.strip_prefix('-') {
        Some(duration) => (-1, duration),
        None => (1, text),
    };
    let seconds = units::duration(duration).and_then(units::whole_seconds);
    let seconds = seconds.filter(|seconds| seconds.get() <= MAX_PERIOD);
    match seconds.and_then(|seconds| i64::try_from(seconds.get()).ok()) {
        Some(seconds) => Some(seconds.saturating_mul(sign)),
        None => value.unexpected(OFFSET),
    }
}

// === impl Amount ===

impl Amount {
    /// The units of all gateways: burst or quota.
    pub(super) fn size(&self) -> NonZeroU32 {
        match self {
            Self::Bucket { burst, .. } => *burst,
            Self::Quota { quota, .. } => *quota,
        }
    }

    /// What one gateway has among so many, or every error about it; `value` is
    /// what errors point to.
    pub(super) fn divided_by(&self, gateways: NonZeroU32, value: &Value<'_>) -> Option<Allowance> {
        match self {
            Self::Bucket { rate, burst } => {
                let bucket = bucket(*rate, *burst, gateways).map(Allowance::Bucket);
                if bucket.is_some() {
                    return bucket;
                }
                let divided = match gateways {
                    NonZeroU32::MIN => String::new(),
                    gateways => format!(", divided by {gateways} gateways,"),
                };
                value.unexpected(format!(
                    "a rate that{divided} fills the burst of {burst} within ten years"
                ))
            }
            Self::Quota { quota, per, offset } => {
                let quota = calendar_quota(part(*quota, gateways), *per, *offset);
                // Both were read to be no longer than that.
                quota.ok().map(Allowance::Quota)
            }
        }
    }
}

/// One gateway's part, at least one unit.
pub(super) fn part(units: NonZeroU32, gateways: NonZeroU32) -> NonZeroU32 {
    NonZeroU32::new(units.get() / gateways).unwrap_or(NonZeroU32::MIN)
}

fn calendar_quota(quota: NonZeroU32, per: Per, offset: i64) -> Result<CalendarQuota, InvalidQuota> {
    match per {
        Per::Week => CalendarQuota::weekly(quota, offset),
        Per::Period(period) => CalendarQuota::new(quota, period, offset),
    }
}

/// The bucket of one gateway among `gateways`: its part of the rate and of the
/// burst. The interval is rounded down: rounded up, a burst of 7 at 7/m would
/// take a nanosecond over its minute to fill, and clients be told 61 seconds.
fn bucket(rate: Rate, burst: NonZeroU32, gateways: NonZeroU32) -> Option<TokenBucket> {
    let interval = rate
        .period
        .get()
        .checked_mul(gateways.get().into())?
        .checked_div(rate.amount.get().into())?;
    TokenBucket::new(part(burst, gateways), NonZeroU64::new(interval)?).ok()
}
