//! SHA-256 of an id, which an operator may list in its place: who reads the
//! configuration then reads no key. (FIPS 180-4. Without a salt, since keys are
//! long and random; a short or guessable one is no secret under any hash.)

use sha2::{Digest as _, Sha256};

/// SHA-256 of a client's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

// === impl Digest ===

impl Digest {
    /// The digest of an id.
    pub fn of(id: &[u8]) -> Self {
        Self(Sha256::digest(id).into())
    }

    /// A digest written as 64 hexadecimal digits, in either case. `None` for
    /// anything else.
    pub fn parse(digits: &str) -> Option<Self> {
        let mut digest = [0; 32];
        let (pairs, []) = digits.as_bytes().as_chunks::<2>() else {
            return None;
        };
        if pairs.len() != digest.len() {
            return None;
        }
        for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Some(Self(digest))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}
