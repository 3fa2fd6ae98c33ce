//! Slots against a list of the requests that hold them.

use std::collections::VecDeque;
use std::num::NonZeroU32;

use proptest::prelude::*;
use tollgate::limit::{Concurrency, SlotDecision, SlotState};

const SECOND: u64 = 1_000_000_000;

fn limit(slots: u32, timeout: u32) -> Concurrency {
    let some = |number| NonZeroU32::new(number).unwrap();
    Concurrency::new(some(slots), some(timeout)).unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Take,
    /// The end of one of those that hold a slot.
    End(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(70), 1..200)
}

/// With waits of up to so many seconds.
fn step(longest: u64) -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..longest * SECOND).prop_map(Step::Wait),
        Just(Step::Take),
        Just(Step::Take),
        any::<prop::sample::Index>().prop_map(Step::End),
    ]
}

/// What each step is decided under, by its place in a list of timeouts, in seconds.
fn steps_of_several() -> impl Strategy<Value = (Vec<(prop::sample::Index, Step)>, Vec<u32>)> {
    let steps = prop::collection::vec((any::<prop::sample::Index>(), step(25)), 1..200);
    (steps, prop::collection::vec(30_u32..2_000, 1..4))
}

proptest! {
    /// One that is younger than the timeout always counts, one that is older than two never.
    #[test]
    fn counts_every_slot_until_it_ends_or_is_abandoned(
        steps in steps(), slots in 1_u32..6, timeout in 1_u32..60,
    ) {
        let limit = limit(slots, timeout);
        let timeout = u64::from(timeout) * SECOND;
        let (mut state, mut now): (Option<SlotState>, u64) = (None, 1 << 40);
        let mut held: Vec<u64> = Vec::new();
        for step in steps {
            match step {
                Step::Wait(nanos) => now += nanos,
                Step::Take => {
                    let younger = |age| held.iter().filter(|taken| now - **taken < age).count();
                    match limit.take(state, now) {
                        SlotDecision::Taken { next, remaining } => {
                            prop_assert!(younger(timeout) < slots as usize);
                            prop_assert!(remaining < slots);
                            state = Some(next);
                            held.push(now);
                        }
                        SlotDecision::NoneFree => {
                            prop_assert!(younger(2 * timeout) >= slots as usize);
                        }
                    }
                }
                Step::End(index) => if !held.is_empty() {
                    let taken = held.swap_remove(index.index(held.len()));
                    state = state.map(|state| limit.release(state, taken, now));
                }
            }
        }
        // Whoever still holds one comes back late, or not at all.
        let free = limit.free(state, now + 2 * timeout);
        prop_assert_eq!(free, slots);
    }

    #[test]
    fn what_all_give_back_is_all_there_is(
        taken in prop::collection::vec(0_u64..30 * SECOND, 1..50),
    ) {
        let limit = limit(50, 60);
        let (mut state, mut now, mut at) = (None, 1 << 40, Vec::new());
        for wait in &taken {
            let SlotDecision::Taken { next, .. } = limit.take(state, now) else { break };
            (state, now) = (Some(next), now + wait / 50);
            at.push(now - wait / 50);
        }
        for taken_at in at {
            state = state.map(|state| limit.release(state, taken_at, now));
        }
        prop_assert_eq!(state.unwrap().held(), 0);
    }

    #[test]
    fn any_state_at_any_time_is_safe(
        gone_at in any::<u64>(), timeout in any::<u32>(), current in any::<u32>(), previous in any::<u32>(),
        now in any::<u64>(), taken_at in any::<u64>(),
    ) {
        let state = SlotState { gone_at, timeout, current, previous };
        let limit = limit(7, 9);
        limit.take(Some(state), now);
        let released = limit.release(state, taken_at, now);
        prop_assert!(released.held() <= state.held());
        prop_assert!(limit.free(Some(state), now) <= 7);
    }

    /// Configurations take turns, as over a reload, when workers and requests of the one of
    /// before are still at work. Requests that end before any timeout are counted exactly.
    #[test]
    fn another_timeout_loses_no_slot(
        (steps, timeouts) in steps_of_several(), slots in 1_u32..6,
    ) {
        let limits: Vec<Concurrency> = timeouts.iter().map(|timeout| limit(slots, *timeout)).collect();
        let shortest = u64::from(*timeouts.iter().min().unwrap()) * SECOND;
        let (mut state, mut now): (Option<SlotState>, u64) = (None, 1 << 50);
        let mut held: VecDeque<u64> = VecDeque::new();
        for (index, step) in steps {
            let limit = index.get(&limits);
            let ended = match step {
                Step::Wait(nanos) => {
                    // Those that would grow too old end before.
                    let old = |taken: &&u64| now + nanos - **taken >= shortest;
                    let count = held.iter().filter(old).count();
                    let ended: Vec<u64> = held.drain(..count).collect();
                    for taken_at in ended {
                        state = state.map(|state| limit.release(state, taken_at, now));
                    }
                    now += nanos;
                    continue;
                }
                Step::Take => {
                    match limit.take(state, now) {
                        SlotDecision::Taken { next, .. } => {
                            prop_assert!(held.len() < slots as usize);
                            state = Some(next);
                            held.push_back(now);
                        }
                        SlotDecision::NoneFree => prop_assert_eq!(held.len(), slots as usize),
                    }
                    continue;
                }
                Step::End(index) if !held.is_empty() => held.remove(index.index(held.len())),
                Step::End(_) => None,
            };
            if let (Some(taken_at), Some(before)) = (ended, state) {
                state = Some(limit.release(before, taken_at, now));
            }
            prop_assert_eq!(limit.free(state, now), slots - held.len() as u32);
        }
    }
}
