//! A value that stands in no log.

use std::fmt;

/// A secret of the operator's, as the configuration names it.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The secret itself.
    Text(Box<str>),
    /// The name of the variable in the VM's environment that holds it.
    Env(Box<str>),
}

/// Whether a text will do as a secret: one that a file has left a line break in
/// would make a broken header.
pub fn is_usable(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_control())
}

// === impl Secret ===

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(secret)"),
            Self::Env(name) => write!(f, "Env({name})"),
        }
    }
}
