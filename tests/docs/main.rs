//! What the pages for readers say, as far as it can be held to the repository: links and
//! their anchors, names of files and targets, runbooks of alerts, and every block of code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod alerts;
mod anchors;
mod blocks;
mod check;
mod commands;
mod links;
mod makefile;
mod names;
mod page;
mod shell;
mod templates;
