//! The header dialects that tell a client where it stands.

use std::fmt::Write;

use super::{seconds, Show};
use crate::limit::{Limit, Standing};

/// A family of header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `RateLimit-Policy` and `RateLimit`, of
    /// draft-ietf-httpapi-ratelimit-headers-11.
    RateLimit,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset`, the reset in seconds.
    XRateLimit,
}

/// The value of `RateLimit-Policy` for these limits: `"rpm";q=10;w=40, …`,
/// where `w` is the time to fill the bucket, in seconds rounded up.
pub fn policy<'l>(limits: impl Iterator<Item = &'l Limit>) -> String {
    let mut policy = String::new();
    for limit in limits {
        let Limit { name, bucket, .. } = limit;
        let separator = if policy.is_empty() { "" } else { ", " };
        let (burst, fill) = (bucket.burst(), seconds(bucket.capacity()));
        // Writing to a String does not fail.
        let _ = write!(policy, "{separator}\"{name}\";q={burst};w={fill}");
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
        let Limit { name, bucket, .. } = &*standing.limit;
        let [mut left, mut time, mut burst] = [itoa::Buffer::new(); 3];
        let left = left.format(standing.remaining);
        let time = time.format(seconds(standing.wait));
        match self {
            Self::RateLimit => {
                let mut item = String::with_capacity(ITEM_BYTES);
                for part in ["\"", name, "\";r=", left, ";t=", time] {
                    item.push_str(part);
                }
                show("ratelimit-policy", policy);
                show("ratelimit", &item);
            }
            Self::XRateLimit => {
                show("x-ratelimit-limit", burst.format(bucket.burst().get()));
                show("x-ratelimit-remaining", left);
                show("x-ratelimit-reset", time);
            }
        }
    }
}

/// Enough for the longest name and two numbers.
const ITEM_BYTES: usize = 128;
