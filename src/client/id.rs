//! The bytes that identify a client in the table.

/// A client's id: for each part its kind, the kind's own name and the value,
/// each with its length, so that no header can pose as an address and
/// `[a, bc]` is not `[ab, c]`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ClientId(Vec<u8>);

/// Where an id comes from. Equal values of different kinds are different
/// clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Nobody: all requests without a client.
    Nobody = 0,
    /// A header, query parameter or cookie: the same key is the same client
    /// however it comes.
    Credential = 1,
    Ip = 2,
    JwtClaim = 3,
    Property = 4,
    PathParam = 5,
    Constant = 6,
}

/// A kind, two lengths, and an API key or an address.
const USUAL_BYTES: usize = 128;

// === impl ClientId ===

impl ClientId {
    /// The one client that all requests without one are.
    pub fn nobody() -> Self {
        let mut id = Self::default();
        id.push(Kind::Nobody, b"", b"");
        id
    }

    /// An empty id with room for a usual one.
    pub(crate) fn roomy() -> Self {
        Self(Vec::with_capacity(USUAL_BYTES))
    }

    /// Forgets what a source has left that yielded nothing in the end.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The bytes to hash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn push(&mut self, kind: Kind, name: &[u8], value: &[u8]) {
        const KIND_AND_LENGTHS: usize = 17;
        let texts = name.len().saturating_add(value.len());
        self.0.reserve(texts.saturating_add(KIND_AND_LENGTHS));
        self.0.push(kind as u8);
        for part in [name, value] {
            self.0.extend_from_slice(&(part.len() as u64).to_le_bytes());
            self.0.extend_from_slice(part);
        }
    }
}
