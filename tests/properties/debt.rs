//! Settlement: what turns out to have been spent is charged, into debt if need be.

use std::num::{NonZeroU32, NonZeroU64};

use proptest::prelude::*;
use tollgate::limit::{Decision, TokenBucket};

const NOW: u64 = 1 << 40;

fn bucket(burst: u32, interval: u64) -> TokenBucket {
    let interval = NonZeroU64::new(interval).unwrap();
    TokenBucket::new(NonZeroU32::new(burst).unwrap(), interval).unwrap()
}

fn cost(units: u32) -> NonZeroU32 {
    NonZeroU32::new(units).unwrap()
}

proptest! {
    /// Every unit counts until the debt is full, and none beyond it.
    #[test]
    fn is_a_level_that_may_fall_below_zero(
        burst in 1_u32..50, interval in 1_000_u64..1_000_000, bursts in 0_u32..12,
        steps in prop::collection::vec((0_u64..3_000_000, -80_i64..700), 1..60),
    ) {
        let bucket = bucket(burst, interval).with_debt(bursts);
        let wide = i128::from(interval);
        let full = i128::from(burst) * wide;
        let (mut level, mut state, mut now) = (full, None, NOW);
        for (since, units) in steps {
            now += since;
            level = full.min(level + i128::from(since)) - i128::from(units) * wide;
            let beyond = (-level - full * i128::from(bursts)).max(0);
            level = full.min(level + beyond);
            let settled = bucket.settle(state, units, 0, now);
            prop_assert_eq!(i128::from(settled.next.tat - now), full - level);
            prop_assert_eq!(i128::from(settled.forgiven), (beyond + wide - 1) / wide);
            state = Some(settled.next);
            if let Decision::Denied { retry_after, remaining, .. } = bucket.decide(state, cost(1), now) {
                prop_assert_eq!(i128::from(retry_after.get()), wide - level);
                prop_assert_eq!(remaining, 0);
            }
        }
    }

    #[test]
    fn a_debt_is_forgotten_down_to_an_empty_bucket_when_the_rate_changes(
        burst in 1_u32..1_000, old in 1_000_u64..1_000_000, new in 1_000_u64..1_000_000, units in 0_i64..20_000,
    ) {
        prop_assume!(old != new);
        let owing = bucket(burst, old).with_debt(10).settle(None, units, 0, NOW).next;
        let after = bucket(burst, new).with_debt(10).settle(Some(owing), 0, 0, NOW).next;
        prop_assert_eq!(after.tat - NOW, new * (units as u64).min(burst.into()));
    }

    #[test]
    fn any_units_are_safe(burst in 1..=u32::MAX, units in any::<i64>(), bursts in any::<u32>(), now in any::<u64>()) {
        let bucket = bucket(burst, 70_000_000).with_debt(bursts);
        let first = bucket.settle(None, units, 0, now);
        bucket.settle(Some(first.next), units, 0, now);
        bucket.decide(Some(first.next), cost(1), now);
    }
}

#[test]
fn without_debt_an_empty_bucket_is_as_low_as_it_gets() {
    let settled = bucket(10, 1_000).settle(None, 25, 0, NOW);
    assert_eq!((settled.next.tat - NOW, settled.forgiven), (10_000, 15));
}

#[test]
fn ten_bursts_of_debt_are_exact_and_the_next_unit_is_forgiven() {
    let bucket = bucket(10, 1_000).with_debt(10);
    let all = bucket.settle(None, 110, 0, NOW);
    assert_eq!((all.next.tat - NOW, all.forgiven), (110_000, 0));
    let more = bucket.settle(Some(all.next), 1, 0, NOW);
    assert_eq!((more.next, more.forgiven), (all.next, 1));
    let half_later = bucket.settle(Some(all.next), 1, 0, NOW + 500);
    assert_eq!(half_later.forgiven, 1, "a part of a unit counts as one");
}
