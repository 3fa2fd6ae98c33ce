//! Where in a JSON text the next byte is.

use super::Scalar;

/// Where in a JSON text the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// So many bytes of a byte order mark, which may come first.
    Start(u8),
    Value,
    /// A value or the array's end.
    FirstValue,
    Key,
    /// A key or the object's end.
    FirstKey,
    Colon,
    /// A comma or the container's end.
    Comma,
    /// Nothing but white space may follow.
    Done,
    /// This is no JSON.
    Broken,
    /// In a container of which only the end is looked for.
    TooDeep,
    /// In a key.
    InKey,
    /// In a string that is told.
    InText,
    /// In a string that is not.
    InString,
    /// Behind a backslash in it.
    Escaped,
    InNumber,
    /// In a number that is not to be read.
    InDigits,
    /// In `true`, `false` or `null`: what is still to come.
    InWord(Scalar, &'static [u8]),
}
