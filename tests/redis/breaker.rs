//! A Redis that fails is left alone for a while, and asked again.

use proptest::prelude::*;
use tollgate::redis::{Breaker, BreakerSettings};

use crate::{ns, units, SECOND};

fn breaker(failures: u32) -> Breaker {
    Breaker::new(BreakerSettings {
        failures: units(failures),
        cooldown: ns(SECOND),
    })
}

const NOW: u64 = 1 << 40;

#[test]
fn so_many_failures_in_a_row_open_it() {
    let mut breaker = breaker(3);
    for _ in 0..5 {
        breaker.failed(NOW);
        breaker.failed(NOW);
        assert!(breaker.admits(NOW));
        breaker.succeeded();
    }
    breaker.failed(NOW);
    breaker.failed(NOW);
    breaker.failed(NOW);
    assert!(!breaker.admits(NOW));
    assert!(!breaker.admits(NOW + SECOND - 1));
}

#[test]
fn one_probe_goes_out_in_each_cooldown() {
    let mut breaker = breaker(1);
    breaker.failed(NOW);
    for round in 1..4 {
        let at = NOW + round * SECOND;
        assert!(!breaker.admits(at - 1));
        assert!(breaker.admits(at));
        // Its answer may never come.
        assert!(!breaker.admits(at));
        assert!(!breaker.admits(at + SECOND - 1));
    }
}

#[test]
fn a_probe_closes_it_or_opens_it_again() {
    let mut closed = breaker(2);
    closed.failed(NOW);
    closed.failed(NOW);
    assert!(closed.admits(NOW + SECOND));
    closed.succeeded();
    assert!(closed.admits(NOW + SECOND));
    // And starts to count anew.
    closed.failed(NOW + SECOND);
    assert!(closed.admits(NOW + SECOND));

    let mut open = breaker(2);
    open.failed(NOW);
    open.failed(NOW);
    assert!(open.admits(NOW + SECOND));
    open.failed(NOW + SECOND + 5);
    assert!(!open.admits(NOW + 2 * SECOND + 4));
    assert!(open.admits(NOW + 2 * SECOND + 5));
}

#[test]
fn the_end_of_time_is_no_trouble() {
    let mut breaker = Breaker::new(BreakerSettings {
        failures: units(u32::MAX),
        cooldown: ns(u64::MAX),
    });
    breaker.failed(u64::MAX);
    assert!(breaker.admits(u64::MAX));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Ask,
    Succeeded,
    Failed,
}

proptest! {
    /// Against an account of its own: calls that go out in the open state are at
    /// least a cooldown apart, and none goes out within one of a failure then.
    #[test]
    fn an_open_breaker_is_asked_once_in_a_cooldown(
        failures in 1_u32..4,
        steps in prop::collection::vec(
            (prop::sample::select(vec![Step::Ask, Step::Ask, Step::Succeeded, Step::Failed, Step::Failed]), 0..SECOND * 3 / 4),
            1..120,
        ),
    ) {
        let mut breaker = breaker(failures);
        let (mut now, mut in_a_row, mut shut_until) = (NOW, 0, None);
        for (step, since) in steps {
            now += since;
            match step {
                Step::Ask => {
                    let expected = shut_until.is_none_or(|until| now >= until);
                    prop_assert_eq!(breaker.admits(now), expected);
                    if expected && shut_until.is_some() {
                        shut_until = Some(now + SECOND);
                    }
                }
                Step::Succeeded => {
                    breaker.succeeded();
                    (in_a_row, shut_until) = (0, None);
                }
                Step::Failed => {
                    breaker.failed(now);
                    in_a_row += 1;
                    if in_a_row >= failures {
                        shut_until = Some(now + SECOND);
                    }
                }
            }
        }
    }
}
