//! UTF-8's byte order mark, which may come first and means nothing.

/// What a body's first bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A mark, up to here.
    Begun(u8),
    /// A whole one.
    Whole,
    /// None at all: the body begins with this byte.
    None,
    /// Something that only began like one.
    Other,
}

const BYTES: [u8; 3] = [0xEF, 0xBB, 0xBF];

// === impl Mark ===

impl Mark {
    /// What they are with this byte behind so many bytes of a mark.
    pub(super) fn after(seen: u8, byte: u8) -> Self {
        match (seen, BYTES.get(usize::from(seen)) == Some(&byte)) {
            (0..2, true) => Self::Begun(seen.saturating_add(1)),
            (_, true) => Self::Whole,
            (0, false) => Self::None,
            (_, false) => Self::Other,
        }
    }
}
