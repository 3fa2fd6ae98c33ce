//! Many callers, few connections: each caller gets its own reply.

use super::{patient, result, Caller};
use crate::harness::Redis;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

#[test]
fn each_of_many_parallel_callers_gets_its_own_reply() {
    let redis = Redis::start();
    let bridge = patient(&redis);
    thread::scope(|scope| {
        for caller in 0..32 {
            let bridge = &bridge;
            scope.spawn(move || {
                let client = Caller::of(bridge);
                for number in 0..100 {
                    let nonce = caller * 1000 + number;
                    assert_eq!(client.echo(nonce), result(&nonce.to_string()));
                }
            });
        }
    });
}

#[test]
fn connections_to_redis_are_kept_and_log_in_once() {
    let redis = Redis::start();
    let bridge = patient(&redis);
    let caller = Caller::of(&bridge);
    assert_eq!(redis.command(&["config", "resetstat"]), "OK");
    for number in 0..100 {
        assert_eq!(caller.echo(number), result(&number.to_string()));
    }
    let count = |section: &str, field: &str| {
        let info = redis.command(&["info", section]);
        let line = info.lines().find_map(|line| line.strip_prefix(field));
        let digits = line.unwrap_or_else(|| panic!("{field} in {info}"));
        let digits = digits.split(|c: char| !c.is_ascii_digit()).next();
        digits
            .and_then(|digits| digits.parse::<u32>().ok())
            .unwrap()
    };
    assert_eq!(count("commandstats", "cmdstat_eval:calls="), 100);
    // One of the bridge, and what this test asks with.
    assert!(count("stats", "total_connections_received:") < 10);
    assert!(count("commandstats", "cmdstat_auth:calls=") < 10);
}

/// Whatever an answer was, the next one on the same connection is the next request's, even
/// where the bridge had no reason to read the body.
#[test]
fn requests_one_after_the_other_on_one_connection() {
    let redis = Redis::start();
    let bridge = patient(&redis);
    let token = bridge.token();
    let post = |path: &str, token: &str, body: &str| {
        let length = body.len();
        format!("POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    let echo = |number: u32| post("/", token, &format!(r#"["EVAL","return {number}",0]"#));
    let smuggled = echo(666);
    let requests = [
        echo(1),
        post("/", "wrong", &smuggled),
        echo(2),
        post("/nowhere", token, &smuggled),
        post("/", "wrong", &smuggled.repeat(2000)),
        echo(3),
        post("/healthz", token, &smuggled),
        post("/", token, "garbage"),
        echo(4),
        "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned(),
    ];
    let mut stream = TcpStream::connect(bridge.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream.write_all(requests.concat().as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    let statuses: Vec<&str> = answers
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|rest| &rest[..3])
        .collect();
    let expected = [
        "200", "401", "200", "404", "401", "200", "200", "400", "200", "405",
    ];
    assert_eq!(statuses, expected, "{answers}");
    assert!(!answers.contains("666"), "{answers}");
    let results: Vec<&str> = answers
        .split(r#"{"result":"#)
        .skip(1)
        .map(|rest| &rest[..1])
        .collect();
    assert_eq!(results, ["1", "2", "3", "4"]);
}
