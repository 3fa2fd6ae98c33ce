//! The names of keys in Redis.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::limit::Cluster;

/// What makes names: `tollgate:<namespace>:{<client>}:<limit>`. The braces make
/// Redis Cluster keep all of a client's keys in one place.
pub struct Names {
    prefix: Box<str>,
    secret: Option<Box<[u8]>>,
}

/// The bytes of a hash that stand in a name: 128 bits.
const SHOWN: usize = 16;

/// What a key ends with for a limit of this name: `rpm:5f1c09ab`. The digits
/// stand for what else its state belongs to; `belongs_to` says that in the same
/// words in every build.
pub fn limit_key(name: &str, belongs_to: &str) -> String {
    let hash = Sha256::digest(belongs_to);
    let digits = hash.iter().take(4).map(|byte| format!("{byte:02x}"));
    format!("{name}:{}", digits.collect::<String>())
}

// === impl Names ===

impl Names {
    /// The names under this namespace. With a secret, nobody who reads them can
    /// try out whose they are.
    pub fn new(namespace: &str, secret: Option<&str>) -> Self {
        Self {
            prefix: format!("tollgate:{namespace}:{{").into(),
            secret: secret.map(|secret| secret.as_bytes().into()),
        }
    }

    /// The key of a client's state for a limit. The client's id goes in as
    /// HMAC-SHA-256 (RFC 2104), or SHA-256 where there is no secret.
    pub fn key(&self, client: &[u8], limit: &Cluster) -> String {
        let mut key = String::from(&*self.prefix);
        for byte in self.hash(client).iter().take(SHOWN) {
            // Writing to a String does not fail.
            let _ = write!(key, "{byte:02x}");
        }
        key.push_str("}:");
        key.push_str(&limit.key);
        key
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

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Names({}…)", self.prefix)
    }
}
