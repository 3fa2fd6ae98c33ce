//! A JSON text that is read while it passes, in pieces cut anywhere.
//!
//! It is not checked as a parser would check it: what is between quotes or in a
//! number may be malformed. But no two readers can disagree on where a member
//! begins and ends, if both take the text at all.

mod machine;
mod nesting;
mod number;
mod short;
mod space;
mod state;
mod unescape;
mod visitor;

pub(super) use machine::Machine;
pub(super) use number::Whole;
pub(super) use short::Short;
pub(super) use visitor::{Container, Scalar, Visitor};
