//! What the script leaves in Redis, and what it makes of what it finds there.

use crate::ask::{Ask, Reply};
use crate::server::Redis;

/// 2024-02-28 12:00 UTC, µs.
const NOW: u64 = 1_709_121_600_000_000;
const SECOND: u64 = 1_000_000;

fn limits() -> [Ask; 3] {
    [
        Ask::bucket("b", 10, 1_000_000_000, 0),
        Ask::window("w", 100, 60, 0),
        Ask::month("m", 100, 0),
    ]
}

fn call(redis: &Redis, ask: &Ask) -> Reply {
    redis.call(NOW, 10_000, std::slice::from_ref(ask))
}

fn remaining(reply: &Reply) -> Vec<i64> {
    reply.keys.iter().map(|key| key.remaining).collect()
}

fn all(redis: &Redis) -> Vec<Option<String>> {
    ["b", "w", "m"].map(|key| redis.get(key)).to_vec()
}

/// `Redis::call` asserts the TTL of each key that was written.
#[test]
fn every_op_that_writes_leaves_a_value_with_its_ttl() {
    let redis = Redis::start();
    for op in ["charge", "try", "lease", "settle"] {
        let _: () = redis.run("FLUSHALL").unwrap();
        let asks = limits().map(|limit| limit.op(op, 3));
        assert!(redis.call(NOW, 10_000, &asks).allowed);
        assert!(all(&redis).iter().all(Option::is_some), "{op}");
    }
    let _: () = redis.run("FLUSHALL").unwrap();
    let lent = call(&redis, &limits()[0].op("lease", 3)).keys[0];
    // Full in three seconds, but lent for ten to twenty, and spent at the last moment.
    assert!(lent.reset > 13_000, "{lent:?}");
}

/// The shipped text, on Redis' own clock.
#[test]
fn a_value_expires_a_second_after_the_bucket_is_full() {
    let redis = Redis::start();
    let args: Vec<&str> = "42 0 bucket charge 10 60000000000 0 1 0 0 0 0 0"
        .split(' ')
        .collect();
    redis.eval(&["k"], &args).unwrap();
    let ttl: i64 = redis.run("PTTL k").unwrap();
    assert!((30_000..=61_000).contains(&ttl), "{ttl}");
}

#[test]
fn a_full_bucket_without_leases_is_deleted() {
    let redis = Redis::start();
    let bucket = &limits()[0];
    call(&redis, &bucket.op("charge", 3));
    call(&redis, &bucket.op("settle", -3));
    assert_eq!(redis.get("b"), None);
    call(&redis, &bucket.op("lease", 3));
    let returned = call(&redis, &bucket.op("settle", -3)).keys[0];
    assert_eq!(returned.remaining, 7, "three are on lease");
    assert!(redis.get("b").is_some());
}

#[test]
fn a_refusal_of_any_key_writes_none() {
    let redis = Redis::start();
    redis.call(NOW, 10_000, &limits().map(|limit| limit.op("lease", 2)));
    let before = all(&redis);
    for refused in 0..3 {
        for op in ["charge", "settle", "lease"] {
            let mut asks = limits().map(|limit| limit.op(op, 1));
            asks[refused] = limits()[refused].op("charge", 101);
            let reply = redis.call(NOW + SECOND / 2, 10_000, &asks);
            let allowed: Vec<bool> = reply.keys.iter().map(|key| key.allowed).collect();
            let expected: Vec<bool> = (0..3).map(|at| at != refused).collect();
            assert_eq!((reply.allowed, allowed), (false, expected));
            assert_eq!(reply.keys[refused].retry, -1);
            assert_eq!(all(&redis), before, "{op} beside {refused}");
        }
    }
}

/// As a limit in shadow mode decides: it is charged as if it were the only one.
#[test]
fn what_is_tried_is_charged_whatever_the_others_say() {
    let redis = Redis::start();
    let [bucket, window, month] = limits();
    let asks = [
        bucket.op("try", 4),
        window.op("charge", 101),
        month.op("charge", 1),
    ];
    let reply = redis.call(NOW, 0, &asks);
    assert!(!reply.allowed && reply.keys[0].allowed);
    assert_eq!(remaining(&reply), [6, 100, 100]);
    assert_eq!(reply.keys[0].reset, 4_000, "with what it was charged");
    let written: Vec<bool> = all(&redis).iter().map(Option::is_some).collect();
    assert_eq!(written, [true, false, false]);
}

#[test]
fn a_refusal_of_what_is_tried_is_its_own() {
    let redis = Redis::start();
    let [bucket, window, month] = limits();
    let asks = [
        bucket.op("try", 11),
        window.op("charge", 3),
        month.op("try", 101),
    ];
    let reply = redis.call(NOW, 0, &asks);
    let allowed: Vec<bool> = reply.keys.iter().map(|key| key.allowed).collect();
    assert!(reply.allowed);
    assert_eq!(allowed, [false, true, false]);
    assert_eq!((reply.keys[0].retry, reply.keys[2].retry), (-1, -1));
    assert_eq!(remaining(&reply), [10, 97, 100]);
    assert_eq!(redis.get("b"), None);
    assert_eq!(redis.get("m"), None);
    let alone = call(&redis, &window.op("try", 98));
    assert!(alone.allowed && !alone.keys[0].allowed, "none binds");
    assert_eq!(alone.keys[0].remaining, 97);
}

