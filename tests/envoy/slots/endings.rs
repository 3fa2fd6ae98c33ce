//! Each way in which a request can end gives its slot back.
//!
//! `cargo test --test envoy endings -- --nocapture` prints how long that took. A test
//! cannot assert it, since the machine may be busy; it asserts that nothing waits for the
//! slot's timeout, which is an hour.

use super::{config, Gate, PATIENCE};
use crate::harness::{eventually, Client, EnvoyOptions, Exchange, Http2};
use std::time::{Duration, Instant};

const SLOTS: usize = 4;

/// Requests that are under way, and what ends them all.
type Held<'g> = Box<dyn FnOnce() -> Rest + 'g>;
/// What stays open then.
type Rest = Option<Http2>;

fn gate() -> Gate {
    Gate::start(&config(4), EnvoyOptions::default())
}

#[test]
fn a_slot_is_held_to_the_end_of_the_request_and_no_longer() {
    let gate = gate();
    type Begin = for<'g> fn(&'g Gate, &str) -> Held<'g>;
    let endings: [(&str, Begin); 18] = [
        ("the response's end", |gate, key| {
            let held = each(|| gate.hold("/later/answer", key));
            Box::new(move || answered(gate, held, 200))
        }),
        ("a stream's end", |gate, key| {
            let held = each(|| gate.hold("/later/stream", key));
            Box::new(move || answered(gate, held, 200))
        }),
        ("the client gone before the response", |gate, key| {
            let held = each(|| gate.hold("/later/answer", key));
            Box::new(move || gone(held))
        }),
        ("the client gone in the middle of a stream", |gate, key| {
            let mut held = each(|| gate.hold("/later/stream", key));
            for exchange in &mut held {
                assert_eq!(exchange.begun().expect("a head").status, 200);
            }
            Box::new(move || gone(held))
        }),
        ("a reset from the client", |gate, key| {
            let held = each(|| gate.hold("/later/stream", key));
            // Closed with bytes unread, a connection is reset.
            for exchange in &held {
                assert!(exchange.has_unread());
            }
            Box::new(move || gone(held))
        }),
        ("the client gone in the middle of its body", |gate, key| {
            let body = "content-length: 100\r\n";
            let held = each(|| {
                let mut exchange = gate.begin_with("POST", "/later/answer", key, body);
                exchange.write(b"some");
                exchange
            });
            gate.until_waiting(SLOTS);
            Box::new(move || gone(held))
        }),
        ("HTTP/2 streams reset", |gate, key| {
            let (mut connection, streams) = http2(gate, key);
            Box::new(move || {
                streams.iter().for_each(|stream| connection.reset(*stream));
                Some(connection)
            })
        }),
        ("an HTTP/2 connection's end", |gate, key| {
            let (connection, _) = http2(gate, key);
            Box::new(move || gone(connection))
        }),
        ("the upstream's reset before the response", |gate, key| {
            let held = each(|| gate.hold("/later/reset", key));
            Box::new(move || answered(gate, held, 503))
        }),
        ("the upstream gone before the response", |gate, key| {
            let held = each(|| gate.hold("/later/close", key));
            Box::new(move || answered(gate, held, 503))
        }),
        (
            "the upstream gone in the middle of the response",
            |gate, key| {
                let held = each(|| gate.hold("/later/half", key));
                Box::new(move || answered(gate, held, 200))
            },
        ),
        ("no HTTP from the upstream", |gate, key| {
            let held = each(|| gate.hold("/later/nonsense", key));
            Box::new(move || answered(gate, held, 502))
        }),
        ("a later filter's late reply", |gate, key| {
            let lines = "connection: close\r\nx-end: lua-later\r\n";
            let held = each(|| gate.begin_with("GET", "/now/answer", key, lines));
            gate.until_waiting(SLOTS);
            Box::new(move || answered(gate, held, 418))
        }),
        (
            "the client gone while a later filter holds it",
            |gate, key| {
                let lines = "x-envoy-fault-delay-request: 3600000\r\n";
                let held = each(|| gate.begin_with("GET", "/now/answer", key, lines));
                let all = eventually(PATIENCE, || (gate.ask(key) == 429).then_some(()));
                assert!(all.is_some(), "not all are held");
                Box::new(move || gone(held))
            },
        ),
        (
            "an upgraded connection, ended by the upstream",
            |gate, key| {
                let held = each(|| upgraded(gate, key));
                Box::new(move || answered(gate, held, 101))
            },
        ),
        (
            "an upgraded connection, ended by the client",
            |gate, key| {
                let held = each(|| upgraded(gate, key));
                Box::new(move || gone(held))
            },
        ),
        ("a tunnel, ended by the upstream", |gate, key| {
            let held = each(|| tunnel(gate, key));
            Box::new(move || answered(gate, held, 200))
        }),
        ("a tunnel, ended by the client", |gate, key| {
            let held = each(|| tunnel(gate, key));
            Box::new(move || gone(held))
        }),
    ];
    for (key, begin) in endings {
        let end = begin(&gate, key);
        let denied = gate.begin("/now/answer", key).answer().expect("HTTP");
        assert_eq!(denied.status, 429, "{key}");
        assert_eq!(denied.header("retry-after"), Some("1"), "{key}");
        assert_eq!(
            denied.header("ratelimit"),
            Some(r#""at-once";r=0"#),
            "{key}"
        );
        let _rest = end();
        let (free, at_first) = gate.first_free(key, Instant::now());
        println!("{key}: {free:.1?}, at try {at_first}");
        gate.until_free(key, SLOTS);
        gate.until_waiting(0);
    }
    gate.envoy.assert_vm_lives();
}

