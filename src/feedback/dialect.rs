//! The header dialects that tell a client where it stands.

use super::reset::{go_duration, in_seconds, push, rfc3339};
use super::Show;
use crate::limit::{Limit, Standing, Standings, Tokens, Unit};

/// A family of header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `RateLimit-Policy` and `RateLimit`, of
    /// draft-ietf-httpapi-ratelimit-headers-11.
    RateLimit,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset`, the reset in seconds.
    XRateLimit,
    /// `x-ratelimit-limit-requests` and so on, as OpenAI sends them
    /// (platform.openai.com/docs/guides/rate-limits).
    OpenAi,
    /// `anthropic-ratelimit-requests-limit` and so on, as Anthropic sends them
    /// (docs.claude.com/en/api/rate-limits).
    Anthropic,
}

/// The names of the headers for one standing.
struct Names {
    limit: &'static str,
    remaining: &'static str,
    reset: &'static str,
}

const RATELIMIT_POLICY: &str = "ratelimit-policy";
const RATELIMIT: &str = "ratelimit";

const X_RATELIMIT: Names = Names {
    limit: "x-ratelimit-limit",
    remaining: "x-ratelimit-remaining",
    reset: "x-ratelimit-reset",
};

/// What OpenAI's names count.
const OPENAI: [(Unit, Names); 2] = [
    (
        Unit::Requests,
        Names {
            limit: "x-ratelimit-limit-requests",
            remaining: "x-ratelimit-remaining-requests",
            reset: "x-ratelimit-reset-requests",
        },
    ),
    (
        Unit::Tokens(Tokens::All),
        Names {
            limit: "x-ratelimit-limit-tokens",
            remaining: "x-ratelimit-remaining-tokens",
            reset: "x-ratelimit-reset-tokens",
        },
    ),
];

/// What Anthropic's names count.
const ANTHROPIC: [(Unit, Names); 4] = [
    (
        Unit::Requests,
        Names {
            limit: "anthropic-ratelimit-requests-limit",
            remaining: "anthropic-ratelimit-requests-remaining",
            reset: "anthropic-ratelimit-requests-reset",
        },
    ),
    (
        Unit::Tokens(Tokens::All),
        Names {
            limit: "anthropic-ratelimit-tokens-limit",
            remaining: "anthropic-ratelimit-tokens-remaining",
            reset: "anthropic-ratelimit-tokens-reset",
        },
    ),
    (
        Unit::Tokens(Tokens::Input),
        Names {
            limit: "anthropic-ratelimit-input-tokens-limit",
            remaining: "anthropic-ratelimit-input-tokens-remaining",
            reset: "anthropic-ratelimit-input-tokens-reset",
        },
    ),
    (
        Unit::Tokens(Tokens::Output),
        Names {
            limit: "anthropic-ratelimit-output-tokens-limit",
            remaining: "anthropic-ratelimit-output-tokens-remaining",
            reset: "anthropic-ratelimit-output-tokens-reset",
        },
    ),
];

/// How OpenAI's names begin. What follows is `requests`, `tokens`,
/// `project-tokens`, `tokens_usage_based`, and what will be thought of next.
const OPENAI_PREFIXES: [&[u8]; 3] = [
    b"x-ratelimit-limit-",
    b"x-ratelimit-remaining-",
    b"x-ratelimit-reset-",
];

/// How Anthropic's names begin: those of everybody, and of accounts with a
/// capacity of their own.
const ANTHROPIC_PREFIXES: [&[u8]; 3] = [
    b"anthropic-ratelimit-",
    b"anthropic-priority-",
    b"anthropic-fast-",
];

/// The value of `RateLimit-Policy` for those of these limits that are enforced: `"rpm";q=10;w=40, …`,
/// where `w` is the time in which all units come back, in seconds rounded up.
pub fn policy<'l>(limits: impl Iterator<Item = &'l Limit>) -> String {
    let mut policy = String::with_capacity(ITEM_BYTES);
    for limit in limits.filter(|limit| !limit.is_alone()) {
        let separator = if policy.is_empty() { "\"" } else { ", \"" };
        for part in [separator, &limit.name, "\";q="] {
            policy.push_str(part);
        }
        push(&mut policy, limit.size().into());
        if let Some(unit) = named_unit(limit) {
            for part in [";qu=\"", unit, "\""] {
                policy.push_str(part);
            }
        }
        if let Some(window) = limit.window() {
            policy.push_str(";w=");
            push(&mut policy, in_seconds(window));
        }
    }
    policy
}

// === impl Dialect ===

impl Dialect {
    /// The names of its headers, where those are all there are.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::RateLimit => &[RATELIMIT_POLICY, RATELIMIT],
            Self::XRateLimit => &[X_RATELIMIT.limit, X_RATELIMIT.remaining, X_RATELIMIT.reset],
            Self::OpenAi | Self::Anthropic => &[],
        }
    }

    /// How its names begin, where others than those shown here are in use.
    fn prefixes(self) -> &'static [&'static [u8]] {
        match self {
            Self::RateLimit | Self::XRateLimit => &[],
            Self::OpenAi => &OPENAI_PREFIXES,
            Self::Anthropic => &ANTHROPIC_PREFIXES,
        }
    }

    pub(super) fn is_family(self) -> bool {
        !self.prefixes().is_empty()
    }

    pub(super) fn is_foreign(self, name: &[u8]) -> bool {
        let mut prefixes = self.prefixes().iter();
        prefixes.any(|prefix| name.starts_with(prefix))
    }

    /// Shows the headers for where a client stands: with the limit nearest to
    /// its end, or with the one whose unit the dialect has names for.
    pub(super) fn show(
        self,
        standings: &Standings,
        policy: &str,
        wall: Option<u64>,
        show: &mut impl Show,
    ) {
        let tightest = &standings.tightest;
        match self {
            Self::RateLimit => {
                show(RATELIMIT_POLICY, Some(policy));
                show(RATELIMIT, Some(&item(tightest)));
            }
            Self::XRateLimit => X_RATELIMIT.show(tightest, whole_seconds, show),
            Self::OpenAi => {
                for (unit, names) in OPENAI {
                    if let Some(standing) = standings.of(unit) {
                        names.show(standing, |reset| Some(go_duration(reset)), show);
                    }
                }
            }
            Self::Anthropic => {
                for (unit, names) in ANTHROPIC {
                    if let Some(standing) = standings.of(unit) {
                        names.show(standing, |reset| rfc3339(wall?, reset), show);
                    }
                }
            }
        }
    }
}

/// The unit of a limit, where it is not the one that goes without saying.
fn named_unit(limit: &Limit) -> Option<&'static str> {
    match limit.unit() {
        Unit::Requests => None,
        unit => Some(unit.as_str()),
    }
}

/// The value of `RateLimit`: `"rpm";r=5;t=20`, of tokens `"tpm";r=500;t=20;qu="tokens"`.
fn item(standing: &Standing) -> String {
    let mut item = String::with_capacity(ITEM_BYTES);
    for part in ["\"", &standing.limit.name, "\";r="] {
        item.push_str(part);
    }
    push(&mut item, standing.remaining.into());
    if let Some(reset) = standing.reset {
        item.push_str(";t=");
        push(&mut item, in_seconds(reset));
    }
    if let Unit::Tokens(_) = standing.limit.unit() {
        for part in [";qu=\"", standing.limit.unit().as_str(), "\""] {
            item.push_str(part);
        }
    }
    item
}

fn whole_seconds(reset: u64) -> Option<String> {
    let mut text = String::new();
    push(&mut text, in_seconds(reset));
    Some(text)
}

/// Enough for the longest name and two numbers.
const ITEM_BYTES: usize = 128;

// === impl Names ===

impl Names {
    /// Shows a standing, with its reset in the dialect's own form.
    fn show(
        &self,
        standing: &Standing,
        reset: impl FnOnce(u64) -> Option<String>,
        show: &mut impl Show,
    ) {
        let [mut size, mut left] = [itoa::Buffer::new(); 2];
        show(self.limit, Some(size.format(standing.limit.size())));
        show(self.remaining, Some(left.format(standing.remaining)));
        show(self.reset, standing.reset.and_then(reset).as_deref());
    }
}
