//! The keyed hashes that place and name a client's entries.
//!
//! SipHash (Aumasson and Bernstein, 2012) under a key that is random per
//! process: who does not know the key can neither aim at another client's
//! entry nor fill a page of choice.

use std::num::NonZeroU64;

use siphasher::sip128::SipHasher13;

/// The secret of this process' table.
#[derive(Clone, Copy)]
pub struct TableKey([u8; 16]);

/// A client, as 128 keyed bits of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientHash {
    high: u64,
    low: u64,
}

/// A client's entry for one limit, as 64 keyed bits. Never zero: zero marks a
/// place that was never used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(NonZeroU64);

// === impl TableKey ===

impl TableKey {
    /// The length of a key in bytes.
    pub const LENGTH: usize = 16;

    /// A key of 16 random bytes.
    pub fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// Hashes a client id, which must be the same bytes for the same client
    /// only; see `client::ClientId`.
    pub fn client(&self, id: &[u8]) -> ClientHash {
        let hash = SipHasher13::new_with_key(&self.0).hash(id);
        ClientHash {
            high: hash.h1,
            low: hash.h2,
        }
    }
}

impl std::fmt::Debug for TableKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TableKey(secret)")
    }
}

// === impl ClientHash ===

impl ClientHash {
    /// The half that chooses the page.
    pub fn high(&self) -> u64 {
        self.high
    }

    /// The fingerprint of the client's entry for the limit of this tag. The other
    /// half is as good as random to whoever has not the key, and so is any
    /// number xor it: two entries are as unlikely to be alike as two halves,
    /// and those of one client are never.
    pub fn fingerprint(&self, limit_tag: u64) -> Fingerprint {
        Fingerprint(NonZeroU64::new(self.low ^ limit_tag).unwrap_or(NonZeroU64::MIN))
    }
}

// === impl Fingerprint ===

impl Fingerprint {
    /// The fingerprint as it stands in a page.
    pub fn get(self) -> u64 {
        self.0.get()
    }
}
