//! Limits that several Envoys enforce together, with a real Redis and the real bridge.

mod failures;
mod hostile_bridge;
mod lease;
mod strict;
