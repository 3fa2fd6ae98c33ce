//! What a configuration may say, and what a wrong one is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    missing_docs
)]

mod clients;
mod cluster;
mod errors;
mod examples;
mod feedback;
mod limits;
mod log_client;
mod plan_from;
mod plans;
mod redis;
mod secrets;
mod status;
mod tokens;
mod unmatched;
mod whole_files;

use tollgate::config::Config;

/// The errors of a configuration, each as it is shown.
fn errors(json: &str) -> Vec<String> {
    match Config::parse(json.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

/// A configuration around some fields of a limit.
fn with_limit(fields: &str) -> String {
    format!(r#"{{"client_from": [{{"ip": {{}}}}], "limits": {{"rpm": {{{fields}}}}}}}"#)
}

/// A configuration around a source.
fn with_source(source: &str) -> String {
    format!(r#"{{"client_from": [{source}], "limits": {{"rpm": {{"rate": "9/s"}}}}}}"#)
}

/// A configuration around some routes.
fn with_routes(routes: &str) -> String {
    format!(
        r#"{{"client_from": [{{"ip": {{}}}}], "limits": {{"rpm": {{"rate": "9/s"}}}}, "routes": {routes}}}"#
    )
}

/// A configuration around some fields at the top.
fn with_top(fields: &str) -> String {
    format!(
        r#"{{"client_from": [{{"ip": {{}}}}], "limits": {{"rpm": {{"rate": "9/s"}}}}, {fields}}}"#
    )
}