/// Left as it was, it would go on refilling at the old rate, and the wait not be enough.
#[test]
fn a_refused_try_is_rebased_as_a_charge_is() {
    let redis = Redis::start();
    let slow = Ask::bucket("b", 10, 60_000_000_000, 0);
    let fast = Ask::bucket("b", 10, 1_000_000_000, 0);
    for beside in [1, 101] {
        let _: () = redis.run("FLUSHALL").unwrap();
        call(&redis, &slow.op("charge", 10));
        let asks = [fast.op("try", 2), limits()[1].op("charge", beside)];
        let refused = redis.call(NOW, 0, &asks).keys[0];
        assert_eq!((refused.allowed, refused.retry), (false, 2_000));
        let later = redis.call(NOW + 2 * SECOND, 0, &[fast.op("try", 2)]);
        assert!(later.keys[0].allowed, "as told, beside {beside}");
    }
}

#[test]
fn a_peek_refuses_nobody_else() {
    let redis = Redis::start();
    let mut asks = limits().map(|limit| limit.op("charge", 1));
    asks[1] = limits()[1].op("peek", 101);
    let reply = redis.call(NOW, 0, &asks);
    assert!(reply.allowed && !reply.keys[1].allowed);
    assert_eq!(remaining(&reply), [9, 100, 99]);
    assert_eq!(redis.get("w"), None);
}

#[test]
fn a_peek_writes_nothing() {
    let redis = Redis::start();
    for amount in [0, 5, 500] {
        redis.call(NOW, 0, &limits().map(|limit| limit.op("peek", amount)));
        assert_eq!(all(&redis), [None, None, None]);
    }
    redis.call(NOW, 0, &limits().map(|limit| limit.op("charge", 4)));
    let before = all(&redis);
    let seen = redis.call(
        NOW + 9 * SECOND,
        0,
        &limits().map(|limit| limit.op("peek", 0)),
    );
    assert_eq!(remaining(&seen), [10, 96, 96]);
    assert_eq!(all(&redis), before);
}

#[test]
fn debt_is_exact_to_ten_bursts() {
    let redis = Redis::start();
    let bucket = Ask::bucket("b", 10, 1_000_000_000, 10);
    let all = call(&redis, &bucket.op("settle", 110)).keys[0];
    assert_eq!((all.reset, all.granted), (110_000, 0));
    let more = call(&redis, &bucket.op("settle", 3)).keys[0];
    assert_eq!(
        (more.reset, more.granted),
        (110_000, 3),
        "three are forgiven"
    );
    let refused = call(&redis, &bucket.op("charge", 1)).keys[0];
    assert_eq!((refused.remaining, refused.retry), (0, 101_000));
}

/// Found at random: a product beyond a double's 53 bits made one unit more of them.
#[test]
fn forgiven_units_are_counted_without_their_product() {
    let redis = Redis::start();
    let bucket = Ask::bucket("b", 182, 603_303_999_399, 10);
    let settled = call(&redis, &bucket.op("settle", 15_869)).keys[0];
    assert_eq!(settled.granted, 15_869 - 11 * 182);
}

#[test]
fn a_value_that_is_not_ours_counts_as_none() {
    let redis = Redis::start();
    let far = (NOW / SECOND) + 1_000_000;
    let foreign = [
        "".to_owned(),
        "x".to_owned(),
        "17".to_owned(),
        "b1".to_owned(),
        "b1 ".to_owned(),
        "b1 1 2".to_owned(),
        format!("b2 {far} 0 1000000000"),
        format!("b1 {far} 0 0"),
        format!("b1 {far} 0 1000000000 1"),
        format!("b1 {far} 0 -5"),
        format!("b1 {far}000000000000 0 1000000000"),
        format!("b1 {far} 0 1e9"),
        format!("b1 {far} 1000000000000000000000 1000000000"),
        format!("b1 {far} 0 1000000000000000000000"),
        format!("w1 {far} 0 1000000000"),
        format!("b1 {far} 0 1000000000\n"),
    ];
    for value in foreign {
        for limit in limits() {
            let mut set = redis::cmd("SET");
            let _: () = redis.query(set.arg(&limit.key).arg(&value)).unwrap();
            let charged = call(&redis, &limit.op("charge", 1)).keys[0];
            let full = i64::from(limit.size) - 1;
            assert_eq!(charged.remaining, full, "{value:?} under {}", limit.key);
        }
    }
    let mut set = redis::cmd("SET");
    let _: () = redis
        .query(set.arg("b").arg(&b"b1 \xff\x00 0 1"[..]))
        .unwrap();
    assert_eq!(
        call(&redis, &limits()[0].op("charge", 1)).keys[0].remaining,
        9
    );
    let _: () = redis
        .query(
            redis::cmd("SET")
                .arg("b")
                .arg(format!("b1 {far} 0 1000000000")),
        )
        .unwrap();
    assert_eq!(
        call(&redis, &limits()[0].op("peek", 0)).keys[0].remaining,
        0,
        "ours"
    );
}

/// Whatever digits stand where leases do, the script neither fails nor divides by them.
#[test]
fn absurd_leases_are_survived() {
    let redis = Redis::start();
    let digits = [
        "0",
        "1",
        "7",
        "170912160000",
        "999999999999999999",
        "9999999999999999999999",
    ];
    for generation in digits {
        for length in digits {
            for units in digits {
                let rest = format!("{generation} {length} {units}");
                let start = NOW / SECOND / 60 * 60;
                for (limit, value) in [
                    (0, "b1 1 2 1000000000".to_owned()),
                    (1, format!("w1 {start} 60 3")),
                ] {
                    let limit = &limits()[limit];
                    let value = format!("{value} {rest}");
                    let mut set = redis::cmd("SET");
                    let _: () = redis.query(set.arg(&limit.key).arg(value)).unwrap();
                    call(&redis, &limit.op("lease", 1));
                    call(&redis, &limit.op("settle", -1));
                }
            }
        }
    }
}
