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
    only(pairs.filter_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")))
}
