//! Limits that several Envoys enforce together, with a real Redis and the real bridge.

mod lease;
mod strict;
