//! The script and `limit` answer alike, whatever is asked and however the clock steps.

use crate::ask::Ask;
use crate::model::Model;
use crate::server::Redis;
use proptest::prelude::*;

/// 2024-02-28 12:00 UTC, µs.
const START: u64 = 1_709_121_600_000_000;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Buckets for which doubles are exact, of rates that are round and that are not.
fn any_bucket(key: &'static str) -> BoxedStrategy<Ask> {
    let interval = prop_oneof![
        Just(1_000_000_000_u64),
        Just(60_000_000_000),
        Just(142_857_142),
        Just(1_000),
        1_000_u64..800_000_000_000,
    ];
    let burst = prop_oneof![1_u32..12, 1_u32..1_000];
    (burst, interval, prop_oneof![Just(0_i64), Just(10)])
        .prop_map(move |(burst, interval, debt)| Ask::bucket(key, burst, interval, debt))
        .boxed()
}

fn any_quota(key: &'static str) -> BoxedStrategy<Ask> {
    let offset = prop_oneof![
        Just(0_i64),
        Just(345_600),
        -90_000_i64..90_000,
        -300_000_000_i64..300_000_000,
    ];
    let period = prop_oneof![
        Just(0_u64),
        Just(3_600),
        Just(86_400),
        Just(604_800),
        1_u64..10_000_000,
    ];
    (1_u32..40, period, offset)
        .prop_map(move |(quota, period, offset)| {
            if period == 0 {
                return Ask::month(key, quota, offset);
            }
            // As `CalendarQuota` has it.
            Ask::window(key, quota, period, offset.rem_euclid(period as i64))
        })
        .boxed()
}

/// Something to ask of a limit.
fn any_op(limit: impl Strategy<Value = Ask>) -> impl Strategy<Value = Ask> {
    let op = prop_oneof![
        4 => (1_i64..14).prop_map(|amount| ("charge", amount, 0)),
        2 => (1_i64..14).prop_map(|amount| ("try", amount, 0)),
        2 => (-20_i64..20).prop_map(|amount| ("settle", amount, 0)),
        1 => (-20_i64..-1, 1_u64..100_000).prop_map(|(amount, age)| ("settle", amount, age)),
        1 => (0_i64..20_000).prop_map(|amount| ("settle", amount, 0)),
        2 => (0_i64..50).prop_map(|amount| ("peek", amount, 0)),
    ];
    (limit, op).prop_map(|(limit, (op, amount, held))| Ask {
        held,
        ..limit.op(op, amount)
    })
}

/// µs from one call to the next, one in six of them backwards.
fn any_step() -> impl Strategy<Value = i64> {
    prop_oneof![
        2 => Just(0_i64),
        3 => 0..5 * SECOND,
        1 => 0..100 * DAY,
        1 => (1_i64..60).prop_map(|minutes| minutes * 60 * SECOND),
        1 => (-3_i64..3).prop_map(|days| days * DAY),
        1 => -5 * SECOND..0,
    ]
}

/// A few limits, each of which may have two sets of parameters: before and after a reload.
fn traffic(
    limits: [(BoxedStrategy<Ask>, BoxedStrategy<Ask>); 3],
) -> impl Strategy<Value = Vec<(i64, Vec<Ask>)>> {
    let [a, b, c] = limits.map(|(before, after)| (before, after, 0_usize..40));
    (a, b, c).prop_flat_map(|limits| {
        let limits = [limits.0, limits.1, limits.2];
        let asked = move |at: usize, half: usize| {
            let (before, after, reload) = limits[at].clone();
            let limit = if half < reload { before } else { after };
            any_op(Just(limit)).boxed()
        };
        let some = prop::sample::subsequence(vec![0_usize, 1, 2], 1..=3);
        let step = (any_step(), some, 0_usize..40).prop_flat_map(move |(step, some, half)| {
            let asks: Vec<_> = some.iter().map(|at| asked(*at, half)).collect();
            (Just(step), asks)
        });
        prop::collection::vec(step, 1..40)
    })
}

fn answers_alike(redis: &Redis, start: u64, traffic: &[(i64, Vec<Ask>)]) {
    let _: () = redis.run("FLUSHALL").unwrap();
    let (mut model, mut now) = (Model::default(), start);
    for (step, asks) in traffic {
        now = now.saturating_add_signed(*step);
        let theirs = redis.call(now, 0, asks);
        let (allowed, ours) = model.call(now, asks);
        assert_eq!(theirs.keys, ours, "at {now}: {asks:#?}");
        assert_eq!(theirs.allowed, allowed);
    }
}

fn cases(count: u32) -> ProptestConfig {
    ProptestConfig::with_cases(count)
}

#[test]
fn buckets() {
    let redis = Redis::start();
    let pair = |key| (any_bucket(key), any_bucket(key));
    proptest!(cases(400), |(traffic in traffic([pair("a"), pair("b"), pair("c")]))| {
        answers_alike(&redis, START, &traffic);
    });
}

