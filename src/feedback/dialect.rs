//! The header dialects that tell a client where it stands.

use std::fmt::Write;

use super::{seconds, Show};
use crate::limit::{Limit, Standing, Unit};

/// A family of header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `RateLimit-Policy` and `RateLimit`, of
    /// draft-ietf-httpapi-ratelimit-headers-11.
    RateLimit,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset`, the reset in seconds.
    XRateLimit,
}

/// The value of `RateLimit-Policy` for those of these limits that are enforced: `"rpm";q=10;w=40, …`,
/// where `w` is the time in which all units come back, in seconds rounded up.
pub fn policy<'l>(limits: impl Iterator<Item = &'l Limit>) -> String {
    let mut policy = String::new();
    for limit in limits.filter(|limit| !limit.is_alone()) {
        let Limit { name, .. } = limit;
        let separator = if policy.is_empty() { "" } else { ", " };
        // Writing to a String does not fail.
        let _ = write!(policy, "{separator}\"{name}\";q={}", limit.size());
        if limit.unit() == Unit::ConcurrentRequests {
            policy.push_str(";qu=\"concurrent-requests\"");
        }
        if let Some(window) = limit.window() {
            let _ = write!(policy, ";w={}", seconds(window));
        }
    }
    policy
}

// === impl Dialect ===

impl Dialect {
    /// The names of its headers.
    pub(super) fn header_names(self) -> &'static [&'static str] {
        match self {
            Self::RateLimit => &["ratelimit-policy", "ratelimit"],
            Self::XRateLimit => &[
                "x-ratelimit-limit",
                "x-ratelimit-remaining",
                "x-ratelimit-reset",
            ],
        }
    }

    /// Shows the headers for where a client stands with one limit. Numbers are
    /// put into text by hand: this is done for every response, and `format!`
    /// takes longer than the decision did.
    pub(super) fn show(self, standing: &Standing, policy: &str, show: &mut impl Show) {
        let Limit { name, .. } = &*standing.limit;
        let [mut left, mut time, mut size] = [itoa::Buffer::new(); 3];
        let left = left.format(standing.remaining);
        let time = standing.reset.map(|reset| time.format(seconds(reset)));
        match self {
            Self::RateLimit => {
                let mut item = String::with_capacity(ITEM_BYTES);
                for part in ["\"", name, "\";r=", left] {
                    item.push_str(part);
                }
                if let Some(time) = time {
                    item.push_str(";t=");
                    item.push_str(time);
                }
                show("ratelimit-policy", policy);
                show("ratelimit", &item);
            }
            Self::XRateLimit => {
                show("x-ratelimit-limit", size.format(standing.limit.size()));
                show("x-ratelimit-remaining", left);
                if let Some(time) = time {
                    show("x-ratelimit-reset", time);
                }
            }
        }
    }
}

/// Enough for the longest name and two numbers.
const ITEM_BYTES: usize = 128;
