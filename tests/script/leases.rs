//! Leases: however gateways borrow, spend, return and die, no more passes than strictly would.

use crate::ask::Ask;
use crate::gateways::{Event, World, START};
use crate::server::Redis;
use proptest::prelude::*;

fn any_event(longest: u64) -> impl Strategy<Value = Event> {
    let gateway = 0_usize..3;
    let want = 1_u32..12;
    prop_oneof![
        3 => (0..longest).prop_map(|micros| Event::Pass { micros }),
        1 => (0_u64..20_000).prop_map(|micros| Event::Pass { micros }),
        5 => (gateway.clone(), want.clone(), 0_u32..4)
            .prop_map(|(gateway, want, least)| Event::Borrow { gateway, want, least }),
        1 => (gateway.clone(), want.clone())
            .prop_map(|(gateway, want)| Event::BorrowUnheard { gateway, want }),
        5 => (gateway.clone(), want.clone())
            .prop_map(|(gateway, units)| Event::Spend { gateway, units }),
        1 => gateway.clone().prop_map(|gateway| Event::Return { gateway }),
        1 => gateway.clone().prop_map(|gateway| Event::ReturnTwice { gateway }),
        1 => gateway.prop_map(|gateway| Event::Die { gateway }),
        2 => want.prop_map(|units| Event::Charge { units }),
    ]
}

#[test]
fn a_bucket_lends_no_more_than_it_would_let_pass() {
    let redis = Redis::start();
    let limit = (1_u32..30, 1_000_000_u64..500_000_000)
        .prop_map(|(burst, interval)| Ask::bucket("lent", burst, interval, 0));
    let events = prop::collection::vec(any_event(2_500_000), 1..80);
    proptest!(ProptestConfig::with_cases(300), |(limit in limit, lease_ms in 100_u64..3_000, events in events)| {
        let mut world = World::new(&redis, limit.clone(), lease_ms);
        for event in events {
            world.happen(event);
        }
        world.waits_as_told(limit.size.min(5));
        world.borrows_as_told(limit.size.min(3));
        // What the dead held is lost until their leases end, and then refills.
        world.now += 2 * lease_ms * 1_000 + u64::from(limit.size) * limit.period / 1_000 + 1;
        prop_assert_eq!(world.ask("peek", 0).remaining, i64::from(limit.size));
    });
}

#[test]
fn a_window_lends_no_more_than_its_quota() {
    let redis = Redis::start();
    let limit = (1_u32..200, prop_oneof![Just(0_u64), 1_u64..40, Just(3_600)]).prop_map(
        |(quota, period)| match period {
            0 => Ask::month("lent", quota, -7_198),
            _ => Ask::window("lent", quota, period, 0),
        },
    );
    let events = prop::collection::vec(any_event(2_500_000), 1..120);
    proptest!(ProptestConfig::with_cases(300), |(limit in limit, lease_ms in 100_u64..3_000, events in events)| {
        let mut world = World::new(&redis, limit, lease_ms);
        for event in events {
            world.happen(event);
        }
        world.waits_as_told(1);
        world.borrows_as_told(1);
    });
}

const SECOND: u64 = 1_000_000;

fn borrow(redis: &Redis, now: u64, lease_ms: u64, limit: &Ask, want: i64) -> crate::ask::Key {
    redis.call(now, lease_ms, &[limit.op("lease", want)]).keys[0]
}

/// A lease of generation and units, as its gateway names it.
fn naming(limit: &Ask, generation: i64, held: u64, unspent: u64, want: i64) -> Ask {
    Ask {
        generation: generation as u64,
        held,
        unspent,
        ..limit.op("lease", want)
    }
}

/// Units spent in a lease's last moment refill from that moment, also when nobody says so.
#[test]
fn a_lease_that_ends_unheard_was_spent_at_its_end() {
    let redis = Redis::start();
    let limit = Ask::bucket("b", 10, 1_000_000_000, 0);
    let granted = borrow(&redis, START, 20_000, &limit, 10);
    let end = (granted.generation as u64 + 2) * 20_000_000;
    let peek = limit.op("peek", 10);
    for (after, level) in [(0, 0), (SECOND, 1), (4 * SECOND, 4), (10 * SECOND, 10)] {
        let seen = redis.call(end + after, 0, std::slice::from_ref(&peek)).keys[0];
        assert_eq!(seen.remaining, level, "{after} µs after the end");
    }
    let told = redis.call(START, 0, std::slice::from_ref(&peek)).keys[0];
    assert_eq!(START / 1_000 + told.retry as u64, end / 1_000 + 10_000);
    assert_eq!(told.reset, told.retry);
}

