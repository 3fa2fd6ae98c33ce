//! A value from the request's cookies (RFC 6265 section 4.2).

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::{only, Ambiguous};
use crate::request::Request;

/// The value of a cookie that is there once, or several times alike, in any of
/// the request's `cookie` lines.
pub(crate) fn value<'a, R: Request>(
    request: &'a R,
    name: &'a str,
) -> Result<Option<Cow<'a, [u8]>>, Ambiguous> {
    let pairs = request
        .header("cookie")
        .flat_map(|line| line.split(|byte| *byte == b';'))
        .map(<[u8]>::trim_ascii);
    let values = pairs.filter_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    only(values.map(plain))
}

/// A value without quotes around it and with its escapes decoded. Some servers
/// read it so and some do not; to count all spellings as one only ever joins
/// buckets.
fn plain(value: &[u8]) -> Cow<'_, [u8]> {
    let inner = value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""));
    percent_decode(inner.unwrap_or(value)).into()
}
