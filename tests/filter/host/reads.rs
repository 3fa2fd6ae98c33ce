//! What a gateway has read, where a test asks what a request pays for.

pub use super::state::Reads;
use super::Gateway;

// === impl Gateway ===

impl Gateway {
    /// What was read since last asked.
    pub fn reads(&self) -> Reads {
        self.with(|host| std::mem::take(&mut host.reads))
    }
}
