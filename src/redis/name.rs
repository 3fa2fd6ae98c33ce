//! The names of keys in Redis.

use sha2::{Digest, Sha256};

use crate::limit::Cluster;
use crate::pseudonym::Pseudonyms;

/// What makes names: `tollgate:<namespace>:{<client>}:<limit>`. The braces make
/// Redis Cluster keep all of a client's keys in one place.
pub struct Names {
    prefix: Box<str>,
    pseudonyms: Pseudonyms,
}

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
            pseudonyms: Pseudonyms::new(secret),
        }
    }

    /// The key of a client's state for a limit. The client goes in by its
    /// pseudonym.
    pub fn key(&self, client: &[u8], limit: &Cluster) -> String {
        let mut key = String::from(&*self.prefix);
        self.pseudonyms.write(client, &mut key);
        key.push_str("}:");
        key.push_str(&limit.key);
        key
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Names({}…)", self.prefix)
    }
}
