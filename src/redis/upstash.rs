//! The Upstash REST protocol
//! (<https://upstash.com/docs/redis/features/restapi>): a command as a JSON
//! list, answered by `{"result": …}` or `{"error": "…"}`.

use serde_json::Value;

use super::bridge::{failed_status, numbers};
use super::{Failure, FailureClass};

/// A command of these words.
pub(super) fn encode(words: impl Iterator<Item = String>) -> Vec<u8> {
    Value::from_iter(words).to_string().into_bytes()
}

/// The script's numbers out of an answer.
pub(super) fn decode(status: u16, body: &[u8]) -> Result<Vec<i64>, Failure> {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let json = json.as_ref();
    let error = json
        .and_then(|json| json.get("error"))
        .and_then(Value::as_str);
    match (status, error) {
        (200 | 400, Some(error)) => Err(Failure::of_redis(error)),
        (200, None) => {
            let result = json.and_then(|json| json.get("result"));
            let result = result
                .ok_or_else(|| Failure::new(FailureClass::Malformed, "neither result nor error"))?;
            numbers(result)
        }
        _ => Err(failed_status(status, body)),
    }
}
