//! Tollgate: a proxy-wasm filter that limits each client of an API.
//!
//! The way of one request:
//!
//! 1. [`route`] says which limits it meets, [`client`] who asks, and
//!    [`admission`] puts the two together: what is to be charged where.
//! 2. [`table`] is the bounded store of what clients have spent, [`limit`]
//!    decides on it, and `host` reads and swaps its pages in Envoy's shared
//!    data.
//! 3. [`redis`] says what to ask where several gateways count together, and
//!    what the answer means.
//! 4. [`feedback`] turns the verdict into headers on the response, or into the
//!    whole reply to a request that does not pass.
//! 5. [`tokens`] reads of a model's request what it may take and of its response
//!    what it took, and the charge is settled to that.
//!
//! `filter` walks this way in Envoy's callbacks, `root` takes the [`config`]
//! in. All but `host`, `filter` and `root` is pure: functions of values, with
//! the time as an argument. `docs/design.md` argues the decisions.

pub mod admission;
pub mod client;
pub mod config;
pub mod feedback;
pub mod limit;
pub mod pseudonym;
pub mod redis;
pub mod request;
pub mod route;
pub mod secret;
pub mod table;
pub mod tokens;

mod filter;
mod host;
mod root;
