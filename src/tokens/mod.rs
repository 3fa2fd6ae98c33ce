//! What a model's request asks for, and what its response says it took, in
//! tokens.
//!
//! Bodies pass through Envoy in pieces, cut anywhere, and are never held here:
//! [`RequestScanner`] and [`ResponseScanner`] see each byte once, keep a few
//! hundred bytes of state whatever comes, and find a few numbers. Nothing else of
//! a body is kept, and nothing in it can make them panic.

mod asked;
mod document;
mod framing;
mod json;
mod mark;
mod model;
mod place;
mod policy;
mod reported;
mod request;
mod reservation;
mod response;
mod shape;
mod sse;
mod usage;

pub use crate::request::Model;
pub use framing::Framing;
pub use policy::{Policy, Reserve, UsageFrom};
pub use request::{Closing, RequestScanner};
pub use reservation::Reservation;
pub use response::{Passed, ResponseScanner};
pub use shape::Shape;
pub use usage::Usage;