#[test]
fn two_gateways_in_turn_carry_over_what_they_have() {
    let redis = Redis::start();
    let limit = Ask::bucket("b", 10, 1_000_000_000_000, 0);
    let one = borrow(&redis, START, 10_000, &limit, 4);
    let two = borrow(&redis, START, 10_000, &limit, 4);
    let again = redis.call(
        START + 9 * SECOND,
        10_000,
        &[naming(&limit, one.generation, 4, 3, 2)],
    );
    assert_eq!((again.keys[0].granted, again.keys[0].remaining), (2, 0));
    let none = redis.call(
        START + 9 * SECOND,
        10_000,
        &[naming(&limit, two.generation, 4, 0, 2)],
    );
    assert!(none.allowed, "what was spent is reported in any case");
    assert_eq!(none.keys[0].granted, 0, "4 spent, 6 on lease");
    let all = Ask {
        held: 5,
        unspent: 5,
        generation: again.keys[0].generation as u64,
        ..limit.op("lease", 0)
    };
    assert_eq!(
        redis.call(START + 9 * SECOND, 10_000, &[all]).keys[0].remaining,
        5
    );
}

#[test]
fn a_lease_is_all_or_nothing_with_the_other_keys() {
    let redis = Redis::start();
    let limit = Ask::bucket("b", 10, 1_000_000_000, 0);
    let old = borrow(&redis, START, 10_000, &limit, 5);
    let before = redis.get("b");
    let other = Ask::window("w", 1, 60, 0).op("charge", 2);
    let both = [naming(&limit, old.generation, 5, 2, 3), other];
    let reply = redis.call(START, 10_000, &both);
    assert!(!reply.allowed && reply.keys[0].allowed);
    assert_eq!((reply.keys[0].granted, reply.keys[0].generation), (0, 0));
    assert_eq!((redis.get("b"), redis.get("w")), (before, None));
}

#[test]
fn callers_whose_leases_differ_in_length_share_a_bucket() {
    let redis = Redis::start();
    let limit = Ask::bucket("b", 10, 1_000_000_000, 0);
    let short = borrow(&redis, START, 1_000, &limit, 4);
    let long = borrow(&redis, START, 30_000, &limit, 4);
    assert_eq!(long.remaining, 2);
    // Eight spent at the short one's end, or four at the long one's.
    let long_ends = (long.generation + 2) * 30_000 - (START / 1_000) as i64;
    assert_eq!(long.reset, long_ends + 4_000);
    // Named with the other's length, it is nobody's.
    let strange = naming(&limit, short.generation, 4, 4, 0);
    assert_eq!(redis.call(START, 30_000, &[strange]).keys[0].remaining, 2);
    // The short one has ended, the long one still takes up room.
    let later = redis.call(START + 12 * SECOND, 0, &[limit.op("peek", 0)]);
    assert_eq!(later.keys[0].remaining, 6);
}

#[test]
fn a_clock_far_back_does_not_lock_leased_units_away() {
    let redis = Redis::start();
    let limit = Ask::bucket("b", 10, 1_000_000_000, 0);
    borrow(&redis, START, 5_000, &limit, 10);
    let back = START - 86_400 * SECOND;
    let seen = redis.call(back, 0, &[limit.op("charge", 1)]).keys[0];
    assert_eq!(seen.retry, 1_000, "an empty bucket's wait, not a day's");
}

#[test]
fn a_window_takes_back_only_what_it_lent() {
    let redis = Redis::start();
    // A generation of 10 s and a window of 60 s: both begin at START.
    let limit = Ask::window("w", 100, 60, 0);
    let lent = borrow(&redis, START, 10_000, &limit, 50);
    assert_eq!((lent.granted, lent.remaining), (5, 95));
    let back = naming(&limit, lent.generation, 5, 3, 0);
    let left = |at| redis.call(at, 10_000, std::slice::from_ref(&back)).keys[0].remaining;
    assert_eq!(left(START), 98);
    assert_eq!(left(START), 98, "a second time");
    let last = borrow(&redis, START + 59 * SECOND, 10_000, &limit, 5);
    redis.call(START + 60 * SECOND, 0, &[limit.op("charge", 10)]);
    let late = naming(&limit, last.generation, 5, 5, 0);
    let next = redis.call(START + 60 * SECOND, 10_000, &[late]).keys[0];
    assert_eq!(next.remaining, 90, "of the window before");
}

