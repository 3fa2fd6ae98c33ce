//! `feedback`: which headers and which body a client gets.

use super::value::Value;
use crate::feedback::{Body, Dialect, Feedback};

/// Reads `feedback`.
pub(super) fn read(value: &Value<'_>) -> Option<Feedback> {
    let object = value.object("an object, such as {\"headers\": [\"ratelimit\"]}")?;
    object.later(&["status", "long_wait"]);
    let default = Feedback::default();
    let dialects = match object.optional("headers") {
        Some(headers) => read_dialects(&headers),
        None => Some(default.dialects),
    };
    let body = match object.optional("body") {
        Some(body) => body.choice(&[
            ("problem", Some(Body::Problem)),
            ("text", Some(Body::Text)),
            ("openai", None),
            ("anthropic", None),
        ]),
        None => Some(default.body),
    };
    object.finish();
    Some(Feedback {
        dialects: dialects?,
        body: body?,
    })
}

fn read_dialects(value: &Value<'_>) -> Option<Vec<Dialect>> {
    let items = value.list("a list of header dialects, or [] for none")?;
    let mut dialects = Vec::new();
    let mut sound = true;
    for item in items {
        let dialect = item.choice(&[
            ("ratelimit", Some(Dialect::RateLimit)),
            ("x-ratelimit", Some(Dialect::XRateLimit)),
            ("openai", None),
            ("anthropic", None),
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
