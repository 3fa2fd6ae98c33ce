//! What is compared: the filter chains, each on a listener of its own.

use super::harness::paths;
use std::path::{Path, PathBuf};

/// A filter chain and the answers that it has to give.
pub struct Variant {
    /// For the table.
    pub name: String,
    /// The filter, if any.
    pub filter: Option<Filter>,
    /// The class of all answers, `2xx` or `4xx`.
    pub answers: &'static str,
}

pub enum Filter {
    Module {
        file: PathBuf,
        /// The module's JSON.
        configuration: String,
    },
    /// Envoy's own limiter, with a bucket for each of so many clients.
    Native { clients: u32 },
}

/// Where the two copies of the no-op module and the chain without a filter stand.
pub const NONE: usize = 0;
pub const NOOP: usize = 1;
pub const NOOP_AGAIN: usize = 2;

/// Enough for all that a loopback can send, and too little for a second request.
const AMPLE: &str = r#"{"rate": "1000000/s"}"#;
const SCARCE: &str = r#"{"rate": "1/d"}"#;

pub fn all(clients: u32, modules: &[PathBuf]) -> Vec<Variant> {
    let noop = paths::wasm("noop");
    let tollgate = paths::wasm("tollgate");
    let one = configuration(&[("first", AMPLE)]);
    let two = configuration(&[("first", AMPLE), ("second", AMPLE)]);
    let none = configuration(&[("first", SCARCE)]);
    let mut variants = vec![
        variant("no filter", None),
        module("no-op module", &noop, ""),
        module("no-op module again", &noop, ""),
        module("Tollgate, one limit", &tollgate, &one),
        module("Tollgate, two limits", &tollgate, &two),
        Variant {
            answers: "4xx",
            ..module("Tollgate, denying", &tollgate, &none)
        },
        variant("Envoy's local_ratelimit", Some(Filter::Native { clients })),
    ];
    variants.extend(modules.iter().map(|file| {
        let file = file.canonicalize().expect("the module is there");
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        module(&name, &file, &one)
    }));
    variants
}

/// Clients by a header, one route, headers as by default.
fn configuration(limits: &[(&str, &str)]) -> String {
    let limits: Vec<_> = limits
        .iter()
        .map(|(name, limit)| format!("\"{name}\": {limit}"))
        .collect();
    format!(
        r#"{{"client_from": [{{"header": "x-api-key"}}], "limits": {{{}}}}}"#,
        limits.join(", ")
    )
}

fn variant(name: &str, filter: Option<Filter>) -> Variant {
    Variant {
        name: name.to_owned(),
        filter,
        answers: "2xx",
    }
}

fn module(name: &str, file: &Path, configuration: &str) -> Variant {
    let filter = Filter::Module {
        file: file.to_owned(),
        configuration: configuration.to_owned(),
    };
    variant(name, Some(filter))
}
