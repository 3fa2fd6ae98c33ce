//! Webdis (<https://webd.is>): a command as a path, its parts percent-encoded,
//! answered with status 200 by an object whose one member is the command's name.
//!
//! Older than 0.1.20 it hands late answers to the next caller; that is what a
//! call's nonce tells. It takes a `+` for a space, a `?` for the end, and a
//! suffix such as `.txt` for a format, so nearly everything is encoded.

use percent_encoding::{utf8_percent_encode, AsciiSet, NON_ALPHANUMERIC};
use serde_json::Value;

use super::bridge::{failed_status, numbers};
use super::{Failure, FailureClass, Verb};

/// What is encoded: all but `[A-Za-z0-9_~-]`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'~').remove(b'-');

/// A command of these words.
pub(super) fn encode(words: impl Iterator<Item = String>) -> Vec<u8> {
    let encoded: Vec<String> = words
        .map(|word| utf8_percent_encode(&word, ENCODED).to_string())
        .collect();
    encoded.join("/").into_bytes()
}

/// The script's numbers out of an answer.
pub(super) fn decode(status: u16, body: &[u8], verb: Verb) -> Result<Vec<i64>, Failure> {
    if status != 200 {
        return Err(failed_status(status, body));
    }
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let result = json.as_ref().and_then(|json| json.get(verb.as_str()));
    let result = result
        .ok_or_else(|| Failure::new(FailureClass::Malformed, "no member of our command's"))?;
    match result.as_array().map(Vec::as_slice) {
        Some([Value::Bool(false), Value::String(error)]) => Err(Failure::of_redis(error)),
        _ => numbers(result),
    }
}
