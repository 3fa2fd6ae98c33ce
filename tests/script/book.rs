//! Lease books against the real script: what a client gets that asks for more than its limit,
//! and for how many calls.

use crate::server::Redis;
use crate::workers::{at_once, Seen, Workers, START};
use std::num::{NonZeroU32, NonZeroU64};
use tollgate::limit::{Allowance, CalendarQuota, Period, TokenBucket};

const SECONDS: u64 = 20;

struct Load {
    allowance: Allowance,
    /// Units and requests a second.
    offered: u32,
    workers: usize,
}

/// The workers take turns, tick every 10 ms, and have every answer at once.
fn run(redis: &Redis, load: &Load) -> Seen {
    let mut cluster = Workers::new(redis, &[load.allowance], load.workers);
    let requests = u64::from(load.offered) * SECONDS;
    let mut next_tick = START;
    for request in 0..requests {
        let us = START + request * 1_000_000 / u64::from(load.offered);
        while next_tick <= us {
            cluster.pass_time(next_tick - cluster.now);
            cluster.tick(at_once());
            next_tick += 10_000;
        }
        cluster.pass_time(us - cluster.now);
        cluster.request(request as usize % load.workers, 0, NonZeroU32::MIN);
    }
    cluster.seen
}

/// Taken for the time until the bucket is full, the time until all leases have ended made
/// every worker believe for seconds that Redis had nothing: a client over its limit got a
/// quarter of it.
#[test]
fn a_client_over_its_limit_gets_nearly_all_of_it_for_few_calls() {
    let redis = Redis::start();
    for (burst, rate, offered, workers, a_call) in [
        (500_u32, 500_u32, 1_000, 4, 20),
        (300, 900, 1_000, 4, 20),
        (2_000, 2_000, 1_000, 4, 20),
        (1_000, 1_000, 3_000, 1, 20),
        (5_000, 5_000, 15_000, 1, 20),
        // A lease is at most a sixth of the burst.
        (200, 1_000, 1_500, 1, 15),
        (200, 1_000, 900, 4, 15),
        (200, 200, 600, 2, 15),
    ] {
        let interval = NonZeroU64::new(1_000_000_000 / u64::from(rate)).unwrap();
        let bucket = TokenBucket::new(NonZeroU32::new(burst).unwrap(), interval).unwrap();
        let load = Load {
            allowance: Allowance::Bucket(bucket),
            offered,
            workers,
        };
        let strict =
            (u64::from(rate) * SECONDS + u64::from(burst)).min(u64::from(offered) * SECONDS);
        let what = format!("{rate}/s, burst {burst}");
        holds(&run(&redis, &load), strict, a_call, &load, &what);
    }
}

/// Two periods of ten seconds.
#[test]
fn a_client_over_its_quota_gets_all_of_it_for_few_calls() {
    let redis = Redis::start();
    for (quota, offered, workers, a_call) in [
        (4_000, 1_000, 1, 40),
        (4_000, 1_000, 4, 20),
        (20_000, 1_000, 4, 40),
        (400, 200, 2, 8),
    ] {
        let period = Period::Fixed(NonZeroU64::new(10).unwrap());
        let size = NonZeroU32::new(quota).unwrap();
        let load = Load {
            allowance: Allowance::Quota(CalendarQuota::new(size, period, 0).unwrap()),
            offered,
            workers,
        };
        let strict = 2 * u64::from(quota.min(offered * 10));
        let what = format!("{quota} in 10 s");
        holds(&run(&redis, &load), strict, a_call, &load, &what);
    }
}

fn holds(seen: &Seen, strict: u64, a_call: u64, load: &Load, what: &str) {
    let Seen { passed, calls } = *seen;
    println!(
        "{what}, {} workers, {}/s offered: {passed} of {strict} passed, {calls} calls",
        load.workers, load.offered
    );
    assert!(passed <= strict, "{passed} of {strict}");
    assert!(passed * 10 >= strict * 9, "{passed} of {strict}");
    assert!(calls * a_call <= passed, "{calls} calls for {passed}");
}
