//! Calendar quotas: the periods are the calendar's, and no unit is had twice.

use std::num::{NonZeroU32, NonZeroU64};

use proptest::prelude::*;
use tollgate::limit::{CalendarQuota, Period, QuotaDecision, QuotaState, MAX_PERIOD};

const NANOS: u64 = 1_000_000_000;
const DAY: u64 = 86_400;
const YEAR_2024: u64 = 1_704_067_200;
const YEAR_2033: u64 = 1_988_150_400;

fn some(units: u32) -> NonZeroU32 {
    NonZeroU32::new(units).unwrap()
}

fn fixed(seconds: u64) -> Period {
    Period::Fixed(NonZeroU64::new(seconds).unwrap())
}

/// The first seconds of all months from 2023 to 2034, by counting days from 2023-01-01.
fn months() -> Vec<u64> {
    let mut starts = Vec::new();
    let mut at = 1_672_531_200;
    for year in 2023..2035 {
        let february = if year % 4 == 0 { 29 } else { 28 };
        for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
            starts.push(at);
            at += days * DAY;
        }
    }
    starts
}

fn any_quota() -> impl Strategy<Value = CalendarQuota> {
    let period = prop_oneof![
        Just(Period::Month),
        Just(Period::WEEK),
        Just(fixed(DAY)),
        Just(fixed(3_600)),
        (1..=MAX_PERIOD).prop_map(fixed),
    ];
    let furthest = MAX_PERIOD as i64;
    let offset = prop_oneof![-100_000_i64..100_000, -furthest..=furthest];
    (1..=u32::MAX, period, offset).prop_map(|(quota, period, offset)| {
        CalendarQuota::new(some(quota), period, offset).unwrap()
    })
}

/// A time of 2024 to 2032, often a few seconds from a month's end, ns.
fn any_now() -> impl Strategy<Value = u64> {
    let near = (12_usize..120, -3_i64..3, 0..NANOS)
        .prop_map(|(month, by, ns)| months()[month].saturating_add_signed(by) * NANOS + ns);
    prop_oneof![near, YEAR_2024 * NANOS..YEAR_2033 * NANOS]
}

fn used_up(quota: &CalendarQuota, now: u64) -> QuotaState {
    let QuotaDecision::Allowed { next, .. } = quota.decide(None, quota.quota(), now) else {
        panic!("nothing was used")
    };
    next
}

fn allowed(quota: &CalendarQuota, state: QuotaState, now: u64) -> bool {
    matches!(
        quota.decide(Some(state), some(1), now),
        QuotaDecision::Allowed { .. }
    )
}

