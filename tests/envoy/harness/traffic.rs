//! About a thousand requests a second of one client, spread over several Envoys, and what
//! a strict bucket says to what passed.

use super::envoy::Envoy;
use super::http::Client;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};
use tollgate::limit::{Decision, TokenBucket};

/// Requests of one client.
#[derive(Default)]
pub struct Traffic {
    /// When each was sent, ns since `start`.
    pub sent: Vec<u64>,
    /// When each that passed was sent and answered, likewise.
    pub passed: Vec<(u64, u64)>,
}

const CONNECTIONS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(8);

impl Traffic {
    /// Adds what is sent in so much time, by the clock that began at `start`.
    pub fn send(&mut self, envoys: &[Envoy], start: Instant, time: Duration) {
        let begun = Instant::now();
        let seen = Mutex::new(self);
        thread::scope(|scope| {
            for connection in 0..CONNECTIONS {
                let (seen, envoy) = (&seen, &envoys[connection as usize % envoys.len()]);
                scope.spawn(move || {
                    let client = Client::new(envoy.address());
                    let mut next = begun + PAUSE * connection / CONNECTIONS;
                    while begun.elapsed() < time {
                        thread::sleep(next.saturating_duration_since(Instant::now()));
                        next += PAUSE;
                        let sent = nanos(start);
                        let status = client.chat("alice").status;
                        let answered = nanos(start);
                        let mut seen = seen.lock().expect("nobody panicked");
                        seen.sent.push(sent);
                        match status {
                            200 => seen.passed.push((sent, answered)),
                            status => assert_eq!(status, 429),
                        }
                    }
                });
            }
        });
    }

    /// The requests that one strict bucket would have let pass.
    pub fn strict(&self, rate: u32, burst: u32) -> usize {
        let interval = NonZeroU64::new(1_000_000_000 / u64::from(rate)).expect("a rate");
        let burst = NonZeroU32::new(burst).expect("a burst");
        let bucket = TokenBucket::new(burst, interval).expect("a bucket");
        let (mut state, mut passed) = (None, 0);
        let mut sent = self.sent.clone();
        sent.sort_unstable();
        for at in sent {
            let decision = bucket.decide(state, NonZeroU32::MIN, at + 1);
            if let Decision::Allowed { next, .. } = decision {
                (state, passed) = (Some(next), passed + 1);
            }
        }
        passed
    }

    /// In no window, between one request's beginning and another's end, has more passed
    /// than the burst and what came back in it.
    pub fn assert_bounded(&self, rate: u32, burst: u32) {
        let mut begins: Vec<u64> = self.passed.iter().map(|(sent, _)| *sent).collect();
        begins.sort_unstable();
        for begin in begins.into_iter().step_by(7) {
            let within = self.passed.iter().filter(|(sent, _)| *sent >= begin);
            let mut ends: Vec<u64> = within.map(|(_, answered)| *answered).collect();
            ends.sort_unstable();
            for (count, end) in ends.into_iter().enumerate() {
                let refilled = (end - begin) as f64 / 1e9 * f64::from(rate);
                let most = f64::from(burst) + refilled + 1.0;
                let passed = (count + 1) as f64;
                assert!(
                    passed <= most,
                    "{passed} > {most} within {} ns",
                    end - begin
                );
            }
        }
    }
}

fn nanos(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).expect("a short test")
}
