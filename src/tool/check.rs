//! `tollgate check`: what Envoy's log would say of a configuration.

use std::io::{self, Read};
use std::path::Path;
use std::{fmt, fs};

use crate::config::{Config, ConfigError, Warning};

/// A sound configuration in one line, or all that is wrong with it.
pub type Checked = Result<Summary, Vec<ConfigError>>;

/// What a configuration holds.
#[derive(Debug)]
pub struct Summary {
    limits: usize,
    routes: usize,
    entries: u64,
    warnings: Vec<Warning>,
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// Where the file cannot be read.
pub fn read(file: &Path) -> io::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut text = Vec::new();
        io::stdin().read_to_end(&mut text)?;
        return Ok(text);
    }
    fs::read(file)
}

/// Checks a configuration.
///
/// # Errors
/// Every error of it.
pub fn check(text: &[u8]) -> Checked {
    let config = Config::parse(text)?;
    Ok(Summary {
        limits: config.limits.len(),
        routes: config.routes.iter().count(),
        entries: config.layout.entries(),
        warnings: config.warnings().collect(),
    })
}

impl Summary {
    /// What an operator should look at twice.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        let (limits, routes) = (count(self.limits, "limit"), count(self.routes, "route"));
        write!(f, "{limits}, {routes}, a table of {} entries", self.entries)
    }
}
