//! `feedback`: what a client is told, at the top for all routes and on a route
//! for itself.

use std::num::NonZeroU64;

use super::units;
use super::value::Value;
use crate::feedback::{Body, Dialect, Feedback};

/// Reads `feedback`; what it leaves out is as in `base`.
pub(super) fn read(value: &Value<'_>, base: &Feedback) -> Option<Feedback> {
    let object = value.object("an object, such as {\"headers\": [\"ratelimit\"]}")?;
    let dialects = match object.optional("headers") {
        Some(headers) => read_dialects(&headers),
        None => Some(base.dialects.clone()),
    };
    let body = match object.optional("body") {
        Some(body) => body.choice(&[
            ("problem", Body::Problem),
            ("text", Body::Text),
            ("openai", Body::OpenAi),
            ("anthropic", Body::Anthropic),
        ]),
        None => Some(base.body),
    };
    let status = match object.optional("status") {
        Some(status) => status.whole_number(400..=599),
        None => Some(base.status),
    };
    let long_wait = match object.optional("long_wait") {
        Some(wait) => read_wait(&wait),
        None => Some(base.long_wait),
    };
    object.finish();
    Some(Feedback {
        dialects: dialects?,
        body: body?,
        status: status?,
        long_wait: long_wait?,
    })
}

fn read_wait(value: &Value<'_>) -> Option<NonZeroU64> {
    const EXPECTED: &str = "a duration, such as \"30s\" or \"5m\"";
    let wait = units::duration(value.string(EXPECTED)?);
    wait.or_else(|| value.unexpected(EXPECTED))
}

fn read_dialects(value: &Value<'_>) -> Option<Vec<Dialect>> {
    let items = value.list("a list of header dialects, or [] for none")?;
    let mut dialects = Vec::new();
    let mut sound = true;
    for item in items {
        let dialect = item.choice(&[
            ("ratelimit", Dialect::RateLimit),
            ("x-ratelimit", Dialect::XRateLimit),
            ("openai", Dialect::OpenAi),
            ("anthropic", Dialect::Anthropic),
        ]);
        match dialect {
            Some(dialect) if dialects.contains(&dialect) => {
                item.unexpected::<()>("each dialect once");
                sound = false;
            }
            Some(dialect) => dialects.push(dialect),
            None => sound = false,
        }
    }
    sound.then_some(dialects)
}
