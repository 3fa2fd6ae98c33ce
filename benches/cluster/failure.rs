//! What a request takes while Redis hangs or is gone, and how soon it is used again.
//!
//! The policy is to deny: then the status says who has decided, Redis (200) or nobody
//! (503). Timeouts are the defaults, the filter's 50 ms and the bridge's 40 ms. The Envoy
//! has one worker, since each has a breaker of its own.

use super::connection::Connection;
use super::harness::{cluster_config, cluster_options, eventually};
use super::harness::{Bridge, Envoy, EnvoyOptions, Redis};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// What was seen in one state of affairs.
#[derive(Default)]
pub struct Seen {
    pub name: &'static str,
    /// What each request took, in ms.
    pub took: Vec<f64>,
    /// How many answers had which status.
    pub statuses: BTreeMap<u16, usize>,
    /// Calls to the bridge in the same time.
    pub calls: u64,
    /// From when Redis was back until it was used, and went on to be: the longest.
    pub recovery: Option<Duration>,
}

/// What befalls Redis.
#[derive(Clone, Copy)]
enum Fate {
    Hung,
    Refused,
}

struct Gateway {
    envoy: Envoy,
    redis: Redis,
    _bridge: Bridge,
}

/// How long each state is watched.
pub const WATCHED: Duration = Duration::from_secs(4);

/// How often Redis comes back. A breaker asks once a cooldown, so it is a matter of luck
/// how soon.
const RETURNS: u32 = 5;

const CONNECTIONS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(8);

const LIMITS: &str = r#"{"l": {"rate": "1000000/s", "scope": "cluster"}}"#;

/// Every request is a failure of its own.
const NO_BREAKER: &str = r#""on_failure": "deny", "breaker": {"failures": 1000000}"#;
const BREAKER: &str = r#""on_failure": "deny""#;

pub fn run() -> Vec<Seen> {
    let (mut without, mut with) = (Gateway::start(NO_BREAKER), Gateway::start(BREAKER));
    let watch = |gateway: &Gateway, name| gateway.watch(name);
    vec![
        watch(&with, "Redis is well"),
        without.while_it_is(Fate::Hung, |gateway| watch(gateway, "hung, all ask")),
        without.while_it_is(Fate::Refused, |gateway| watch(gateway, "refused, all ask")),
        with.while_it_is(Fate::Hung, |gateway| watch(gateway, "hung, breaker open")),
        with.while_it_is(Fate::Refused, |gateway| {
            watch(gateway, "refused, breaker open")
        }),
    ]
}

// === impl Gateway ===

impl Gateway {
    fn start(settings: &str) -> Self {
        let redis = Redis::start();
        let bridge = Bridge::start(redis.port());
        let config = cluster_config(LIMITS, bridge.token(), settings);
        let envoy = Envoy::start(EnvoyOptions {
            concurrency: 1,
            ..cluster_options(&config, bridge.address())
        });
        let gateway = Self {
            envoy,
            redis,
            _bridge: bridge,
        };
        gateway.until_used();
        gateway
    }

    fn while_it_is(&mut self, fate: Fate, watch: impl Fn(&Self) -> Seen) -> Seen {
        self.befall(fate);
        let seen = watch(self);
        let mut recovery = self.come_back(fate);
        for number in 1..RETURNS {
            self.befall(fate);
            // At another time of the breaker's cooldown.
            sleep(Duration::from_secs(1) * number / RETURNS);
            recovery = recovery.max(self.come_back(fate));
        }
        Seen {
            recovery: Some(recovery),
            ..seen
        }
    }

    /// From then on nobody decides, and a breaker is open.
    fn befall(&mut self, fate: Fate) {
        match fate {
            Fate::Hung => self.redis.stop(),
            Fate::Refused => self.redis.kill(),
        }
        let mut connection = Connection::open(self.envoy.address());
        for _ in 0..8 {
            assert_eq!(connection.ask().0, 503);
        }
    }

    /// How long Redis is back when it is used again.
    fn come_back(&mut self, fate: Fate) -> Duration {
        match fate {
            Fate::Hung => self.redis.resume(),
            // Returns when Redis answers.
            Fate::Refused => self.redis.restart(),
        }
        self.until_used()
    }

    /// Requests of several connections, until the time is over.
    fn watch(&self, name: &'static str) -> Seen {
        let before = self.calls();
        let seen = Mutex::new(Seen {
            name,
            ..Seen::default()
        });
        let begun = Instant::now();
        scope(|scope| {
            for number in 0..CONNECTIONS {
                let seen = &seen;
                scope.spawn(move || {
                    let mut connection = Connection::open(self.envoy.address());
                    let mut next = begun + PAUSE * number / CONNECTIONS;
                    while begun.elapsed() < WATCHED {
                        sleep(next.saturating_duration_since(Instant::now()));
                        next += PAUSE;
                        let (status, took) = connection.ask();
                        let mut seen = seen.lock().expect("nobody panicked");
                        seen.took.push(took.as_secs_f64() * 1e3);
                        *seen.statuses.entry(status).or_default() += 1;
                    }
                });
            }
        });
        let seen = seen.into_inner().expect("nobody panicked");
        Seen {
            calls: self.calls() - before,
            ..seen
        }
    }

    /// The time until Redis has decided on ten requests in a row, less those ten.
    fn until_used(&self) -> Duration {
        let mut connection = Connection::open(self.envoy.address());
        let (begun, mut since, mut row) = (Instant::now(), None, 0);
        let used = eventually(Duration::from_secs(30), || {
            if connection.ask().0 == 200 {
                since.get_or_insert_with(|| begun.elapsed());
                row += 1;
            } else {
                (since, row) = (None, 0);
            }
            since.filter(|_| row == 10)
        });
        used.expect("Redis is used again")
    }

    fn calls(&self) -> u64 {
        self.envoy.counter("redis.calls")
    }
}
