//! The script that Redis runs.

use sha1::{Digest, Sha1};

/// `script.lua` and its SHA-1, by which Redis knows it.
#[derive(Debug)]
pub struct Script {
    body: String,
    sha: String,
}

/// With this first line, the hosted Upstash locks only the script's keys and
/// not the whole database. A plain Redis refuses it.
const KEY_LOCKING: &str = "#!lua flags=allow-key-locking\n";

const SOURCE: &str = include_str!("script.lua");

// === impl Script ===

impl Script {
    /// The script for the Redis behind this authority.
    pub fn behind(authority: &str) -> Self {
        let host = authority.split(':').next().unwrap_or_default();
        let hosted = host.to_ascii_lowercase().ends_with(".upstash.io");
        let body = [if hosted { KEY_LOCKING } else { "" }, SOURCE].concat();
        let sha = Sha1::digest(&body);
        Self {
            sha: sha.iter().map(|byte| format!("{byte:02x}")).collect(),
            body,
        }
    }

    /// The whole script.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Its SHA-1 in hexadecimal.
    pub fn sha(&self) -> &str {
        &self.sha
    }
}
