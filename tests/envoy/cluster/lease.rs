//! Units are borrowed in chunks, and never more passes than one strict bucket allows.
//! How many calls that saves is `make bench`'s to say, since a busy machine saves fewer.

use crate::harness::{eventually, Client, Cluster, Traffic};
use std::io::Write;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

const RATE: u32 = 400;
const BURST: u32 = 400;
const LIMITS: &str = r#"{"l": {"rate": "400/s", "scope": "cluster", "consistency": "lease"}}"#;

/// What one strict bucket of this many units, which never refills, has left.
const STILL: &str = r#"{"l": {"rate": "400/d", "scope": "cluster", "consistency": "lease"}}"#;

#[test]
fn no_window_passes_more_than_strict_not_even_after_idle_seconds() {
    let cluster = Cluster::start(2, LIMITS);
    let (mut traffic, start) = (Traffic::default(), Instant::now());
    for (busy, idle) in [(1500, 400), (1000, 1200), (1000, 0)] {
        traffic.send(&cluster.envoys, start, Duration::from_millis(busy));
        sleep(Duration::from_millis(idle));
    }
    traffic.assert_bounded(RATE, BURST);
    assert!(traffic.passed.len() > BURST as usize, "nothing refilled");
    cluster.assert_well();
}

/// Two Envoys and no refill to speak of: what passes in all is the burst, and what lies
/// idle in one comes back for the other.
#[test]
fn what_lies_idle_comes_back() {
    let cluster = Cluster::start(2, STILL);
    let [one, two] = [0, 1].map(|envoy| Client::new(cluster.envoys[envoy].address()));
    let mut passed = 0;
    // Enough for a lease, in each.
    for _ in 0..60 {
        passed += usize::from(one.chat("alice").status == 200);
        passed += usize::from(two.chat("alice").status == 200);
    }
    assert_eq!(passed, 120);
    // Then only one of them is used, to the end: what the other holds comes back within
    // seconds.
    let exhausted = eventually(Duration::from_secs(60), || {
        passed += usize::from(one.chat("alice").status == 200);
        (passed == 400).then_some(())
    });
    assert!(exhausted.is_some(), "{passed} of 400");
    for client in [&one, &two] {
        assert_eq!(client.chat("alice").status, 429);
    }
    cluster.assert_well();
}

/// Told of every call, the tick asked Redis twice a second for a bucket that had nothing
/// for hours, and clients to come back in a second.
#[test]
fn an_exhausted_client_is_told_when_to_come_back_and_costs_no_calls() {
    let limits = r#"{"l": {"rate": "60/d", "scope": "cluster", "consistency": "lease"}}"#;
    let cluster = Cluster::start(1, limits);
    let mut traffic = Traffic::default();
    let start = Instant::now();
    for _ in 0..40 {
        traffic.send(&cluster.envoys, start, Duration::from_millis(500));
        if traffic.passed.len() == 60 {
            break;
        }
    }
    assert_eq!(traffic.passed.len(), 60);
    let calls = cluster.calls();
    traffic.send(&cluster.envoys, start, Duration::from_millis(5000));
    assert_eq!(traffic.passed.len(), 60);
    // Two workers have something to end and to find out.
    let more = cluster.calls() - calls;
    assert!(more <= 6, "{more} calls for nothing");
    let denied = Client::new(cluster.envoys[0].address()).chat("alice");
    let wait: u64 = denied.header("retry-after").unwrap().parse().unwrap();
    assert!(
        (1200..=1441).contains(&wait),
        "a unit takes 1440 s, not {wait}"
    );
    cluster.assert_well();
}

/// What a killed Envoy had borrowed is spent, and comes back with time as if it were.
#[test]
fn a_killed_envoy_loses_its_leases_and_no_more() {
    let mut cluster = Cluster::start(2, LIMITS);
    let start = Instant::now();
    let mut traffic = Traffic::default();
    traffic.send(&cluster.envoys, start, Duration::from_millis(800));
    // Dropped, it gets SIGKILL.
    drop(cluster.envoys.remove(1));
    let mut after = Traffic::default();
    after.send(&cluster.envoys, start, Duration::from_millis(800));
    traffic.passed.extend(&after.passed);
    traffic.assert_bounded(RATE, BURST);
    assert!(!after.passed.is_empty());
    // Leases end after two to four seconds, the bucket is full in one.
    let client = Client::new(cluster.envoys[0].address());
    let full = format!(r#""l";r={};t=1"#, BURST - 1);
    let refilled = eventually(Duration::from_secs(30), || {
        sleep(Duration::from_millis(1200));
        let answer = client.chat("alice");
        (answer.header("ratelimit") == Some(&*full)).then_some(())
    });
    assert!(refilled.is_some());
    cluster.assert_well();
}

/// Whoever hangs up while Redis is asked leaves nothing behind.
#[test]
fn clients_that_hang_up_in_the_middle_of_a_call_break_nothing() {
    let mut cluster = Cluster::start(1, STILL);
    let address = cluster.envoys[0].address();
    let client = Client::new(address);
    assert_eq!(client.chat("alice").status, 200);
    cluster.redis.stop();
    for number in 0..50 {
        let mut stream = TcpStream::connect(address).unwrap();
        let request = format!(
            "GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer gone-{}\r\n\r\n",
            number % 3
        );
        stream.write_all(request.as_bytes()).unwrap();
        sleep(Duration::from_millis(5));
    }
    let active = "http.tollgate.downstream_rq_active";
    let left = eventually(Duration::from_secs(20), || {
        (cluster.envoys[0].stat(active) == 0).then_some(())
    });
    assert!(left.is_some(), "{}", cluster.envoys[0].stat(active));
    cluster.redis.resume();
    assert_eq!(client.chat("alice").status, 200);
    let back = client.chat("gone-1");
    assert_eq!(back.status, 200, "{}", back.text());
    cluster.assert_well();
}
