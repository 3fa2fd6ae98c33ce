//! Secrets, from the configuration or the VM's environment.

use std::env;
use std::fmt;

use crate::secret::{is_usable, Secret};

/// A secret that cannot be had.
#[derive(Debug)]
pub(crate) struct NoSecret {
    variable: Box<str>,
}

/// The secret itself.
pub(crate) fn reveal(secret: &Secret) -> Result<String, NoSecret> {
    match secret {
        Secret::Text(text) => Ok(text.to_string()),
        Secret::Env(name) => match env::var(&**name) {
            Ok(text) if is_usable(&text) => Ok(text),
            _ => Err(NoSecret {
                variable: name.clone(),
            }),
        },
    }
}

// === impl NoSecret ===

impl fmt::Display for NoSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the VM's environment has no usable {} (vm_config.environment_variables hands it on; \
             it must not be empty, nor hold a line break)",
            self.variable
        )
    }
}
