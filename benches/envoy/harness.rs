//! The parts of the tests' harness that serve here: processes that do not outlive their
//! starter, where the artefacts are, a client.
#![allow(dead_code)]

#[path = "../../tests/envoy/harness/chunked.rs"]
mod chunked;
#[path = "../../tests/envoy/harness/http.rs"]
pub mod http;
#[path = "../../tests/envoy/harness/paths.rs"]
pub mod paths;
#[path = "../../tests/envoy/harness/process.rs"]
pub mod process;
