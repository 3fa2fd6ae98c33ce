//! The header dialects that tell a client where it stands.

use std::fmt::Write;

use super::{seconds, Headers};
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

    /// Writes the headers for where a client stands with one limit.
    pub(super) fn write(self, standing: &Standing, policy: &str, headers: &mut Headers) {
        let Limit { name, bucket, .. } = &*standing.limit;
        let (remaining, reset) = (standing.remaining, seconds(standing.wait));
        match self {
            Self::RateLimit => headers.extend([
                ("ratelimit-policy", policy.to_owned()),
                ("ratelimit", format!("\"{name}\";r={remaining};t={reset}")),
            ]),
            Self::XRateLimit => headers.extend([
                ("x-ratelimit-limit", bucket.burst().to_string()),
                ("x-ratelimit-remaining", remaining.to_string()),
                ("x-ratelimit-reset", reset.to_string()),
            ]),
        }
    }
}
