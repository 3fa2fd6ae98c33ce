//! The parts of the harness of the tests on Envoy that serve here.
#![allow(dead_code, unreachable_pub)]

#[path = "../envoy/harness/chunked.rs"]
mod chunked;
#[path = "../envoy/harness/http.rs"]
mod http;
#[path = "../envoy/harness/paths.rs"]
mod paths;
#[path = "../envoy/harness/process.rs"]
mod process;

pub(crate) use http::{Answer, Client};
pub(crate) use paths::{docker_base, docker_compose, envoy, model_api, root, wasm};
pub(crate) use process::{eventually, promptly, Process};
