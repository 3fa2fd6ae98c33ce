//! A value from the request's cookies (RFC 6265 section 4.2).

use super::{only, Ambiguous};
use crate::request::Request;

/// The value of a cookie that is there once, or several times alike, in any of
/// the request's `cookie` lines.
pub(crate) fn value<'a, R: Request>(
    request: &'a R,
    name: &'a str,
) -> Result<Option<&'a [u8]>, Ambiguous> {
    let pairs = request
        .header("cookie")
        .flat_map(|line| line.split(|byte| *byte == b';'))
        .map(<[u8]>::trim_ascii);
    let values = pairs.filter_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    only(values.map(unquoted))
}

/// A value without the quotes around it: to many servers they are no part of it.
fn unquoted(value: &[u8]) -> &[u8] {
    let inner = value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""));
    inner.unwrap_or(value)
}
