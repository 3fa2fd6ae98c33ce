//! A value from the query string.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::{only, Ambiguous};
use crate::request::Request;

/// The value of a parameter, escapes decoded, that is there once, or several
/// times alike. The name may be escaped too: `%61pi_key` is `api_key` to every
/// upstream. A `+` stays a `+`.
pub(crate) fn value<'a, R: Request>(
    request: &'a R,
    name: &str,
) -> Result<Option<Cow<'a, [u8]>>, Ambiguous> {
    let raw = request.path();
    let end = raw
        .iter()
        .position(|byte| *byte == b'#')
        .unwrap_or(raw.len());
    let target = raw.get(..end).unwrap_or_default();
    let query = target
        .iter()
        .position(|byte| *byte == b'?')
        .and_then(|mark| target.get(mark.saturating_add(1)..))
        .unwrap_or_default();
    only(query.split(|byte| *byte == b'&').filter_map(|pair| {
        let split = pair
            .iter()
            .position(|byte| *byte == b'=')
            .unwrap_or(pair.len());
        let (key, value) = pair.split_at_checked(split)?;
        (*decoded(key) == *name.as_bytes())
            .then(|| decoded(value.strip_prefix(b"=").unwrap_or(value)))
    }))
}

/// Every valid escape decoded once; an invalid one stays as it stands.
fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    percent_decode(text).into()
}
