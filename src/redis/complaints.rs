//! When to complain of a failure: once for each class and cooldown, since a
//! Redis that is down fails every request.

use super::FailureClass;

/// What was complained of, and when.
#[derive(Debug, Default)]
pub struct Complaints {
    by_class: [Silence; FailureClass::ALL.len()],
}

#[derive(Debug, Default, Clone, Copy)]
struct Silence {
    /// Nothing more to be said before, ns.
    until: u64,
    /// Failures since the last complaint.
    unsaid: u64,
}

// === impl Complaints ===

impl Complaints {
    /// Notes a failure. `Some` where it is to be complained of, with how many
    /// there were since the last complaint that were not.
    pub fn note(&mut self, class: FailureClass, cooldown: u64, now: u64) -> Option<u64> {
        let silence = self.by_class.get_mut(class.index())?;
        if now < silence.until {
            silence.unsaid = silence.unsaid.saturating_add(1);
            return None;
        }
        silence.until = now.saturating_add(cooldown);
        Some(std::mem::take(&mut silence.unsaid))
    }
}
