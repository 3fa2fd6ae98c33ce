//! The native tool. It shares the pure code with the filter and never reaches
//! a hostcall.

pub mod check;
