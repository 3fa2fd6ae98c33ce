//! Redis down, hung, restarted, read-only, full, or not Redis at all. Each has a status, in
//! the bridge's time, and afterwards all is well again.

use super::{error, patient, result, Caller, WRITE};
use crate::harness::{eventually, free_port, Bridge, BridgeOptions, Client, Redis};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Far above what a bridge takes, far below what a request without a bound would.
const SOON: Duration = Duration::from_secs(3);

#[test]
fn nobody_listens() {
    let bridge = Bridge::with(&BridgeOptions {
        timeout_ms: Some(10_000),
        ..BridgeOptions::to(free_port())
    });
    let refused = error(503, "BRIDGE connect connection refused");
    let caller = Caller::of(&bridge);
    for _ in 0..100 {
        assert_eq!(caller.ask(WRITE), refused);
    }
    let health = Client::new(bridge.address()).get("/healthz", &[]);
    assert_eq!((health.status, health.text().as_str()), (503, "not ok\n"));
    let log = bridge.log();
    assert!(log.contains("BRIDGE connect connection refused"), "{log}");
    assert!(log.matches("BRIDGE").count() < 50, "not a line each\n{log}");
    for secret in ["tollgate:k", bridge.token(), crate::harness::PASSWORD] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn a_hung_redis_is_not_waited_for_and_its_late_replies_reach_nobody() {
    let mut redis = Redis::start();
    let bridge = Bridge::with(&BridgeOptions {
        timeout_ms: Some(200),
        ..BridgeOptions::to(redis.port())
    });
    let caller = Caller::of(&bridge);
    let timeout = error(504, "BRIDGE read timeout");
    // On a machine this busy, any may take too long, but none may get another's reply.
    let own = |number: u64| {
        let answer = caller.echo(number);
        let own = answer == result(&number.to_string());
        assert!(own || answer == timeout, "{number}: {answer:?}");
        own.then_some(())
    };
    // Warm, so that the first to find it hung do so on a connection of the pool.
    assert!((0..20).filter_map(own).count() > 0);
    redis.stop();
    for number in 1000..1010 {
        let start = Instant::now();
        assert_eq!(caller.echo(number), timeout);
        assert!(start.elapsed() < SOON);
    }
    let health = Client::new(bridge.address()).get("/healthz", &[]);
    assert_eq!(health.status, 503);
    // Some wait for their replies when it goes on: the moment at which one that was kept
    // open would hand them the late ones.
    thread::scope(|scope| {
        let waiting = scope.spawn(|| (2000..2200).filter_map(own).count());
        thread::sleep(Duration::from_millis(300));
        redis.resume();
        assert!(waiting.join().unwrap() > 0);
    });
}

#[test]
fn a_restarted_redis_is_found_again() {
    let mut redis = Redis::start();
    let bridge = patient(&redis);
    let caller = Caller::of(&bridge);
    assert_eq!(caller.ask(WRITE), result(r#""OK""#));
    let sha = redis.command(&["script", "load", "return 5"]);
    let by_sha = format!(r#"["EVALSHA","{sha}",0]"#);
    assert_eq!(caller.ask(&by_sha), result("5"));
    redis.kill();
    let refused = error(503, "BRIDGE connect connection refused");
    let seen = eventually(SOON, || (caller.ask(WRITE) == refused).then_some(()));
    assert!(seen.is_some());
    redis.restart();
    let noscript = error(400, "NOSCRIPT No matching script. Please use EVAL.");
    let seen = eventually(SOON, || (caller.ask(&by_sha) == noscript).then_some(()));
    assert!(seen.is_some(), "its scripts are gone");
    assert_eq!(
        redis.command(&["exists", "tollgate:k"]),
        "1",
        "its keys are not"
    );
}

#[test]
fn a_replica_and_a_full_redis_refuse_in_their_own_words() {
    let redis = Redis::start();
    let bridge = patient(&redis);
    let caller = Caller::of(&bridge);
    let refused = |word: &str| {
        let (status, body) = caller.ask(WRITE);
        let start = format!(r#"{{"error":"{word} "#);
        assert_eq!(status, 400, "{body}");
        assert!(body.starts_with(&start), "{body}");
    };
    assert_eq!(redis.command(&["replicaof", "127.0.0.1", "1"]), "OK");
    refused("READONLY");
    assert_eq!(redis.command(&["replicaof", "no", "one"]), "OK");
    assert_eq!(caller.ask(WRITE), result(r#""OK""#));
    assert_eq!(redis.command(&["config", "set", "maxmemory", "1"]), "OK");
    refused("OOM");
    let kept = redis.command(&["exists", "tollgate:k"]);
    assert_eq!(kept, "1", "a full Redis forgets nothing");
    assert_eq!(redis.command(&["config", "set", "maxmemory", "0"]), "OK");
    assert_eq!(caller.ask(WRITE), result(r#""OK""#));
}

#[test]
fn a_wrong_password_is_told_and_nothing_runs_as_someone_else() {
    let redis = Redis::start();
    // A Redis whose default user may do all, as one without users has it.
    let open = redis.command(&["acl", "setuser", "default", "on", "nopass", "~*", "+@all"]);
    assert_eq!(open, "OK");
    let bridge = Bridge::with(&BridgeOptions {
        password: "wrong".to_owned(),
        timeout_ms: Some(10_000),
        ..BridgeOptions::to(redis.port())
    });
    let (status, body) = Caller::of(&bridge).ask(WRITE);
    assert_eq!(status, 400, "{body}");
    assert!(body.starts_with(r#"{"error":"WRONGPASS "#), "{body}");
    assert!(bridge.log().contains("WRONGPASS "), "{}", bridge.log());
    assert_eq!(redis.command(&["exists", "tollgate:k"]), "0");
}

/// One that is not Redis, or not to the end: it gets a request and does `then`.
fn instead_of_redis(timeout_ms: u32, then: impl Fn(&mut TcpStream) + Send + 'static) -> Bridge {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // It ends with the test process.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut buffer = [0; 4096];
            if stream.read(&mut buffer).unwrap_or_default() > 0 {
                then(&mut stream);
            }
        }
    });
    Bridge::with(&BridgeOptions {
        password: String::new(),
        timeout_ms: Some(timeout_ms),
        ..BridgeOptions::to(port)
    })
}

#[test]
fn a_connection_that_breaks() {
    let bridge = instead_of_redis(10_000, |stream| {
        stream.write_all(b"*2\r\n:1\r\n$5\r\nab").unwrap()
    });
    let broken = error(502, "BRIDGE read closed");
    assert_eq!(Caller::of(&bridge).ask(WRITE), broken);
}

#[test]
fn what_is_no_reply_of_redis() {
    let bridge = instead_of_redis(10_000, |stream| {
        stream.write_all(b"HTTP/1.1 400 Bad\r\n\r\n").unwrap()
    });
    let nonsense = error(502, "BRIDGE read what is no reply of Redis");
    assert_eq!(Caller::of(&bridge).ask(WRITE), nonsense);
}

#[test]
fn a_reply_that_drips_ends_with_the_same_deadline() {
    let bridge = instead_of_redis(100, |stream| {
        let _ = stream.write_all(b"*1000000\r\n");
        for _ in 0..1000 {
            thread::sleep(Duration::from_millis(10));
            if stream.write_all(b":1\r\n").is_err() {
                return;
            }
        }
    });
    let start = Instant::now();
    let timeout = error(504, "BRIDGE read timeout");
    assert_eq!(Caller::of(&bridge).ask(WRITE), timeout);
    assert!(start.elapsed() < SOON, "one deadline for all of it");
}

/// The rest of a reply too many is never read as the next one's.
#[test]
fn a_connection_with_more_than_was_asked_is_not_used_again() {
    let bridge = instead_of_redis(10_000, |stream| {
        let mut buffer = [0; 4096];
        let _ = stream.write_all(b":1\r\n:2\r\n");
        while stream.read(&mut buffer).unwrap_or_default() > 0 {
            let _ = stream.write_all(b":3\r\n");
        }
    });
    let caller = Caller::of(&bridge);
    for _ in 0..10 {
        assert_eq!(caller.ask(WRITE), result("1"));
    }
}
