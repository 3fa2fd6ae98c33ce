//! What a client is called outside of the filter: in Redis' keys and in the
//! access log.

use std::fmt;
use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// What makes pseudonyms of ids: HMAC-SHA-256 (RFC 2104), or SHA-256 where there
/// is no secret.
pub struct Pseudonyms {
    secret: Option<Box<[u8]>>,
}

/// The bytes of a hash that are shown: 128 bits.
const SHOWN: usize = 16;

// === impl Pseudonyms ===

impl Pseudonyms {
    /// With a secret, nobody who reads them can try out whose they are.
    pub fn new(secret: Option<&str>) -> Self {
        Self {
            secret: secret.map(|secret| secret.as_bytes().into()),
        }
    }

    /// The pseudonym of a client with this id: 32 hexadecimal digits.
    pub fn of(&self, client: &[u8]) -> String {
        let mut digits = String::with_capacity(2 * SHOWN);
        self.write(client, &mut digits);
        digits
    }

    /// Appends it.
    pub(crate) fn write(&self, client: &[u8], to: &mut String) {
        for byte in self.hash(client).iter().take(SHOWN) {
            // Writing to a String does not fail.
            let _ = write!(to, "{byte:02x}");
        }
    }

    fn hash(&self, client: &[u8]) -> [u8; 32] {
        // HMAC takes keys of every length.
        let keyed = self
            .secret
            .as_ref()
            .and_then(|secret| Hmac::<Sha256>::new_from_slice(secret).ok());
        match keyed {
            Some(mac) => mac.chain_update(client).finalize().into_bytes().into(),
            None => Sha256::digest(client).into(),
        }
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(…)")
    }
}
