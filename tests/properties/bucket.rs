//! GCRA is an exact token bucket.

use std::num::{NonZeroU32, NonZeroU64};

use proptest::prelude::*;
use tollgate::limit::{BucketState, Decision, TokenBucket, MAX_FILL};

fn bucket(burst: u32, interval: u64) -> TokenBucket {
    let interval = NonZeroU64::new(interval).unwrap();
    TokenBucket::new(NonZeroU32::new(burst).unwrap(), interval).unwrap()
}

fn cost(units: u32) -> NonZeroU32 {
    NonZeroU32::new(units).unwrap()
}

/// The textbook: a level in units × interval, which time refills.
struct Textbook {
    capacity: u128,
    interval: u128,
    level: u128,
}

impl Textbook {
    fn take(&mut self, units: u32, since: u64) -> Result<u128, u128> {
        self.level = self.capacity.min(self.level + u128::from(since));
        let price = u128::from(units) * self.interval;
        if price > self.level {
            return Err(price - self.level);
        }
        self.level -= price;
        Ok(self.level / self.interval)
    }
}

/// Any bucket that a configuration may hold.
fn any_bucket() -> impl Strategy<Value = TokenBucket> {
    (1..=u32::MAX, 1_000..=MAX_FILL).prop_filter_map("fills too slowly", |(burst, interval)| {
        let interval = NonZeroU64::new(1_000.max(interval / u64::from(burst)))?;
        TokenBucket::new(NonZeroU32::new(burst)?, interval).ok()
    })
}

proptest! {
    #[test]
    fn equals_a_textbook_token_bucket(
        burst in 1_u32..50, interval in 1_000_u64..1_000_000,
        steps in prop::collection::vec((0_u64..3_000_000, 1_u32..60), 1..60),
    ) {
        let bucket = bucket(burst, interval);
        let capacity = u128::from(burst) * u128::from(interval);
        let mut textbook = Textbook { capacity, interval: interval.into(), level: capacity };
        let (mut state, mut now) = (None, 1_u64 << 40);
        for (since, units) in steps {
            now += since;
            match (bucket.decide(state, cost(units), now), textbook.take(units, since)) {
                (Decision::Allowed { remaining, next, .. }, Ok(left)) => {
                    prop_assert_eq!(u128::from(remaining), left);
                    state = Some(next);
                }
                (Decision::Denied { retry_after, .. }, Err(wait)) => {
                    prop_assert_eq!(u128::from(retry_after.get()), wait);
                }
                (ours, theirs) => prop_assert!(false, "{:?} but {:?}", ours, theirs),
            }
        }
    }

    #[test]
    fn retry_after_is_exact(bucket in any_bucket(), units in 1_u32..1000, spent in 0_u32..1000, now in any::<u32>()) {
        let units = cost(units.min(bucket.burst().get()));
        let now = u64::from(now);
        let mut state = None;
        for _ in 0..spent.min(bucket.burst().get()) {
            let Decision::Allowed { next, .. } = bucket.decide(state, cost(1), now) else { break };
            state = Some(next);
        }
        if let Decision::Denied { retry_after, .. } = bucket.decide(state, units, now) {
            let at = now + retry_after.get();
            let early = matches!(bucket.decide(state, units, at - 1), Decision::Allowed { .. });
            let on_time = matches!(bucket.decide(state, units, at), Decision::Allowed { .. });
            prop_assert!(!early, "allowed a nanosecond early");
            prop_assert!(on_time, "denied at the time told");
        }
    }

    /// After a reload, too: a state went on refilling at the rate it was charged
    /// under, and from beyond the new bucket's size, until something passed.
    #[test]
    fn waiting_as_told_is_enough_under_another_configuration(
        before in any_bucket(), after in any_bucket(), spent in 0_u32..2000, units in 1_u32..1000, now in any::<u32>(),
    ) {
        let (now, units) = (u64::from(now), cost(units.min(after.burst().get())));
        let mut state = None;
        for _ in 0..spent.min(before.burst().get()) {
            let Decision::Allowed { next, .. } = before.decide(state, cost(1), now) else { break };
            state = Some(next);
        }
        if let Decision::Denied { retry_after, rebased, .. } = after.decide(state, units, now) {
            let state = rebased.or(state);
            let at = now + retry_after.get();
            let early = matches!(after.decide(state, units, at - 1), Decision::Allowed { .. });
            let on_time = matches!(after.decide(state, units, at), Decision::Allowed { .. });
            prop_assert!(!early && on_time, "early: {early}, on time: {on_time}");
        }
    }

    #[test]
    fn any_state_at_any_time_is_safe(bucket in any_bucket(), tat in any::<u64>(), interval in 1..=u64::MAX, units in 1..=u32::MAX, now in any::<u64>()) {
        let interval = NonZeroU64::new(interval).unwrap();
        let state = BucketState { tat, interval };
        match bucket.decide(Some(state), cost(units), now) {
            Decision::Allowed { remaining, full_in, .. } => {
                prop_assert!(remaining < bucket.burst().get());
                prop_assert!(full_in <= bucket.capacity());
            }
            Decision::Denied { remaining, retry_after, .. } => {
                prop_assert!(remaining <= bucket.burst().get());
                if units <= bucket.burst().get() {
                    prop_assert!(retry_after.get() <= bucket.capacity(), "frozen longer than the bucket takes to fill");
                }
            }
        }
        bucket.give_back(state, cost(units), now, now);
    }

    #[test]
    fn what_is_given_back_can_be_taken_again(burst in 2_u32..1000, interval in 1_000_u64..1_000_000_000, taken in 1_u32..1000) {
        let bucket = bucket(burst, interval);
        let taken = cost(taken.min(burst));
        let Decision::Allowed { next, .. } = bucket.decide(None, taken, 7) else { panic!("full") };
        let back = bucket.give_back(next, taken, 7, 7);
        let Decision::Allowed { remaining, .. } = bucket.decide(Some(back), cost(1), 7) else { panic!("given back") };
        prop_assert_eq!(remaining, burst - 1);
    }

    #[test]
    fn a_new_rate_keeps_the_units_spent(
        burst in 1_u32..10_000, old in 1_000_u64..1_000_000_000, new in 1_000_u64..1_000_000_000,
        spent in 1_u32..10_000, raised in 1_u32..1_000_000,
    ) {
        let spent = spent.min(burst);
        let Decision::Allowed { next, .. } = bucket(burst, old).decide(None, cost(spent), 7) else { panic!("full") };
        let raised = burst + raised;
        let after = bucket(raised, new).decide(Some(next), cost(1), 7);
        let Decision::Allowed { remaining, .. } = after else { panic!("{after:?}") };
        prop_assert_eq!(remaining, raised - spent - 1);
    }

    /// To the nanosecond: what a whole burst waits for is what was spent.
    #[test]
    fn a_new_rate_rounds_a_partly_refilled_unit_against_the_client(
        burst in 1_u32..10_000, old in 1_000_u64..1_000_000_000, new in 1_000_u64..1_000_000_000,
        refilled in any::<prop::sample::Index>(),
    ) {
        let Decision::Allowed { full_in, next, .. } = bucket(burst, old).decide(None, cost(burst), 7) else { panic!("full") };
        let refilled = refilled.index(full_in as usize) as u64;
        let after = bucket(burst, new).decide(Some(next), cost(burst), 7 + refilled);
        let Decision::Denied { retry_after, .. } = after else { panic!("{after:?}") };
        // Shares of a unit, compared crosswise.
        let spent = u128::from(full_in - refilled) * u128::from(new);
        let waits = |nanos: u64| u128::from(nanos) * u128::from(old);
        prop_assert!(waits(retry_after.get()) >= spent, "given away");
        prop_assert!(waits(retry_after.get() - 1) < spent, "more than rounded");
    }
}