/// What ends at once, or by Envoy's own clock, twice as often as there are slots.
#[test]
fn what_ends_at_once_leaves_no_slot_taken() {
    let gate = gate();
    let endings: [(&str, &str, &[u16]); 15] = [
        ("/now/answer", "", &[200]),
        ("/now/stream", "", &[200]),
        ("/now/half", "", &[200]),
        ("/now/reset", "", &[503]),
        ("/now/nonsense", "", &[502]),
        ("/now/reset/retried", "", &[503]),
        ("/now/redirect", "", &[200]),
        ("/dead", "", &[503]),
        ("/nowhere", "", &[503]),
        ("/itself", "", &[200]),
        ("/later/answer/timeout", "", &[504]),
        // On a busy machine its time is up before the answer has begun.
        ("/later/stream/idle", "", &[200, 504]),
        ("/now/answer", "x-end: rbac\r\n", &[403]),
        ("/now/answer", "x-end: lua\r\n", &[418]),
        (
            "/now/answer",
            "x-envoy-fault-abort-request: 451\r\n",
            &[451],
        ),
    ];
    for (path, lines, statuses) in endings {
        let key = &format!("{path} {lines}").trim_end().to_owned();
        let lines = format!("{lines}connection: close\r\n");
        for number in 1..=2 * SLOTS {
            let exchange = gate.begin_with("GET", path, key, &lines);
            let answer = exchange.answer().expect("an answer");
            // What it has read is all, so what it held is free.
            let status = answer.status;
            assert!(
                statuses.contains(&status),
                "{key}, number {number}: {status}"
            );
        }
        gate.until_free(key, SLOTS);
    }
    gate.envoy.assert_vm_lives();
}

/// Envoy ends a request before it flushes the last of the answer, so that a client that
/// asks one at a time never meets its own slot; neither does one whom Envoy itself
/// redirects, which is a request anew.
#[test]
fn one_slot_is_enough_for_one_request_at_a_time() {
    let gate = Gate::start(&config(1), EnvoyOptions::default());
    let client = Client::new(gate.envoy.address());
    for number in 0..500 {
        let path = ["/now/answer", "/now/stream", "/now/redirect", "/itself"][number % 4];
        let answer = client.get(path, &[("x-api-key", "alice")]);
        assert_eq!(answer.status, 200, "number {number}");
    }
}

fn each(begin: impl FnMut() -> Exchange) -> Vec<Exchange> {
    std::iter::repeat_with(begin).take(SLOTS).collect()
}

/// Lets the upstream go on, and reads all answers.
fn answered(gate: &Gate, held: Vec<Exchange>, status: u16) -> Rest {
    gate.upstream.go_on();
    for exchange in held {
        assert_eq!(exchange.answer().expect("an answer").status, status);
    }
    None
}

fn gone<T>(held: T) -> Rest {
    drop(held);
    None
}

fn http2(gate: &Gate, key: &str) -> (Http2, Vec<u32>) {
    let mut connection = Http2::connect(gate.envoy.address());
    let streams = (0..SLOTS).map(|_| connection.get("/later/answer", &[("x-api-key", key)]));
    let streams = streams.collect();
    gate.until_waiting(SLOTS);
    (connection, streams)
}

fn upgraded(gate: &Gate, key: &str) -> Exchange {
    let lines = "connection: upgrade\r\nupgrade: websocket\r\n";
    let before = gate.upstream.waiting();
    let mut exchange = gate.begin_with("GET", "/later/switch", key, lines);
    assert_eq!(exchange.begun().expect("a head").status, 101);
    gate.until_waiting(before + 1);
    exchange
}

/// Through CONNECT, with a request of its own in it.
fn tunnel(gate: &Gate, key: &str) -> Exchange {
    let before = gate.upstream.waiting();
    let mut exchange = gate.begin_with("CONNECT", "x:80", key, "");
    assert_eq!(exchange.begun().expect("a head").status, 200);
    exchange.write(b"GET /later/switch HTTP/1.1\r\n\r\n");
    gate.until_waiting(before + 1);
    exchange
}

impl Gate {
    /// Tries until a slot is free: how long after `since`, and at which try.
    fn first_free(&self, key: &str, since: Instant) -> (Duration, u32) {
        let client = Client::new(self.envoy.address());
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = client.get("/now/answer", &[("x-api-key", key)]);
            if answer.status == 200 {
                return (since.elapsed(), tries);
            }
            assert_eq!(answer.status, 429);
            assert!(since.elapsed() < PATIENCE, "{key}: no slot comes back");
        }
    }
}
