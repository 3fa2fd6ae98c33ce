//! Redis is asked for every request: what all Envoys admit together is the burst.

use crate::harness::{Client, Cluster};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const REQUESTS: usize = 900;
const CONNECTIONS: usize = 32;

#[test]
fn two_envoys_admit_exactly_the_burst_of_many_requests_at_once() {
    let limits = r#"{"all": {"rate": "300/d", "scope": "cluster"}}"#;
    let cluster = Cluster::start(2, limits);
    let (sent, passed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let (cluster, sent, passed) = (&cluster, &sent, &passed);
            scope.spawn(move || {
                let client = Client::new(cluster.envoys[connection % 2].address());
                while sent.fetch_add(1, Ordering::Relaxed) < REQUESTS {
                    match client.chat("alice").status {
                        200 => passed.fetch_add(1, Ordering::Relaxed),
                        status => {
                            assert_eq!(status, 429);
                            0
                        }
                    };
                }
            });
        }
    });
    cluster.assert_well();
    assert_eq!(passed.into_inner(), 300);
    assert_eq!(cluster.counted("limit.all.allowed"), 300);
    assert_eq!(cluster.counted("limit.all.denied"), 600);
}

#[test]
fn a_denied_request_is_charged_to_no_limit_of_any_store() {
    let limits = r#"{
        "few":   {"rate": "2/d", "scope": "cluster"},
        "many":  {"rate": "100/d", "scope": "cluster"},
        "local": {"rate": "10/d"}}"#;
    let cluster = Cluster::start(2, limits);
    let [one, two] = [0, 1].map(|envoy| Client::new(cluster.envoys[envoy].address()));
    assert_eq!(one.chat("alice").status, 200);
    assert_eq!(two.chat("alice").status, 200);
    for _ in 0..20 {
        let denied = one.chat("alice");
        assert_eq!(denied.status, 429);
        assert_eq!(
            denied.json()["violated-policies"],
            serde_json::json!(["few"])
        );
        assert_eq!(denied.header("ratelimit"), Some(r#""few";r=0;t=43200"#));
    }
    // What each has left, one request less: many 97 in Redis, local 8 in this Envoy.
    let key = cluster.redis.command(&["--raw", "keys", "*:many:*"]);
    let spent = |value: &str| -> u64 {
        // b1 <TAT s> …: a unit is a day's hundredth.
        let tat: u64 = value.split(' ').nth(1).unwrap().parse().unwrap();
        let now: u64 = cluster
            .redis
            .command(&["--raw", "time"])
            .lines()
            .next()
            .unwrap()
            .parse()
            .unwrap();
        (tat - now).div_ceil(864)
    };
    assert_eq!(spent(&cluster.redis.command(&["--raw", "get", &key])), 2);
    cluster.assert_well();
}

/// One call finds out; the others are answered from memory until the wait is over.
#[test]
fn a_denied_client_at_full_speed_costs_redis_next_to_nothing() {
    let limits = r#"{"l": {"rate": "1/d", "burst": 3, "scope": "cluster"}}"#;
    let cluster = Cluster::start(1, limits);
    let client = Client::new(cluster.envoys[0].address());
    let passed = (0..500).filter(|_| client.chat("alice").status == 200);
    assert_eq!(passed.count(), 3);
    // The first, which Redis has no script for, is sent twice.
    assert_eq!(cluster.calls(), 5, "three that passed, one denied");
    // Nobody else is held to it.
    assert_eq!(client.chat("bob").status, 200);
    cluster.assert_well();
}

#[test]
fn no_client_id_reaches_redis() {
    let limits = r#"{"l": {"rate": "9/d", "scope": "cluster"}}"#;
    let cluster = Cluster::start(1, limits);
    let client = Client::new(cluster.envoys[0].address());
    assert_eq!(client.chat("alice-the-secret-key").status, 200);
    let key = cluster.redis.command(&["--raw", "keys", "*"]);
    let parts: Vec<&str> = key.split(':').collect();
    assert_eq!(&parts[..2], ["tollgate", "default"], "{key}");
    let hash = parts[2].trim_start_matches('{').trim_end_matches('}');
    assert!(hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(parts[3], "l");
    let ttl: i64 = cluster
        .redis
        .command(&["--raw", "ttl", &key])
        .parse()
        .unwrap();
    assert!((1..=9_700).contains(&ttl), "{ttl}");
    assert!(!cluster.envoys[0].log().contains("secret-key"));
}
