//! Ten thousand requests that end in all ways at once, and not one slot is lost or made.

use super::{config, Gate};
use crate::harness::{Client, EnvoyOptions, Http2};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

const REQUESTS: u64 = 10_000;
const ROUND: u64 = 2_500;
const SLOTS: u32 = 8;
/// Of these, so many are held all the time: a slot that came back twice would be theirs.
const HELD: usize = 2;
const CLIENTS: [&str; 3] = ["alice", "bob", "carol"];
/// Eight for each client: more than there are slots left.
const THREADS: u64 = 24;

/// Every request draws one of these by its number.
#[derive(Clone, Copy)]
enum Ending {
    /// Read to its end, on a connection that is kept.
    Read(&'static str),
    /// The same on a connection of its own, with this line in its head.
    ReadAlone(&'static str, &'static str),
    /// The client reads nothing, and goes after so many milliseconds.
    Gone(&'static str, u64),
    /// The client goes once the answer has begun.
    GoneReading(&'static str),
    /// The client goes in the middle of its body.
    GoneWriting,
    /// An HTTP/2 stream, reset after so many milliseconds.
    Reset(u64),
}

use Ending::{Gone, GoneReading, GoneWriting, Read, ReadAlone, Reset};

const ENDINGS: [Ending; 20] = [
    Read("/now/answer"),
    Read("/now/answer"),
    Read("/now/stream"),
    Read("/itself"),
    Read("/dead"),
    Read("/now/reset"),
    Read("/now/nonsense"),
    Read("/now/redirect"),
    ReadAlone("/now/half", ""),
    ReadAlone("/now/answer", "x-end: rbac\r\n"),
    ReadAlone("/now/answer", "x-end: lua\r\n"),
    ReadAlone("/later/answer/timeout", ""),
    ReadAlone("/later/stream/idle", ""),
    Gone("/later/answer", 0),
    Gone("/later/answer", 3),
    GoneReading("/later/stream"),
    GoneReading("/later/switch"),
    GoneWriting,
    Reset(0),
    Reset(3),
];

#[test]
fn ten_thousand_mixed_endings_leak_no_slot() {
    let gate = Gate::start(&config(SLOTS), EnvoyOptions::default());
    let mut holders = Vec::new();
    for key in CLIENTS {
        for _ in 0..HELD {
            let mut holder = gate.begin("/never/stream", key);
            assert_eq!(holder.begun().expect("a head").status, 200);
            holders.push(holder);
        }
    }
    let counted = |name: &str| gate.envoy.counter(&format!("limit.at-once.{name}"));
    for round in 1.. {
        send(&gate, (round - 1) * ROUND..round * ROUND);
        if counted("allowed") >= REQUESTS {
            break;
        }
        assert!(round < 20, "only {} pass", counted("allowed"));
    }
    // The end of the last ones, and what a lost race has left to the tick.
    for key in CLIENTS {
        gate.until_free(key, SLOTS as usize - HELD);
    }
    drop(holders);
    for key in CLIENTS {
        gate.until_free(key, SLOTS as usize);
    }

    let denied = counted("denied");
    println!("{} allowed, {denied} denied", counted("allowed"));
    assert!(denied > REQUESTS / 100, "only {denied} met no free slot");
    let stats = gate.envoy.stats();
    for worker in 0..2 {
        let name = format!("worker_{worker}.downstream_cx_total");
        let connections = stats.iter().find(|(stat, _)| stat.ends_with(&name));
        assert!(connections.is_some_and(|(_, count)| *count > 0), "{name}");
    }
    gate.envoy.assert_vm_lives();
}

/// Sends those of these numbers, from all threads.
fn send(gate: &Gate, numbers: Range<u64>) {
    let next = AtomicU64::new(numbers.start);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (next, last) = (&next, numbers.end);
            scope.spawn(move || {
                let key = CLIENTS[number as usize % CLIENTS.len()];
                let client = Client::new(gate.envoy.address());
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= last {
                        break;
                    }
                    let draw = scramble(number) as usize % ENDINGS.len();
                    end(gate, &client, key, ENDINGS[draw]);
                }
            });
        }
    });
}

fn end(gate: &Gate, client: &Client, key: &str, ending: Ending) {
    match ending {
        Read(path) => {
            client.get(path, &[("x-api-key", key)]);
        }
        ReadAlone(path, line) => {
            let lines = format!("{line}connection: close\r\n");
            gate.begin_with("GET", path, key, &lines).answer();
        }
        Gone(path, ms) => {
            let exchange = gate.begin(path, key);
            thread::sleep(Duration::from_millis(ms));
            drop(exchange);
        }
        GoneReading(path) => {
            let lines = match path {
                "/later/switch" => "connection: upgrade\r\nupgrade: websocket\r\n",
                _ => "",
            };
            gate.begin_with("GET", path, key, lines).begun();
        }
        GoneWriting => {
            let lines = "content-length: 100\r\n";
            let mut exchange = gate.begin_with("POST", "/later/answer", key, lines);
            exchange.write(b"some");
            thread::sleep(Duration::from_millis(1));
        }
        Reset(ms) => {
            let mut connection = Http2::connect(gate.envoy.address());
            let stream = connection.get("/later/answer", &[("x-api-key", key)]);
            thread::sleep(Duration::from_millis(ms));
            connection.reset(stream);
            // It lives a little longer than its stream.
            thread::sleep(Duration::from_millis(ms));
        }
    }
}

/// The same draws in every run (splitmix64, Steele and others 2014).
fn scramble(number: u64) -> u64 {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
