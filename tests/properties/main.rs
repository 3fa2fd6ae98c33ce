//! The promises of the pure core, as properties.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod bucket;
mod clients;
mod config;
mod debt;
mod entries;
mod kept;
mod listed;
mod path;
mod quota;
mod settlement;
mod slots;
mod table;