/// A client that is on two plans by turns: what one's bucket has left is the other's too.
#[test]
fn buckets_of_plans() {
    let redis = Redis::start();
    let op = prop_oneof![
        4 => (1_i64..14).prop_map(|amount| ("charge", amount, 0)),
        2 => (1_i64..14).prop_map(|amount| ("try", amount, 0)),
        1 => (-14_i64..-1, 1_u64..100_000).prop_map(|(amount, age)| ("settle", amount, age)),
        2 => (0_i64..14).prop_map(|amount| ("peek", amount, 0)),
    ];
    let step = (any_step(), any::<bool>(), op);
    let plans = [any_bucket("a"), any_bucket("a")];
    let traffic = (plans, prop::collection::vec(step, 1..60));
    proptest!(cases(600), |((plans, steps) in traffic)| {
        let fill = plans.iter().map(|plan| u64::from(plan.size) * plan.period).max().unwrap();
        let traffic: Vec<(i64, Vec<Ask>)> = steps.into_iter().map(|(step, second, (op, amount, held))| {
            let plan = plans[usize::from(second)].op(op, amount);
            (step, vec![Ask { offset: 0, fill, held, ..plan }])
        }).collect();
        answers_alike(&redis, START, &traffic);
    });
}

#[test]
fn quotas_at_any_time_of_2024_to_2032() {
    let redis = Redis::start();
    let pair = |key| (any_quota(key), any_quota(key));
    let start = START..START + 3_200 * DAY as u64;
    proptest!(cases(300), |(start in start, traffic in traffic([pair("a"), pair("b"), pair("c")]))| {
        answers_alike(&redis, start, &traffic);
    });
}

#[test]
fn a_limit_that_changes_its_kind_starts_afresh() {
    let redis = Redis::start();
    let kinds = |key| (any_bucket(key), any_quota(key));
    proptest!(cases(150), |(traffic in traffic([kinds("a"), kinds("b"), kinds("c")]))| {
        answers_alike(&redis, START, &traffic);
    });
}

/// Once in some 20,000 cases: a millionth of a nanosecond is rounded up like any part of one.
#[test]
fn a_changed_rate_rounds_the_smallest_part_up() {
    let redis = Redis::start();
    let before = Ask::bucket("a", 10, 800_000_000_000, 0).op("charge", 5);
    let after = Ask::bucket("a", 10, 1_000, 0).op("peek", 0);
    let back = (-5, vec![after]);
    answers_alike(&redis, START, &[(0, vec![before]), back]);
}

/// Every month from 2024 to 2032, a second before and after it begins, and a step back.
#[test]
fn months_to_the_second() {
    let redis = Redis::start();
    let mut model = Model::default();
    let mut start = 1_704_067_200_u64;
    for month in 0..108 {
        let days = match month % 12 {
            1 if month / 12 % 4 == 0 => 29,
            1 => 28,
            3 | 5 | 8 | 10 => 30,
            _ => 31,
        };
        for offset in [0, 7_200, -7_200] {
            let ask = Ask::month(&format!("m{offset}"), 1, offset).op("charge", 1);
            let begins = start.saturating_add_signed(offset) * 1_000_000;
            for (at, allowed) in [(begins, true), (begins - 1, false), (begins + 1, false)] {
                let reply = redis.call(at, 0, std::slice::from_ref(&ask));
                assert_eq!(reply.allowed, allowed, "month {month}, {offset}");
                assert_eq!(
                    (reply.allowed, reply.keys),
                    model.call(at, std::slice::from_ref(&ask))
                );
            }
        }
        start += days * 86_400;
    }
}

/// Beyond nine days of capacity a double is off, by less than a microsecond.
#[test]
fn the_slowest_buckets_are_nearly_alike() {
    let redis = Redis::start();
    let limit = (1_u32..1_000_000, 1_u64..3_153_600).prop_map(|(burst, share)| {
        Ask::bucket("a", burst, share * 100_000_000_000 / u64::from(burst), 10)
    });
    let step = (0..DAY, 1_i64..2_000_000, any::<bool>());
    proptest!(cases(200), |(limit in limit, steps in prop::collection::vec(step, 1..20))| {
        prop_assume!(limit.period > 0);
        let _: () = redis.run("FLUSHALL").unwrap();
        let (mut model, mut now) = (Model::default(), START);
        for (step, amount, settle) in steps {
            now = now.saturating_add_signed(step);
            let ask = [limit.op(if settle { "settle" } else { "charge" }, amount)];
            let theirs = redis.call(now, 0, &ask).keys[0];
            let ours = model.call(now, &ask).1[0];
            let tolerance = 1 + 10_000 / limit.period as i64;
            prop_assert!((theirs.remaining - ours.remaining).abs() <= tolerance);
            prop_assert!((theirs.reset - ours.reset).abs() <= 1);
            if theirs.allowed != ours.allowed { break }
        }
    });
}
