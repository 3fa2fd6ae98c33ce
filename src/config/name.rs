//! Names, and lists of them in error messages.

use super::json::quoted;

/// What a name may be, for error messages.
pub(super) const NAME: &str = "a name of a-z, 0-9, _ and -, at most 64 characters, \
     the first one a letter or digit";

/// Whether a text is such a name.
pub(super) fn is_name(text: &str) -> bool {
    let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    text.len() <= 64
        && text.bytes().all(inner)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// `"a", "b" or "c"`.
pub(super) fn one_of<'s>(words: impl Iterator<Item = &'s str>) -> String {
    let quoted: Vec<String> = words.map(quoted).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// `"a", "b", "c"`.
pub(super) fn all_of<'s>(words: impl Iterator<Item = &'s str>) -> String {
    words.map(quoted).collect::<Vec<_>>().join(", ")
}
