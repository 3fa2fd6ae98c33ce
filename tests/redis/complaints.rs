//! A Redis that is down fails every request; the log says it once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tollgate::redis::{Complaints, FailureClass};

use crate::SECOND;

#[test]
fn the_first_of_a_class_is_said_and_the_rest_counted() {
    let mut complaints = Complaints::default();
    let now = 1 << 40;
    assert_eq!(complaints.note(FailureClass::Timeout, SECOND, now), Some(0));
    for later in 0..50 {
        assert_eq!(
            complaints.note(FailureClass::Timeout, SECOND, now + later),
            None
        );
    }
    assert_eq!(
        complaints.note(FailureClass::Timeout, SECOND, now + SECOND - 1),
        None
    );
    // Another class is another matter.
    assert_eq!(complaints.note(FailureClass::Foreign, SECOND, now), Some(0));
    assert_eq!(
        complaints.note(FailureClass::Timeout, SECOND, now + SECOND),
        Some(51)
    );
    assert_eq!(
        complaints.note(FailureClass::Timeout, SECOND, now + 2 * SECOND),
        Some(0)
    );
    assert_eq!(
        complaints.note(FailureClass::Timeout, u64::MAX, u64::MAX),
        Some(0)
    );
}

proptest! {
    #[test]
    fn every_failure_is_said_or_counted_once(
        notes in prop::collection::vec((0_usize..11, 0..SECOND / 2), 1..200),
    ) {
        let mut complaints = Complaints::default();
        let mut now = 1 << 40;
        let mut silent: BTreeMap<usize, u64> = BTreeMap::new();
        let mut last: BTreeMap<usize, u64> = BTreeMap::new();
        for (index, since) in notes {
            now += since;
            let said = complaints.note(FailureClass::ALL[index], SECOND, now);
            let due = last.get(&index).is_none_or(|last| now >= last + SECOND);
            prop_assert_eq!(said.is_some(), due);
            match said {
                Some(unsaid) => {
                    last.insert(index, now);
                    prop_assert_eq!(unsaid, silent.insert(index, 0).unwrap_or(0));
                }
                None => *silent.entry(index).or_default() += 1,
            }
        }
    }
}
