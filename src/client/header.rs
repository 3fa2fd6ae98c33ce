//! A value from a request header.

use super::{only, Ambiguous};
use crate::request::Request;

/// The value of a header that is there once, or several times alike.
pub(crate) fn value<'a, R: Request>(
    request: &'a R,
    name: &'a str,
) -> Result<Option<&'a [u8]>, Ambiguous> {
    only(request.header(name))
}

/// The value without a prefix such as `Bearer `, which may be in any case and
/// be followed by any number of spaces. `None` where it does not begin so.
pub(crate) fn strip<'v>(value: &'v [u8], prefix: &str) -> Option<&'v [u8]> {
    let word = prefix.trim_end_matches(' ');
    let (head, rest) = value.split_at_checked(word.len())?;
    let spaced = word.len() == prefix.len() || rest.starts_with(b" ");
    let rest = rest.trim_ascii_start();
    (head.eq_ignore_ascii_case(word.as_bytes()) && spaced && !rest.is_empty()).then_some(rest)
}
