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
const AMPLE_TOKENS: &str = r#"{"rate": "1000000/s", "unit": "tokens"}"#;
const SCARCE: &str = r#"{"rate": "1/d"}"#;

/// Where among streams' variants the two copies of the module that reads bodies stand.
pub const READER: usize = 1;
pub const READER_AGAIN: usize = 2;

/// What has the no-op module read bodies.
const READS: &str = "read bodies";

pub fn of_requests(clients: u32, modules: &[PathBuf]) -> Vec<Variant> {
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
    variants.extend(others(modules, &one));
    variants
}

pub fn of_streams(modules: &[PathBuf]) -> Vec<Variant> {
    let noop = paths::wasm("noop");
    let tokens = configuration(&[("tokens", AMPLE_TOKENS)]);
    let mut variants = vec![
        variant("no filter", None),
        module("a module that reads bodies", &noop, READS),
        module("the same again", &noop, READS),
        module("no-op module", &noop, ""),
        module(
            "Tollgate, a limit in tokens",
            &paths::wasm("tollgate"),
            &tokens,
        ),
    ];
    variants.extend(others(modules, &tokens));
    variants
}

/// Other modules, each under its file's name.
fn others<'a>(
    modules: &'a [PathBuf],
    configuration: &'a str,
) -> impl Iterator<Item = Variant> + 'a {
    modules.iter().map(move |file| {
        let file = file.canonicalize().expect("the module is there");
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        module(&name, &file, configuration)
    })
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
