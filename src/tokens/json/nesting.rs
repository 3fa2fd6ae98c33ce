//! Which containers are open.

use super::Container;

/// The containers that are open, in constant space: a number, and a bit for each
/// of the outermost ones.
#[derive(Debug)]
pub(super) struct Nesting {
    depth: u64,
    /// The innermost container that has a bit has the lowest: 1 for an object.
    objects: u128,
    was_too_deep: bool,
}

/// Containers that have a bit.
const LEVELS: u64 = u128::BITS as u64;

// === impl Nesting ===

impl Nesting {
    /// No container is open.
    pub(super) fn new() -> Self {
        Self {
            depth: 0,
            objects: 0,
            was_too_deep: false,
        }
    }

    pub(super) fn open(&mut self, container: Container) {
        self.depth = self.depth.saturating_add(1);
        if self.is_too_deep() {
            self.was_too_deep = true;
        } else {
            let bit = u128::from(container == Container::Object);
            self.objects = self.objects << 1 | bit;
        }
    }

    pub(super) fn close(&mut self) {
        if !self.is_too_deep() {
            self.objects >>= 1;
        }
        self.depth = self.depth.saturating_sub(1);
    }

    pub(super) fn is_open(&self) -> bool {
        self.depth > 0
    }

    /// Whether the innermost container has no bit.
    pub(super) fn is_too_deep(&self) -> bool {
        self.depth > LEVELS
    }

    /// Whether one ever had none.
    pub(super) fn was_too_deep(&self) -> bool {
        self.was_too_deep
    }

    /// Whether the innermost container is an object.
    pub(super) fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }
}
