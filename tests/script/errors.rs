//! What is refused, and that nothing is written then.

use crate::server::{Redis, SCRIPT};
use redis::RedisResult;

const SOUND: [&str; 13] = [
    "42",
    "0",
    "bucket",
    "charge",
    "10",
    "1000000000",
    "0",
    "1",
    "0",
    "0",
    "0",
    "0",
    "0",
];

fn error(answer: RedisResult<Vec<i64>>) -> String {
    let error = answer.expect_err("refused");
    let code = error.code().unwrap_or_default().to_owned();
    format!("{code} {}", error.detail().unwrap_or_default())
}

fn with(changes: &[(usize, &'static str)]) -> Vec<&'static str> {
    let mut args = SOUND.to_vec();
    for (at, value) in changes {
        args[*at] = value;
    }
    args
}

#[test]
fn each_wrong_argument_is_named() {
    let redis = Redis::start();
    let none = String::new();
    let cases: &[(&[(usize, &str)], &str)] = &[
        (&[(0, "")], "nonce"),
        (&[(0, "-1")], "nonce"),
        (&[(0, "100000000000000")], "nonce"),
        (&[(0, "1e3")], "nonce"),
        (&[(1, "86400001")], "length of a lease"),
        (&[(1, "x")], "length of a lease"),
        (&[(2, "gcra")], "key 1: kind"),
        (&[(3, "take")], "key 1: op"),
        (&[(4, "0")], "key 1: size"),
        (&[(4, "4294967296")], "key 1: size"),
        (&[(4, "0x10")], "key 1: size"),
        (&[(4, "nan")], "key 1: size"),
        (&[(4, "inf")], "key 1: size"),
        (&[(4, " 7")], "key 1: size"),
        (&[(4, "7.0")], "key 1: size"),
        (&[(5, "0")], "key 1: period"),
        (&[(5, "31536000000000100")], "key 1: period"),
        (&[(5, "99999999999999999999")], "key 1: period"),
        (&[(6, "11")], "key 1: offset"),
        (&[(6, "-1")], "key 1: offset"),
        (&[(7, "0")], "key 1: amount"),
        (&[(7, "100000000000000")], "key 1: amount"),
        (&[(3, "try"), (7, "0")], "key 1: amount"),
        (&[(3, "try"), (9, "1")], "key 1: generation"),
        (&[(3, "settle"), (7, "-100000000000000")], "key 1: amount"),
        (&[(3, "peek"), (7, "-1")], "key 1: amount"),
        (&[(8, "1")], "key 1: least"),
        (&[(9, "1")], "key 1: generation"),
        (&[(10, "1")], "key 1: held"),
        (&[(11, "1")], "key 1: unspent"),
        (&[(12, "-1")], "key 1: fill"),
        (&[(12, "315360000000000100")], "key 1: fill"),
        (&[(2, "window"), (5, "60"), (12, "1")], "key 1: fill"),
        (&[(3, "lease")], "key 1: lease without a length"),
        (&[(1, "1000"), (3, "lease"), (8, "2")], "key 1: least"),
        (
            &[(1, "1000"), (3, "lease"), (10, "2"), (11, "3")],
            "key 1: unspent",
        ),
        (&[(2, "window"), (5, "315360001")], "key 1: period"),
        (
            &[(2, "window"), (5, "60"), (6, "315360001")],
            "key 1: offset",
        ),
        (&[(2, "month")], "key 1: period"),
    ];
    for (changes, what) in cases {
        let error = error(redis.eval(&["k"], &with(changes)));
        assert_eq!(error, format!("TOLLGATE {what}"), "{changes:?}");
        assert_eq!(redis.get("k").unwrap_or_default(), none);
    }
}

#[test]
fn the_second_key_is_checked_before_the_first_is_written() {
    let redis = Redis::start();
    let args = [&SOUND[..], &with(&[(4, "0")])[2..]].concat();
    assert_eq!(
        error(redis.eval(&["a", "b"], &args)),
        "TOLLGATE key 2: size"
    );
    let args = [&SOUND[..], &SOUND[2..]].concat();
    assert_eq!(
        error(redis.eval(&["a", "a"], &args)),
        "TOLLGATE key 2: is there twice"
    );
    assert_eq!(redis.get("a"), None);
}

#[test]
fn counts_keys_and_arguments() {
    let redis = Redis::start();
    assert_eq!(
        error(redis.eval(&[], &["42", "0"])),
        "TOLLGATE wants 1 to 32 keys, not 0"
    );
    assert_eq!(
        error(redis.eval(&["k"], &SOUND[..12])),
        "TOLLGATE wants 13 arguments, not 12"
    );
    assert_eq!(
        error(redis.eval(&["k"], &[])),
        "TOLLGATE wants 13 arguments, not 0"
    );
    let more = [&SOUND[..], &["0"]].concat();
    assert_eq!(
        error(redis.eval(&["k"], &more)),
        "TOLLGATE wants 13 arguments, not 14"
    );
    for (count, fits) in [(32, true), (33, false)] {
        let keys: Vec<String> = (0..count).map(|at| format!("k{at}")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let args = [&SOUND[..2], &SOUND[2..].repeat(count)].concat();
        assert_eq!(redis.eval(&keys, &args).is_ok(), fits, "{count}");
    }
}

#[test]
fn another_type_under_a_key_is_redis_own_error_and_writes_nothing() {
    let redis = Redis::start();
    let _: i64 = redis.run("RPUSH list x").unwrap();
    let args = [&SOUND[..], &SOUND[2..]].concat();
    let error = error(redis.eval(&["free", "list"], &args));
    assert!(error.starts_with("WRONGTYPE "), "{error}");
    assert_eq!(redis.get("free"), None);
}

#[test]
fn a_script_that_redis_lacks_is_sent_once() {
    let redis = Redis::start();
    let _: () = redis.run("SCRIPT FLUSH").unwrap();
    let mut hash = redis::cmd("SCRIPT");
    hash.arg("LOAD").arg(SCRIPT);
    let sha: String = redis.query(&hash).unwrap();
    let _: () = redis.run("SCRIPT FLUSH").unwrap();
    let line = format!("EVALSHA {sha} 1 k {}", SOUND.join(" "));
    let missing = error(redis.run(&line));
    assert!(missing.starts_with("NOSCRIPT "), "{missing}");
    assert_eq!(redis.get("k"), None);
    redis.eval(&["k"], &SOUND).expect("EVAL");
    let after: Vec<i64> = redis.run(&line).expect("EVALSHA, now");
    assert_eq!(after[6], 8, "two of ten are charged");
}

/// Redis refuses a global of a script's own, so that running every branch is the check; and
/// hosted Upstash gets the same text behind a line of its own, of which plain Redis knows none.
#[test]
fn the_text_has_no_shebang_and_ends_in_a_newline() {
    assert!(SCRIPT.starts_with("-- ") && SCRIPT.ends_with("\n"));
    assert!(SCRIPT.is_ascii());
}
