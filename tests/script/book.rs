//! Lease books against the real script, on a clock that the test sets: what a client gets
//! that asks for more than its limit, and for how many calls.

use crate::ask::Ask;
use crate::server::Redis;
use std::num::{NonZeroU32, NonZeroU64};
use std::rc::Rc;
use tollgate::limit::{
    Allowance, Answer, Cluster, Consistency, Kind, Limit, Mode, Scope, TokenBucket,
};
use tollgate::redis::{Consulted, KeyReply, LeaseBook, Operation, Told, LEASE_LENGTH_MS};

/// µs since 1970.
const START: u64 = 1_709_244_000_000_000;
const SECONDS: u64 = 20;
const BACK_OFF: NonZeroU64 = NonZeroU64::new(1_000_000_000).unwrap();

struct Load {
    burst: u32,
    /// Units and requests a second.
    rate: u32,
    offered: u32,
    workers: usize,
}

#[derive(Default)]
struct Seen {
    passed: u64,
    calls: u64,
}

/// Workers that take turns, tick every 10 ms, and have every answer at once.
struct Workers<'r> {
    redis: &'r Redis,
    limit: Rc<Limit>,
    key: Ask,
    books: Vec<LeaseBook>,
    /// As the page table keeps it, ns.
    denied_until: u64,
    seen: Seen,
}

impl Workers<'_> {
    fn request(&mut self, worker: usize, us: u64) {
        let (now, one) = (us * 1_000, NonZeroU32::MIN);
        let book = &mut self.books[worker];
        match book.consult(1, &self.limit, one, now) {
            Consulted::Enough => {
                book.spend(1, one).expect("as it said");
                self.seen.passed += 1;
            }
            Consulted::Denied(_) => {}
            Consulted::Ask => {
                book.watch(1, &"k".into(), &self.limit, one, now);
                if now < self.denied_until {
                    return;
                }
                self.seen.calls += 1;
                let charge = self.key.op("charge", 1);
                let said = self.redis.call(us, LEASE_LENGTH_MS, &[charge]).keys[0];
                match said.allowed {
                    true => self.seen.passed += 1,
                    false => self.denied_until = now + said.retry as u64 * 1_000_000,
                }
            }
        }
    }

    fn tick(&mut self, us: u64) {
        let now = us * 1_000;
        for book in &mut self.books {
            for (lease, ask) in book.due(now) {
                let Operation::Lease(terms) = ask.operation else {
                    panic!("{ask:?}")
                };
                let asked = Ask {
                    generation: terms.generation,
                    held: terms.held.into(),
                    unspent: terms.unspent.into(),
                    ..self.key.op("lease", terms.wanted.into())
                };
                self.seen.calls += 1;
                let reply = self.redis.call(us, LEASE_LENGTH_MS, &[asked]);
                let said = reply.keys[0];
                let answer = KeyReply {
                    answer: Answer::Allowed {
                        remaining: said.remaining as u32,
                        reset_in: said.reset as u64 * 1_000_000,
                    },
                    granted: said.granted as u32,
                    generation: said.generation as u64,
                };
                book.told(lease, &Told::Answered(&answer, reply.now), BACK_OFF, now);
            }
        }
    }
}

fn run(redis: &Redis, load: &Load) -> Seen {
    let _: () = redis.run("FLUSHALL").unwrap();
    let burst = NonZeroU32::new(load.burst).unwrap();
    let interval = 1_000_000_000 / u64::from(load.rate);
    let bucket = TokenBucket::new(burst, NonZeroU64::new(interval).unwrap()).unwrap();
    let mut cluster = Workers {
        redis,
        limit: Rc::new(Limit {
            name: "l".into(),
            index: 0,
            tag: 0,
            mode: Mode::Enforce,
            kind: Kind::Metered {
                allowance: Allowance::Bucket(bucket),
                scope: Scope::Cluster(Cluster {
                    consistency: Consistency::Lease,
                    share: None,
                    key: "l".into(),
                    denials: 0,
                    looks: 1,
                }),
            },
        }),
        key: Ask::bucket("k", load.burst, interval, 0),
        books: (0..load.workers).map(|_| LeaseBook::default()).collect(),
        denied_until: 0,
        seen: Seen::default(),
    };
    let requests = u64::from(load.offered) * SECONDS;
    let mut next_tick = START;
    for request in 0..requests {
        let us = START + request * 1_000_000 / u64::from(load.offered);
        while next_tick <= us {
            cluster.tick(next_tick);
            next_tick += 10_000;
        }
        cluster.request(request as usize % load.workers, us);
    }
    cluster.seen
}

/// Taken for the time until the bucket is full, the time until all leases have ended made
/// every worker believe for seconds that Redis had nothing: a client over its limit got a
/// quarter of it.
#[test]
fn a_client_over_its_limit_gets_nearly_all_of_it_for_few_calls() {
    let redis = Redis::start();
    for (burst, rate, offered, workers, a_call) in [
        (500, 500, 1_000, 4, 20),
        (300, 900, 1_000, 4, 20),
        (2_000, 2_000, 1_000, 4, 20),
        (1_000, 1_000, 3_000, 1, 20),
        (5_000, 5_000, 15_000, 1, 20),
        // A lease is at most a sixth of the burst.
        (200, 1_000, 1_500, 1, 15),
        (200, 1_000, 900, 4, 15),
        (200, 200, 600, 2, 15),
    ] {
        let load = Load {
            burst,
            rate,
            offered,
            workers,
        };
        let seen = run(&redis, &load);
        let strict =
            (u64::from(rate) * SECONDS + u64::from(burst)).min(u64::from(offered) * SECONDS);
        println!(
            "{rate}/s, burst {burst}, {workers} workers, {offered}/s offered: {} of {strict} passed, {} calls",
            seen.passed, seen.calls
        );
        assert!(seen.passed <= strict, "{} of {strict}", seen.passed);
        assert!(
            seen.passed * 10 >= strict * 9,
            "{} of {strict}",
            seen.passed
        );
        assert!(
            seen.calls * a_call <= seen.passed,
            "{} calls for {}",
            seen.calls,
            seen.passed
        );
    }
}
