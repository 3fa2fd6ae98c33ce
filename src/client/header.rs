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

/// The value of a header without a prefix such as `Bearer `, which may be in
/// any case and be followed by any number of spaces. `None` where it does not
/// begin so.
pub(crate) fn value_after<'a, R: Request>(
    request: &'a R,
    name: &'a str,
    prefix: &str,
) -> Result<Option<&'a [u8]>, Ambiguous> {
    let Some(value) = value(request, name)? else {
        return Ok(None);
    };
    // Envoy joins several lines of some headers, `authorization` among them.
    let mut joined = value
        .split(|byte| *byte == b',')
        .filter_map(|line| strip(line.trim_ascii(), prefix));
    match (joined.next(), joined.next()) {
        (Some(first), Some(second)) => only([first, second].into_iter().chain(joined)),
        _ => Ok(strip(value, prefix)),
    }
}

fn strip<'v>(value: &'v [u8], prefix: &str) -> Option<&'v [u8]> {
    let word = prefix.trim_end_matches(' ');
    let (head, rest) = value.split_at_checked(word.len())?;
    let spaced = word.len() == prefix.len() || rest.starts_with(b" ");
    let rest = rest.trim_ascii_start();
    (head.eq_ignore_ascii_case(word.as_bytes()) && spaced).then_some(rest)
}
