//! The bundle of `envoy/docker-compose.yaml`, as shipped, in a Docker engine of the test's
//! own, whose network is its own too: the machine's firewall and its Docker stay untouched.
//!
//! No registry is asked. The official images' names are borne by stand-ins made from Debian
//! (`stand_ins/`), so what differs between those and the official images is not seen here.
//! Where no engine can start, that is said and the tests pass, unless `REQUIRE_DOCKER=1`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    missing_docs
)]
// The filter's clock is one that a test can set. A container's is not.
#![allow(clippy::disallowed_methods)]

mod bundle;
mod compose;
mod engine;
mod harness;
mod images;
mod outages;
mod shipped;
