//! Units that were reserved and turn out to be fewer come back as if the others had
//! never been taken, and never more than that.

use std::num::{NonZeroU32, NonZeroU64};

use proptest::prelude::*;
use tollgate::limit::{
    Allowance, BucketState, Cost, Decision, Now, Settlement, State, TokenBucket,
};

const START: u64 = 1_000_000_000_000;

/// What others do meanwhile: after so long, they ask for so many units.
type Others = Vec<(u64, u32)>;

fn bucket(burst: u32, interval: u64) -> TokenBucket {
    let (burst, interval) = (NonZeroU32::new(burst), NonZeroU64::new(interval));
    TokenBucket::new(burst.unwrap(), interval.unwrap())
        .unwrap()
        .with_debt(10)
}

fn charge(
    bucket: &TokenBucket,
    state: Option<BucketState>,
    units: u32,
    now: u64,
) -> Option<(BucketState, u64)> {
    let cost = Cost::new(units)?;
    match bucket.decide(state, cost, now) {
        Decision::Allowed { next, full_in, .. } => Some((next, full_in)),
        Decision::Denied { .. } => None,
    }
}

fn settle(
    bucket: &TokenBucket,
    state: BucketState,
    settlement: &Settlement,
    now: u64,
) -> BucketState {
    let now = Now {
        monotonic: now,
        wall: 0,
    };
    let (state, _) = Allowance::Bucket(*bucket).settle(Some(State::Bucket(state)), settlement, now);
    match state {
        State::Bucket(state) => state,
        other => panic!("{other:?}"),
    }
}

fn ahead(state: &BucketState, now: u64) -> u64 {
    state.tat.saturating_sub(now)
}

proptest! {
    /// Against a bucket from which only what was used was taken, at the time at which
    /// more was reserved.
    #[test]
    fn no_more_comes_back_than_had_never_been_taken(
        burst in 1_u32..2_000, interval in 1_u64..3_000,
        before in 0_u32..2_000, reserved in 1_u32..2_000, used in 0_u32..4_000,
        others in prop::collection::vec((0_u64..2_000_000, 1_u32..500), 0..12),
        last in 0_u64..3_000_000,
    ) {
        let bucket = bucket(burst, interval);
        let state = charge(&bucket, None, before, START).map(|(state, _)| state);
        let Some((taken, full_in)) = charge(&bucket, state, reserved, START) else {
            return Ok(());
        };
        let charged_at = Now { monotonic: START, wall: 0 };
        let exact = {
            let units = i64::from(used) - i64::from(reserved);
            settle(&bucket, taken, &Settlement { units, charged_at, full_in: u64::MAX }, START)
        };
        let (mut real, mut ideal) = (taken, exact);
        let mut now = START;
        let mut was_full = false;
        let rest = u64::from(reserved.saturating_sub(used)) * interval;
        for (after, units) in others as Others {
            now += after;
            was_full |= ahead(&real, now) < rest;
            if let Some((next, _)) = charge(&bucket, Some(real), units, now) {
                real = next;
                // Who has more room lets pass what passes here. Of an overrun it knows already.
                let charged = Settlement { units: units.into(), charged_at, full_in: 0 };
                ideal = settle(&bucket, ideal, &charged, now);
            }
        }
        now += last;
        was_full |= ahead(&real, now) < rest;
        let units = i64::from(used) - i64::from(reserved);
        let settled = settle(&bucket, real, &Settlement { units, charged_at, full_in }, now);
        if units <= 0 {
            prop_assert!(ahead(&settled, now) >= ahead(&ideal, now), "{settled:?} {ideal:?}");
            // And all of it, as long as the bucket cannot have been full.
            if !was_full && full_in.saturating_sub(now - START) >= rest {
                prop_assert_eq!(ahead(&settled, now), ahead(&ideal, now));
            }
        } else {
            prop_assert!(ahead(&settled, now) >= ahead(&real, now));
        }
    }

    /// Whatever is reserved and settled in whatever order, while time stands still: the
    /// balance is the budget less what was used.
    #[test]
    fn the_balance_is_the_budget_less_what_was_used(
        requests in prop::collection::vec((1_u32..100, 0_u32..150), 1..20),
        order in any::<u64>(),
    ) {
        let bucket = bucket(1_000, 10_000_000);
        let mut state = None;
        let mut open = Vec::new();
        let mut spent = 0_u64;
        for (reserved, used) in requests {
            if let Some((next, full_in)) = charge(&bucket, state, reserved, START) {
                state = Some(next);
                open.push((reserved, used, full_in));
            }
            if order.rotate_left(u32::try_from(open.len()).unwrap()) % 3 == 0 {
                let at = usize::try_from(order).unwrap() % open.len().max(1);
                if at < open.len() {
                    let (reserved, used, full_in) = open.swap_remove(at);
                    let units = i64::from(used) - i64::from(reserved);
                    let charged_at = Now { monotonic: START, wall: 0 };
                    let settlement = Settlement { units, charged_at, full_in };
                    state = state.map(|state| settle(&bucket, state, &settlement, START));
                    spent += u64::from(used);
                }
            }
        }
        for (reserved, used, full_in) in open {
            let units = i64::from(used) - i64::from(reserved);
            let charged_at = Now { monotonic: START, wall: 0 };
            let settlement = Settlement { units, charged_at, full_in };
            state = state.map(|state| settle(&bucket, state, &settlement, START));
            spent += u64::from(used);
        }
        let spent_time = state.map_or(0, |state| ahead(&state, START));
        prop_assert_eq!(spent_time, spent * 10_000_000);
    }
}

#[test]
fn a_request_held_open_banks_nothing() {
    let bucket = bucket(100, 10);
    let (taken, full_in) = charge(&bucket, None, 100, START).unwrap();
    // Full again after 1000 ns, and spent by others.
    let (empty, _) = charge(&bucket, Some(taken), 100, START + 1_000).unwrap();
    let charged_at = Now {
        monotonic: START,
        wall: 0,
    };
    let back = Settlement {
        units: -100,
        charged_at,
        full_in,
    };
    let settled = settle(&bucket, empty, &back, START + 1_000);
    assert_eq!(ahead(&settled, START + 1_000), 1_000);
}
