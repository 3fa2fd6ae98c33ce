//! Calendar quotas as the filter asks for them: the script and `limit` say the same, and both
//! roll over when the calendar does.

use crate::server::Redis;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use tollgate::limit::{Allowance, Answer, CalendarQuota, Now, Period, State};
use tollgate::redis::{Ask, Call, Operation};

/// 2024-01-01 00:00 UTC, a Monday, µs.
const START: u64 = 1_704_067_200_000_000;
const SECOND: u64 = 1_000_000;
const DAY: u64 = 86_400 * SECOND;
const HOUR: i64 = 3_600;

/// The script, and what `limit` makes of the same.
struct Both<'r> {
    redis: &'r Redis,
    states: BTreeMap<String, State>,
}

/// The times of an answer as the script tells them: whole ms, rounded up.
fn in_millis(answer: Answer) -> Answer {
    let up = |ns: u64| ns.div_ceil(1_000_000) * 1_000_000;
    match answer {
        Answer::Allowed {
            remaining,
            reset_in,
        } => Answer::Allowed {
            remaining,
            reset_in: up(reset_in),
        },
        Answer::Denied {
            remaining,
            retry_after,
        } => Answer::Denied {
            remaining,
            retry_after: retry_after.and_then(|wait| NonZeroU64::new(up(wait.get()))),
        },
    }
}

impl<'r> Both<'r> {
    fn new(redis: &'r Redis) -> Self {
        let _: () = redis.run("FLUSHALL").unwrap();
        Self {
            redis,
            states: BTreeMap::new(),
        }
    }

    /// What both say at `now`, µs since 1970, to a request that takes so many units.
    fn charge(&mut self, now: u64, key: &str, quota: CalendarQuota, units: u32) -> Answer {
        let allowance = Allowance::Quota(quota);
        let time = Now {
            monotonic: 0,
            wall: now * 1_000,
        };
        let state = self.states.get(key).copied();
        let ours = allowance.decide(state, NonZeroU32::new(units).unwrap(), time);
        if let Some(next) = ours.next {
            self.states.insert(key.to_owned(), next);
        }
        let call = Call {
            nonce: 42,
            asks: vec![Ask {
                key: key.into(),
                allowance,
                operation: Operation::Charge(units),
            }],
        };
        let theirs = self.redis.ask(now, &call).keys[0].answer;
        assert_eq!(theirs, in_millis(ours.answer), "at {now}: {quota:?}");
        theirs
    }

    /// A client that takes its one unit wherever it can, around the start of a period that is
    /// so many seconds long.
    fn cross(&mut self, start: u64, seconds: u64, key: &str, quota: CalendarQuota) {
        let denied = |wait: u64| Answer::Denied {
            remaining: 0,
            retry_after: NonZeroU64::new(wait * 1_000_000_000),
        };
        self.charge(start - SECOND, key, quota, 1);
        let spent = self.charge(start - SECOND, key, quota, 1);
        assert_eq!(spent, denied(1), "{quota:?}");
        let first = Answer::Allowed {
            remaining: 0,
            reset_in: seconds * 1_000_000_000,
        };
        assert_eq!(self.charge(start, key, quota, 1), first, "{quota:?}");
        // The clock steps back over the boundary: the unit is spent.
        assert_eq!(
            self.charge(start - SECOND, key, quota, 1),
            denied(seconds + 1)
        );
        assert!(self.charge(start - 1, key, quota, 1).is_denial());
        assert_eq!(
            self.charge(start + SECOND, key, quota, 1),
            denied(seconds - 1)
        );
    }
}

fn one(period: Period, offset: i64) -> CalendarQuota {
    CalendarQuota::new(NonZeroU32::MIN, period, offset).unwrap()
}

fn fixed(seconds: u64) -> Period {
    Period::Fixed(NonZeroU64::new(seconds).unwrap())
}

fn shifted(at: u64, seconds: i64) -> u64 {
    at.saturating_add_signed(seconds * SECOND as i64)
}

#[test]
fn every_month_of_2024_to_2032() {
    let redis = Redis::start();
    for offset in [0, 2 * HOUR, -2 * HOUR, 5 * 24 * HOUR + 1] {
        let mut both = Both::new(&redis);
        let (mut start, quota) = (START, one(Period::Month, offset));
        for month in 0..108 {
            let days = match month % 12 {
                1 if month / 12 % 4 == 0 => 29,
                1 => 28,
                3 | 5 | 8 | 10 => 30,
                _ => 31,
            };
            both.cross(shifted(start, offset), days * 86_400, "month", quota);
            start += days * DAY;
        }
    }
}

#[test]
fn every_monday_of_2024_to_2032() {
    let redis = Redis::start();
    for offset in [0, 2 * HOUR, -2 * HOUR, 7 * 24 * HOUR] {
        let mut both = Both::new(&redis);
        let quota = CalendarQuota::weekly(NonZeroU32::MIN, offset).unwrap();
        for week in 0..470 {
            let start = shifted(START + week * 7 * DAY, offset);
            both.cross(start, 7 * 86_400, "week", quota);
        }
    }
}

/// Counted from 1970, shifted by the offset.
#[test]
fn durations() {
    let redis = Redis::start();
    for seconds in [2, 90, 3_600, 43_200, 86_400, 1_000_003] {
        for offset in [0, 1, -1, 2 * HOUR, -2 * HOUR] {
            let mut both = Both::new(&redis);
            let first = START / SECOND / seconds + 1;
            let quota = one(fixed(seconds), offset);
            for period in (first..).step_by(7).take(20) {
                let start = period * seconds * SECOND;
                both.cross(shifted(start, offset), seconds, "fixed", quota);
            }
        }
    }
}

fn any_quota() -> impl Strategy<Value = (Period, i64)> {
    let period = prop_oneof![
        Just(Period::Month),
        Just(Period::WEEK),
        Just(fixed(86_400)),
        Just(fixed(3_600)),
        (1_u64..10_000_000).prop_map(fixed),
    ];
    let offset = prop_oneof![
        Just(0_i64),
        -100_000_i64..100_000,
        -315_360_000_i64..315_360_000,
    ];
    (period, offset)
}

/// µs from one request to the next, one in six of them backwards.
fn any_step() -> impl Strategy<Value = i64> {
    let (second, day) = (SECOND as i64, DAY as i64);
    prop_oneof![
        3 => 0..5 * second,
        2 => 0..40 * day,
        1 => -2 * day..0,
    ]
}

#[test]
fn any_quota_at_any_time_and_of_any_plan() {
    let redis = Redis::start();
    let request = (
        any_step(),
        1_u32..12,
        prop::sample::select(vec![12_u32, 30, 1_000]),
    );
    proptest!(ProptestConfig::with_cases(300), |(
        start in START..START + 3_280 * DAY,
        (period, offset) in any_quota(),
        requests in prop::collection::vec(request, 1..60),
    )| {
        let (mut both, mut now) = (Both::new(&redis), start);
        for (step, units, size) in requests {
            now = now.saturating_add_signed(step);
            let size = NonZeroU32::new(size).unwrap();
            let quota = CalendarQuota::new(size, period, offset).unwrap();
            both.charge(now, "any", quota, units);
        }
    });
}
