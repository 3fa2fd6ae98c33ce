//! What is wrong with a configuration, said so that it can be mended.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

/// One thing that is wrong: where, what was found, what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigError {
    path: String,
    expected: String,
    found: String,
}

/// The errors found so far. Readers share it, so that one pass finds them all.
#[derive(Debug, Default)]
pub(super) struct Errors(RefCell<Vec<ConfigError>>);

// === impl ConfigError ===

impl ConfigError {
    /// The JSON path, such as `limits.rpm.burst`.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            expected,
            found,
        } = self;
        write!(f, "{path}: expected {expected}, found {found}")
    }
}

impl std::error::Error for ConfigError {}

// === impl Errors ===

impl Errors {
    pub(super) fn unexpected(
        &self,
        path: &str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) {
        let path = if path.is_empty() {
            "configuration"
        } else {
            path
        };
        self.0.borrow_mut().push(ConfigError {
            path: path.to_owned(),
            expected: expected.into(),
            found: found.into(),
        });
    }

    /// In the order in which they were found, each once: a field is read again
    /// under every plan.
    pub(super) fn into_vec(self) -> Vec<ConfigError> {
        let mut errors = self.0.into_inner();
        let mut told = BTreeSet::new();
        errors.retain(|error| told.insert(error.clone()));
        errors
    }
}
