//! What operators of Istio and Envoy Gateway copy: every manifest against the schema of its
//! kind, and every plugin configuration in one against the filter's own reader.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod configuration;
mod crds;
mod documents;
mod pages;
mod schema;
mod validation;
mod workflows;
