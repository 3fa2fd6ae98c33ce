//! Whatever workers do with their leases, however late or lost their calls are: what passes is
//! what one strict limit lets pass. Here the lease books themselves borrow from the script;
//! `leases` has gateways that do as they please.

use crate::server::Redis;
use crate::workers::{Fate, Way, Workers};
use proptest::prelude::*;
use std::num::{NonZeroU32, NonZeroU64};
use tollgate::limit::{Allowance, CalendarQuota, Period, TokenBucket};

const WORKERS: usize = 3;

#[derive(Debug, Clone, Copy)]
enum Event {
    /// A worker has so many requests at once.
    Requests {
        worker: usize,
        plan: usize,
        cost: u32,
        times: u32,
    },
    Tick {
        way: Way,
    },
    Pass {
        micros: u64,
    },
    /// To so many µs before a whole second, in which leases and periods end. Calls that are due
    /// then are on their way for so long; and all workers spend what they have.
    ToTheSecond {
        before: u64,
        there: u64,
    },
}

fn any_event(plans: usize) -> impl Strategy<Value = Event> {
    let micros = prop_oneof![Just(0_u64), 0..2_000_u64, 0..200_000_u64];
    let fate = prop_oneof![
        6 => Just(Fate::Answered),
        1 => Just(Fate::AnswerLost),
        1 => Just(Fate::Lost),
    ];
    let way = (micros.clone(), micros.clone(), fate).prop_map(|(there, back, fate)| Way {
        there,
        back,
        fate,
    });
    prop_oneof![
        6 => (0..WORKERS, 0..plans, 1_u32..8, 1_u32..40).prop_map(|(worker, plan, cost, times)| {
            Event::Requests { worker, plan, cost, times }
        }),
        5 => way.prop_map(|way| Event::Tick { way }),
        4 => micros.prop_map(|micros| Event::Pass { micros }),
        1 => (0..2_500_000_u64).prop_map(|micros| Event::Pass { micros }),
        2 => (0..2_000_u64, 0..3_000_u64)
            .prop_map(|(before, there)| Event::ToTheSecond { before, there }),
    ]
}

/// Panics where something passes that strictly would not.
fn live(redis: &Redis, plans: &[Allowance], events: &[Event]) {
    let mut workers = Workers::new(redis, plans, WORKERS);
    for event in events {
        match *event {
            Event::Requests {
                worker,
                plan,
                cost,
                times,
            } => {
                let cost = NonZeroU32::new(cost).unwrap();
                (0..times).for_each(|_| workers.request(worker, plan, cost));
            }
            Event::Tick { way } => workers.tick(way),
            Event::Pass { micros } => workers.pass_time(micros),
            Event::ToTheSecond { before, there } => {
                let second = (workers.now + before).next_multiple_of(1_000_000);
                workers.pass_time(second - before - workers.now);
                workers.tick(Way {
                    there,
                    back: 0,
                    fate: Fate::Answered,
                });
                workers.pass_time(there);
                let all = (0..WORKERS).flat_map(|worker| [worker; 40]);
                all.for_each(|worker| workers.request(worker, 0, NonZeroU32::MIN));
            }
        }
    }
}

fn bucket(burst: u32, interval: u64) -> Allowance {
    let interval = NonZeroU64::new(interval).unwrap();
    let burst = NonZeroU32::new(burst).unwrap();
    Allowance::Bucket(TokenBucket::new(burst, interval).unwrap())
}

fn quota(size: u32, seconds: u64, offset: i64) -> Allowance {
    let period = NonZeroU64::new(seconds).map_or(Period::Month, Period::Fixed);
    let size = NonZeroU32::new(size).unwrap();
    Allowance::Quota(CalendarQuota::new(size, period, offset).unwrap())
}

#[test]
fn of_a_bucket() {
    let redis = Redis::start();
    let limit = (24_u32..600, 100_000_u64..50_000_000);
    let events = prop::collection::vec(any_event(1), 1..120);
    proptest!(ProptestConfig::with_cases(200), |((burst, interval) in limit, events in events)| {
        live(&redis, &[bucket(burst, interval)], &events);
    });
}

/// Of two plans in turn: units used are used under both.
#[test]
fn of_a_quota_over_its_periods_and_under_two_plans() {
    let redis = Redis::start();
    let sizes = (80_u32..600, 0_u32..2_000);
    // The month ends two seconds after the start.
    let period = prop_oneof![
        3 => (2_u64..12, 0_i64..12),
        1 => Just((0, -7_198)),
    ];
    let events = prop::collection::vec(any_event(2), 1..120);
    proptest!(ProptestConfig::with_cases(200), |(
        (small, more) in sizes,
        (seconds, offset) in period,
        events in events,
    )| {
        let plans = [small, small + more].map(|size| quota(size, seconds, offset));
        live(&redis, &plans, &events);
    });
}

/// So many requests for one unit each, of the one worker there is.
fn ask(workers: &mut Workers<'_>, times: u32) {
    (0..times).for_each(|_| workers.request(0, 0, NonZeroU32::MIN));
}

fn way(there: u64) -> Way {
    Way {
        there,
        back: 0,
        fate: Fate::Answered,
    }
}

/// A bucket that hardly refills, and a quota whose period ends four seconds after the start, as
/// leases of the first two seconds do.
fn ends_in_four_seconds() -> [Allowance; 2] {
    [bucket(1_200, 3_600_000_000_000), quota(4_000, 100, 4)]
}

/// Redis has no books any more of what the call says is left.
#[test]
fn a_call_that_arrives_after_the_lease_has_ended_carries_nothing_over() {
    let redis = Redis::start();
    for limit in ends_in_four_seconds() {
        for (from, before, there) in [
            (1_500_000, 2_000, 1_000),
            (1_500_000, 1_001, 1_001),
            (1_500_000, 2_000, 3_000),
            (2_500_000, 1_001, 1_001),
            (2_500_000, 2_000, 3_000),
        ] {
            let mut workers = Workers::new(&redis, &[limit], 1);
            workers.pass_time(from);
            ask(&mut workers, 250);
            workers.tick(way(0));
            workers.pass_time(4_000_000 - from - before);
            ask(&mut workers, 195);
            let calls = workers.seen.calls;
            workers.tick(way(there));
            assert_eq!(workers.seen.calls, calls + 1, "the lease is renewed");
            workers.pass_time(there);
            // More than there are.
            ask(&mut workers, 5_000);
        }
    }
}

/// Redis tells whole milliseconds, and may have been nearly one further.
#[test]
fn nothing_is_spent_in_the_millisecond_after_the_end() {
    let redis = Redis::start();
    for limit in ends_in_four_seconds() {
        for (part, after) in [(0, 0), (300, 0), (999, 0), (999, 300), (999, 998)] {
            let mut workers = Workers::new(&redis, &[limit], 1);
            workers.pass_time(1_500_000 + part);
            ask(&mut workers, 250);
            workers.tick(way(0));
            ask(&mut workers, 10);
            let calls = workers.seen.calls;
            workers.pass_time(2_500_000 - part + after);
            ask(&mut workers, 1);
            assert_eq!(workers.seen.calls, calls + 1, "{part} {after}");
            ask(&mut workers, 5_000);
        }
    }
}