/// Leases of one generation on both sides of a boundary would be one on the books.
#[test]
fn a_generation_across_a_boundary_is_two() {
    let redis = Redis::start();
    let limit = Ask::window("w", 100, 60, 0);
    let boundary = START + 60 * SECOND;
    let before = borrow(&redis, boundary - 1_000, 7_000, &limit, 5);
    let after = borrow(&redis, boundary, 7_000, &limit, 5);
    assert_eq!(before.generation + 1, after.generation);
    let left = |lease: &crate::ask::Key| {
        let back = naming(&limit, lease.generation, 5, 5, 0);
        redis.call(boundary, 7_000, &[back]).keys[0].remaining
    };
    assert_eq!(left(&before), 95, "of the window before");
    assert_eq!(left(&after), 100);
}

/// No generation begins in every other second, and so none may come back to it.
#[test]
fn a_window_shorter_than_a_generation_takes_nothing_of_another_back() {
    let redis = Redis::start();
    let limit = Ask::window("w", 100, 1, 0);
    for second in 0..4 {
        let (at, next) = (START + second * SECOND, START + (second + 1) * SECOND);
        let early = borrow(&redis, at, 2_000, &limit, 5);
        assert_eq!((early.granted, early.remaining), (5, 95));
        borrow(&redis, next, 2_000, &limit, 5);
        let late = naming(&limit, early.generation, 5, 5, 0);
        let seen = redis.call(next, 2_000, &[late]).keys[0];
        assert_eq!(seen.remaining, 95, "{second}");
        let _: () = redis.run("FLUSHALL").unwrap();
    }
}

/// Or a gateway that renews what it does not use would take the quota with it when it dies.
#[test]
fn a_lease_of_a_quota_is_a_twentieth_with_what_is_carried_over() {
    let redis = Redis::start();
    let limit = Ask::window("w", 100, 60, 0);
    let mut lent = borrow(&redis, START, 10_000, &limit, 5);
    for (unspent, want, granted) in [(5, 1, 0), (5, 5, 0), (3, 1, 1), (4, 9, 1), (0, 9, 5)] {
        let ask = naming(&limit, lent.generation, 5, unspent, want);
        lent = redis.call(START, 10_000, &[ask]).keys[0];
        assert_eq!((lent.allowed, lent.granted), (true, granted), "{unspent}");
    }
    // Of a plan with a smaller quota, nothing more.
    let smaller = Ask::window("w", 40, 60, 0);
    let kept = naming(&smaller, lent.generation, 5, 5, 1);
    assert_eq!(redis.call(START, 10_000, &[kept]).keys[0].granted, 0);
}

/// No gateway may name a lease twice. Where one does, it takes another's room, no more.
#[test]
fn a_second_return_is_worth_no_more_than_is_on_the_books() {
    let redis = Redis::start();
    let limit = Ask::bucket("b", 10, 1_000_000_000_000, 0);
    redis.call(START, 0, &[limit.op("charge", 3)]);
    let one = borrow(&redis, START, 10_000, &limit, 5);
    assert_eq!(borrow(&redis, START, 10_000, &limit, 2).remaining, 0);
    let back = naming(&limit, one.generation, 5, 5, 0);
    for remaining in [5, 7, 7] {
        let seen = redis.call(START, 10_000, std::slice::from_ref(&back));
        assert_eq!(seen.keys[0].remaining, remaining);
    }
}

#[test]
fn a_refused_lease_waits_for_the_least_that_is_of_use() {
    let redis = Redis::start();
    let limit = Ask::bucket("b", 10, 1_000_000_000, 0);
    redis.call(START, 0, &[limit.op("charge", 10)]);
    let ask = |least, want| Ask {
        least,
        ..limit.op("lease", want)
    };
    for (least, want, retry) in [(1, 5, 1_000), (2, 5, 2_000), (10, 10, 10_000), (11, 12, -1)] {
        let refused = redis.call(START, 10_000, &[ask(least, want)]).keys[0];
        assert_eq!((refused.allowed, refused.retry), (false, retry));
    }
    let nothing = redis.call(START, 10_000, &[ask(0, 5)]).keys[0];
    assert!(
        nothing.allowed && nothing.granted == 0,
        "nothing will do too"
    );
    let granted = redis.call(START + 2 * SECOND, 10_000, &[ask(2, 5)]).keys[0];
    assert_eq!(granted.granted, 2);
    // Of a quota of 100 a lease is at most five.
    let quota = Ask {
        least: 6,
        ..Ask::window("w", 100, 60, 0).op("lease", 6)
    };
    assert_eq!(redis.call(START, 10_000, &[quota]).keys[0].retry, -1);
}
