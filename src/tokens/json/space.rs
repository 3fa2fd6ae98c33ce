//! White space between tokens (RFC 8259, section 2).

/// The first byte that is no white space, and what follows it.
#[inline]
pub(super) fn behind(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut rest = bytes;
    loop {
        let (byte, tail) = rest.split_first()?;
        if !is_space(*byte) {
            return Some((*byte, tail));
        }
        rest = tail;
    }
}

/// Whether a number may end before this byte.
pub(super) fn ends_value(byte: u8) -> bool {
    matches!(byte, b',' | b'}' | b']') || is_space(byte)
}

#[inline]
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