#[test]
fn a_bucket_that_fills_in_more_than_ten_years_is_none() {
    let new = |burst, interval| {
        TokenBucket::new(
            NonZeroU32::new(burst).unwrap(),
            NonZeroU64::new(interval).unwrap(),
        )
    };
    assert!(new(1, MAX_FILL).is_ok());
    assert!(new(1, MAX_FILL + 1).is_err());
    assert!(new(u32::MAX, u64::MAX).is_err());
}

fn plan(burst: u32, interval: u64) -> TokenBucket {
    let interval = NonZeroU64::new(interval).unwrap();
    TokenBucket::new(NonZeroU32::new(burst).unwrap(), interval).unwrap()
}

proptest! {
    /// Whatever a client does on a small plan, the large one lets no more pass than it would
    /// have alone, and who waits as told on the small one has waited enough, and not too long.
    #[test]
    fn a_client_on_two_plans_by_turns_gets_no_more_than_on_the_larger(
        (small, large) in ((1_u32..10, 1_u64..1 << 40), (10_u32..100, 1_u64..1 << 36)),
        steps in prop::collection::vec((any::<bool>(), 1_u32..4, 0_u64..1 << 36), 1..80),
    ) {
        let (small, large) = (plan(small.0, small.1), plan(large.0, large.1.min(small.1)));
        let fill = small.capacity().max(large.capacity());
        let (small, large) = (small.shared_by_plans(fill), large.shared_by_plans(fill));
        let (mut state, mut now, mut alone, mut ahead) = (None, 1 << 50, None, 0_u32);
        for (on_small, cost, wait) in steps {
            now += wait;
            let cost = NonZeroU32::new(cost).unwrap();
            let bucket = if on_small { &small } else { &large };
            if cost > bucket.burst() {
                continue;
            }
            match bucket.decide(state, cost, now) {
                Decision::Allowed { next, .. } => {
                    state = Some(next);
                    // What passes by turns would have passed on the larger plan alone.
                    match large.decide(alone, cost, now) {
                        Decision::Allowed { next, .. } => alone = Some(next),
                        Decision::Denied { .. } => ahead += 1,
                    }
                }
                Decision::Denied { retry_after, rebased, .. } => {
                    state = rebased.or(state);
                    let is_allowed = |at| matches!(bucket.decide(state, cost, at), Decision::Allowed { .. });
                    prop_assert!(is_allowed(now + retry_after.get()));
                    prop_assert!(!is_allowed(now + retry_after.get() - 1));
                }
            }
        }
        prop_assert_eq!(ahead, 0);
    }
}
