//! A string that is kept only while it is short.

/// A string of at most `N` bytes.
#[derive(Debug)]
pub(crate) struct Short<const N: usize> {
    bytes: [u8; N],
    len: usize,
    fits: bool,
}

// === impl Short ===

impl<const N: usize> Short<N> {
    pub(crate) fn new() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
            fits: true,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.fits = true;
    }

    pub(crate) fn push(&mut self, piece: &[u8]) {
        let end = self.len.saturating_add(piece.len());
        match self.bytes.get_mut(self.len..end) {
            Some(room) => {
                room.copy_from_slice(piece);
                self.len = end;
            }
            None => self.fits = false,
        }
    }

    /// All that was pushed. `None` if that was more than there is room for.
    pub(crate) fn get(&self) -> Option<&[u8]> {
        self.bytes.get(..self.len).filter(|_| self.fits)
    }
}
