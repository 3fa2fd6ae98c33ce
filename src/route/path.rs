//! The normal form of a path: what routes are matched on.
//!
//! One resource has many spellings (`/v1//chat`, `/v1/%63hat`, `/v1/./chat/`),
//! and most upstreams serve them all. So a path is matched in one form of all
//! of them; the request itself is not changed. RFC 3986 section 6.2.2 calls
//! this syntax-based normalization.
//!
//! All escapes are decoded, once, and not only the unreserved ones: upstreams
//! take `%3A` for `:`, and a path variable that names a client must not have
//! two spellings. What cannot be decoded without guessing where the upstream
//! sees a segment end has no normal form at all.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// A path as routes see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NormalPath<'a> {
    /// The path in its normal form: `/`, or segments that each begin with `/`.
    Normal {
        /// The bytes of it, escapes decoded.
        path: Cow<'a, [u8]>,
        /// Whether the client wrote it just so, and no server reads more into
        /// it: some cut `;parameters`, some decode `%u002e`.
        as_written: bool,
    },
    /// A path that two readers may read differently: with an escaped slash, a
    /// backslash, an escaped NUL, `..` after an empty segment, `..;`, or no `/`
    /// first.
    Ambiguous,
}

// === impl NormalPath ===

impl<'a> NormalPath<'a> {
    /// The normal form of a raw `:path`, without its query and fragment.
    pub fn of(raw: &'a [u8]) -> Self {
        let end = raw.iter().position(|byte| matches!(byte, b'?' | b'#'));
        let path = end.map_or(raw, |end| raw.get(..end).unwrap_or_default());
        if !path.starts_with(b"/") {
            return Self::Ambiguous;
        }
        if is_plain(path) {
            return Self::Normal {
                path: Cow::Borrowed(path),
                as_written: true,
            };
        }
        let Some(normal) = decode(path).and_then(|decoded| resolve(&decoded)) else {
            return Self::Ambiguous;
        };
        let rewritable = |byte: &u8| matches!(byte, b'%' | b';');
        Self::Normal {
            as_written: normal == path && !path.iter().any(rewritable),
            path: Cow::Owned(normal),
        }
    }
}

/// Whether a path is its own normal form at a glance, as nearly all are.
fn is_plain(path: &[u8]) -> bool {
    let odd = |pair: &[u8]| matches!(pair, [b'/', b'/' | b'.']);
    !path.iter().any(|byte| matches!(byte, b'%' | b'\\' | b';'))
        && !path.windows(2).any(odd)
        && (path == b"/" || !path.ends_with(b"/"))
}

/// Decodes each escape once; one that is none stays as it stands. `None` where
/// that would hide where a segment ends, or the path.
fn decode(path: &[u8]) -> Option<Cow<'_, [u8]>> {
    const HIDING: [&[u8]; 3] = [b"%2f", b"%5c", b"%00"];
    let hides = |escape: &[u8]| {
        HIDING
            .iter()
            .any(|hiding| escape.eq_ignore_ascii_case(hiding))
    };
    if path.contains(&b'\\') || path.windows(3).any(hides) {
        return None;
    }
    Some(percent_decode(path).into())
}

/// Merges slashes, resolves dot segments, drops a trailing slash. `None` where
/// `..` follows an empty segment, since whether it takes that one or the one
/// before depends on who merges slashes first; and for `..;x`, which is `..` to
/// servers that cut parameters.
fn resolve(path: &[u8]) -> Option<Vec<u8>> {
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/').skip(1) {
        match segment {
            b"." => {}
            b".." => {
                if segments.pop() == Some(b"") {
                    return None;
                }
            }
            [b'.', b';', ..] | [b'.', b'.', b';', ..] => return None,
            segment => segments.push(segment),
        }
    }
    segments.retain(|segment| !segment.is_empty());
    if segments.is_empty() {
        return Some(vec![b'/']);
    }
    let mut normal = Vec::with_capacity(path.len());
    for segment in segments {
        normal.push(b'/');
        normal.extend_from_slice(segment);
    }
    Some(normal)
}
