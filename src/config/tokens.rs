//! `tokens` of a route: how what its models read and write is found out.

use std::num::NonZeroU32;
use std::rc::Rc;

use super::json::quoted;
use super::limits::NamedLimit;
use super::object::Object;
use super::sources::read_token;
use super::value::Value;
use crate::limit::{Limit, Tokens, Unit};
use crate::tokens::{Policy, Reserve, Shape, UsageFrom};

/// Reads `tokens`; left out, it is implied with its defaults where one of these
/// limits counts tokens. `None` where it is wrong.
pub(super) fn read(
    value: Option<&Value<'_>>,
    limits: Option<&[&NamedLimit]>,
) -> Option<Option<Rc<Policy>>> {
    let limits = || limits.into_iter().flatten().map(|named| &*named.limit);
    match value {
        Some(value) => read_policy(value, limits).map(|policy| Some(Rc::new(policy))),
        None => {
            let counts = limits().any(|limit| limit.tokens().is_some());
            Some(counts.then(Rc::default))
        }
    }
}

fn read_policy<'l, L: Iterator<Item = &'l Limit>>(
    value: &Value<'_>,
    limits: impl Fn() -> L,
) -> Option<Policy> {
    let object = value.object("an object, such as {\"max_body\": 65536}")?;
    let default = Policy::default();
    let usage = match object.optional("usage") {
        Some(usage) => read_usage(&usage, limits),
        None => Some(default.usage),
    };
    let reserve = match object.optional("reserve") {
        Some(reserve) => read_reserve(&reserve),
        None => Some(default.reserve),
    };
    let max_body = number(&object, "max_body", default.max_body);
    let hold = flag(&object, "hold");
    let include_usage = flag(&object, "include_usage");
    object.finish();
    Some(Policy {
        usage: usage?,
        reserve: reserve?,
        max_body: max_body?,
        hold: hold?,
        include_usage: include_usage?,
    })
}

const USAGE: &str = "\"auto\", \"openai\", \"anthropic\", \"gemini\" or an object such as \
                     {\"response_header\": \"x-usage-tokens\"}";

fn read_usage<'l, L: Iterator<Item = &'l Limit>>(
    value: &Value<'_>,
    limits: impl Fn() -> L,
) -> Option<UsageFrom> {
    match value.text_if_any() {
        Some("auto") => return Some(UsageFrom::Body(Shape::Auto)),
        Some("openai") => return Some(UsageFrom::Body(Shape::OpenAi)),
        Some("anthropic") => return Some(UsageFrom::Body(Shape::Anthropic)),
        Some("gemini") => return Some(UsageFrom::Body(Shape::Gemini)),
        Some(_) => return value.unexpected(USAGE),
        None => {}
    }
    let object = value.object(USAGE)?;
    let header = object.required("response_header", "the name of a header");
    object.finish();
    let name = read_token(&header?, "the name of a header, such as \"x-usage-tokens\"")?;
    // One number says nothing of what was read and what was written.
    let of_a_part = |limit: &&Limit| !matches!(limit.tokens(), None | Some(Tokens::All));
    let names: Vec<String> = limits()
        .filter(of_a_part)
        .map(|limit| format!("{} (in {})", quoted(&limit.name), limit.unit().as_str()))
        .collect();
    if !names.is_empty() {
        let unit = Unit::Tokens(Tokens::All).as_str();
        let expected = format!("limits in {unit} beside a header, which tells both together");
        return value.unexpected_names(expected, names.join(", "));
    }
    Some(UsageFrom::Header(name.to_ascii_lowercase().into()))
}

fn read_reserve(value: &Value<'_>) -> Option<Reserve> {
    let object = value.object("an object, such as {\"output\": 512}")?;
    let default = Reserve::default();
    let bytes_per_token = number(&object, "bytes_per_token", default.bytes_per_token);
    let max_input = number(&object, "max_input", default.max_input);
    let output = number(&object, "output", default.output);
    let max_output = number(&object, "max_output", default.max_output);
    object.finish();
    Some(Reserve {
        bytes_per_token: bytes_per_token?,
        max_input: max_input?,
        output: output?,
        max_output: max_output?,
    })
}

fn number(object: &Object<'_>, name: &'static str, default: NonZeroU32) -> Option<NonZeroU32> {
    match object.optional(name) {
        Some(value) => value.whole_number(1..=u32::MAX).and_then(NonZeroU32::new),
        None => Some(default),
    }
}

fn flag(object: &Object<'_>, name: &'static str) -> Option<bool> {
    object
        .optional(name)
        .map_or(Some(false), |flag| flag.bool())
}