proptest! {
    #[test]
    fn months_are_the_calendars(now in any_now(), offset in -200_000_i64..200_000) {
        let quota = CalendarQuota::new(some(5), Period::Month, offset).unwrap();
        let QuotaDecision::Allowed { reset_in, next, .. } = quota.decide(None, some(1), now) else { panic!("unused") };
        let shifted: Vec<u64> = months().iter().map(|start| start.saturating_add_signed(offset)).collect();
        let current = shifted.iter().rposition(|start| start * NANOS <= now).unwrap();
        prop_assert_eq!(next.start as u64, shifted[current]);
        prop_assert_eq!(now + reset_in, shifted[current + 1] * NANOS);
    }

    #[test]
    fn retry_after_reaches_exactly_the_next_period(quota in any_quota(), now in any_now()) {
        let state = used_up(&quota, now);
        let QuotaDecision::Denied { retry_after, remaining } = quota.decide(Some(state), some(1), now) else { panic!("used up") };
        prop_assert_eq!(remaining, 0);
        let end = now + retry_after.get();
        prop_assert_eq!(end % NANOS, 0, "periods end at whole seconds");
        prop_assert!(allowed(&quota, state, end), "denied at the time told");
        prop_assert!(!allowed(&quota, state, end - 1), "allowed a nanosecond early");
        if retry_after.get() > NANOS {
            prop_assert!(!allowed(&quota, state, end - NANOS), "allowed a second early");
        }
    }

    /// The count lasts to the end of the later period, and the answer says so.
    #[test]
    fn a_step_back_over_a_boundary_gives_nothing_twice(quota in any_quota(), now in any_now(), back in 1..=NANOS) {
        let QuotaDecision::Allowed { reset_in, .. } = quota.decide(None, some(1), now) else { panic!("unused") };
        let boundary = now + reset_in;
        let later = used_up(&quota, boundary);
        let QuotaDecision::Denied { retry_after, .. } = quota.decide(Some(later), some(1), boundary - back) else {
            panic!("the quota is given a second time")
        };
        let end = boundary - back + retry_after.get();
        prop_assert!(allowed(&quota, later, end), "denied at the time told");
        prop_assert!(!allowed(&quota, later, end - 1));
    }

    #[test]
    fn a_state_of_no_current_period_counts_as_none(quota in any_quota(), now in any_now(), start in any::<i64>()) {
        let QuotaDecision::Allowed { reset_in, next, .. } = quota.decide(None, some(1), now) else { panic!("unused") };
        prop_assume!(start != next.start && start != ((now + reset_in) / NANOS) as i64);
        let state = QuotaState { start, end: start.saturating_add(1), used: u64::MAX };
        prop_assert!(allowed(&quota, state, now));
    }

    #[test]
    fn counts_units_and_settles(quota in 1_u32..100, steps in prop::collection::vec((1_u32..30, -40_i64..40), 1..30), now in any_now()) {
        let quota = CalendarQuota::new(some(quota), fixed(MAX_PERIOD), 0).unwrap();
        let (mut state, mut used) = (None, 0_i64);
        for (cost, units) in steps {
            match quota.decide(state, some(cost), now) {
                QuotaDecision::Allowed { next, remaining, .. } => {
                    used += i64::from(cost);
                    prop_assert_eq!(i64::from(remaining), i64::from(quota.quota().get()) - used);
                    state = Some(next);
                }
                QuotaDecision::Denied { .. } => prop_assert!(used + i64::from(cost) > i64::from(quota.quota().get())),
            }
            used = (used + units).max(0);
            let settled = quota.settle(state, units, now, now);
            prop_assert_eq!(settled.used as i64, used);
            state = Some(settled);
        }
    }

    #[test]
    fn units_of_an_ended_period_do_not_come_back(quota in any_quota(), now in any_now()) {
        let QuotaDecision::Allowed { reset_in, .. } = quota.decide(None, some(1), now) else { panic!("unused") };
        let later = now + reset_in;
        let full = used_up(&quota, later);
        prop_assert_eq!(quota.give_back(Some(full), some(1), now, later), full);
        let back = quota.give_back(Some(full), some(1), later, later);
        prop_assert_eq!(back.used, full.used - 1);
    }

    #[test]
    fn any_state_at_any_time_is_safe(quota in any_quota(), start in any::<i64>(), used in any::<u64>(), units in any::<i64>(), now in any::<u64>()) {
        let state = Some(QuotaState { start, end: start.wrapping_add(used as i64), used });
        quota.decide(state, some(u32::MAX), now);
        quota.settle(state, units, now, now);
        quota.give_back(state, some(u32::MAX), used, now);
    }
}

#[test]
fn weeks_begin_on_mondays() {
    let wednesday = 1_709_164_800; // 2024-02-28
    let shift = 7_200;
    let weekly = CalendarQuota::weekly(some(3), shift).unwrap();
    let start = used_up(&weekly, wednesday * NANOS).start;
    assert_eq!(start, 1_708_905_600 + shift); // 2024-02-26 02:00
    assert!(CalendarQuota::weekly(some(3), MAX_PERIOD as i64).is_ok());
    assert!(CalendarQuota::weekly(some(3), -1 - MAX_PERIOD as i64).is_err());
}

#[test]
fn what_is_longer_than_ten_years_is_none() {
    let new = |seconds, offset| CalendarQuota::new(some(1), fixed(seconds), offset);
    assert!(new(MAX_PERIOD, MAX_PERIOD as i64).is_ok());
    assert!(new(MAX_PERIOD + 1, 0).is_err());
    assert!(new(u64::MAX, 0).is_err());
    assert!(new(1, i64::MIN).is_err());
}
