//! Gateways that borrow from one limit, and what a strict limit says to all that they spend.

use crate::ask::{Ask, Key};
use crate::server::Redis;
use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use tollgate::limit::{BucketState, Decision, TokenBucket};

/// 2024-02-29 22:00 UTC, µs: some lives see the month end.
pub const START: u64 = 1_709_244_000_000_000;

#[derive(Debug, Clone, Copy)]
pub struct Lease {
    generation: i64,
    /// µs.
    end: u64,
    /// As the books have it.
    held: u64,
    unspent: u64,
}

/// What may happen; gateways are numbered 0 to 2.
#[derive(Debug, Clone, Copy)]
pub enum Event {
    Pass {
        micros: u64,
    },
    Borrow {
        gateway: usize,
        want: u32,
        least: u32,
    },
    /// The call is carried out, and its answer lost: the lease it named is named no more.
    BorrowUnheard {
        gateway: usize,
        want: u32,
    },
    Spend {
        gateway: usize,
        units: u32,
    },
    /// Perhaps long after its end.
    Return {
        gateway: usize,
    },
    /// Again and again, while no other gateway has a lease.
    ReturnTwice {
        gateway: usize,
    },
    /// It keeps what it has, and says nothing any more.
    Die {
        gateway: usize,
    },
    /// Someone without a lease.
    Charge {
        units: u32,
    },
}

/// What all gateways together have let pass, held to the letter of the limit.
enum Strict {
    Bucket(TokenBucket, Option<BucketState>),
    /// Units per window, by its end.
    Window(u64, BTreeMap<u64, u64>),
}

pub struct World<'a> {
    redis: &'a Redis,
    limit: Ask,
    lease_ms: u64,
    pub now: u64,
    gateways: [Option<Lease>; 3],
    strict: Strict,
}

impl<'a> World<'a> {
    pub fn new(redis: &'a Redis, limit: Ask, lease_ms: u64) -> Self {
        let _: () = redis.run("FLUSHALL").unwrap();
        let size = NonZeroU32::new(limit.size).unwrap();
        let strict = if limit.kind == "bucket" {
            let interval = NonZeroU64::new(limit.period).unwrap();
            Strict::Bucket(TokenBucket::new(size, interval).unwrap(), None)
        } else {
            Strict::Window(limit.size.into(), BTreeMap::new())
        };
        let (now, gateways) = (START, [None; 3]);
        Self {
            redis,
            limit,
            lease_ms,
            now,
            gateways,
            strict,
        }
    }

    pub fn happen(&mut self, event: Event) {
        match event {
            Event::Pass { micros } => self.now += micros,
            Event::Borrow {
                gateway,
                want,
                least,
            } => self.borrow(gateway, want, least),
            Event::BorrowUnheard { gateway, want } => {
                self.lease(self.gateways[gateway], want, 1);
                if let Some(lease) = &mut self.gateways[gateway] {
                    lease.generation = 0;
                    lease.held = 0;
                }
            }
            Event::Spend { gateway, units } => {
                let now = self.now;
                let Some(lease) = &mut self.gateways[gateway] else {
                    return;
                };
                let units = u64::from(units).min(lease.unspent);
                if now < lease.end && units > 0 {
                    lease.unspent -= units;
                    self.pass(units as u32);
                }
            }
            Event::Return { gateway } => {
                let lease = self.gateways[gateway].take();
                self.lease(lease, 0, 0);
            }
            Event::ReturnTwice { gateway } => {
                let lease = self.gateways[gateway].take();
                self.lease(lease, 0, 0);
                if self.on_lease() == 0 {
                    self.lease(lease, 0, 0);
                }
            }
            Event::Die { gateway } => self.gateways[gateway] = None,
            Event::Charge { units } => {
                if self.ask("charge", units).allowed {
                    self.pass(units);
                }
            }
        }
        self.check();
    }

    fn borrow(&mut self, gateway: usize, want: u32, least: u32) {
        let old = self.gateways[gateway].filter(|lease| self.now < lease.end);
        let key = self.lease(old, want, least.min(want));
        if !key.allowed {
            return;
        }
        let granted = key.granted as u64;
        assert!(granted >= u64::from(least.min(want)) && granted <= u64::from(want));
        let generation = (key.generation as u64 + 2) * self.lease_ms * 1_000;
        let window = if self.limit.kind == "bucket" {
            u64::MAX
        } else {
            self.window_end(&key)
        };
        let unspent = granted + old.map_or(0, |lease| lease.unspent.min(lease.held));
        let period_ms = self.limit.period * 1_000;
        // Where no generation begins, the script knows of nothing that is carried over.
        let has_generations = period_ms == 0 || period_ms >= self.lease_ms;
        if self.limit.kind != "bucket" && has_generations {
            let most = u64::from((self.limit.size / 20).max(1));
            assert!(unspent <= most, "{unspent} of at most {most}");
        }
        self.gateways[gateway] = Some(Lease {
            generation: key.generation,
            end: generation.min(window),
            held: unspent,
            unspent,
        });
    }

    /// The lease operation, naming `old`.
    fn lease(&self, old: Option<Lease>, want: u32, least: u32) -> Key {
        let ask = Ask {
            least,
            generation: old.map_or(0, |lease| lease.generation as u64),
            held: old.map_or(0, |lease| lease.held),
            unspent: old.map_or(0, |lease| lease.unspent.min(lease.held)),
            ..self.limit.op("lease", want.into())
        };
        self.redis.call(self.now, self.lease_ms, &[ask]).keys[0]
    }

    pub fn ask(&self, op: &'static str, units: u32) -> Key {
        let ask = self.limit.op(op, units.into());
        self.redis.call(self.now, self.lease_ms, &[ask]).keys[0]
    }

    /// A refused charge tells a time that is neither too early nor too late.
    pub fn waits_as_told(&mut self, units: u32) {
        let refused = self.ask("peek", units);
        if refused.retry > 0 {
            let now = self.now;
            self.now = now + (refused.retry as u64 - 1) * 1_000;
            assert!(
                !self.ask("peek", units).allowed,
                "{refused:?} is more than needed"
            );
            self.now = now + refused.retry as u64 * 1_000;
            assert!(
                self.ask("peek", units).allowed,
                "{refused:?} did not suffice"
            );
        }
    }

    /// A refused lease is granted at the time told, if nobody else does anything.
    pub fn borrows_as_told(&mut self, least: u32) {
        let refused = self.lease(None, least, least);
        if refused.retry > 0 {
            self.now += refused.retry as u64 * 1_000;
            assert!(
                self.lease(None, least, least).allowed,
                "{refused:?} did not suffice"
            );
        }
    }

    /// Units pass: the strict limit must agree.
    fn pass(&mut self, units: u32) {
        let now = self.now;
        let key = self.ask("peek", 0);
        let end = self.window_end(&key);
        match &mut self.strict {
            Strict::Bucket(bucket, state) => {
                let cost = NonZeroU32::new(units).unwrap();
                match bucket.decide(*state, cost, now * 1_000) {
                    Decision::Allowed { next, .. } => *state = Some(next),
                    denied => panic!("a strict bucket refuses {units}: {denied:?}"),
                }
            }
            Strict::Window(quota, used) => {
                let used = used.entry(end).or_default();
                *used += u64::from(units);
                assert!(*used <= *quota, "{used} of {quota}");
            }
        }
    }

    /// The books balance: never more on lease and in the bucket than fits.
    fn check(&self) {
        let running = self.gateways.iter().flatten();
        let running = running.filter(|lease| self.now < lease.end);
        let mut out: u64 = running.map(|lease| lease.unspent).sum();
        if self.limit.kind == "bucket" {
            let booked = self.on_lease();
            assert!(out <= booked, "{out} units with gateways, {booked} booked");
            out = booked;
        }
        let level = self.ask("peek", 0).remaining as u64;
        assert!(level + out <= u64::from(self.limit.size), "{level} + {out}");
    }

    /// Units on the books of leases that have not ended.
    fn on_lease(&self) -> u64 {
        let value = self.redis.get(&self.limit.key).unwrap_or_default();
        let numbers: Vec<u64> = value
            .split(' ')
            .skip(4)
            .map(|word| word.parse().unwrap())
            .collect();
        let running = numbers
            .chunks(3)
            .filter(|lease| (lease[0] + 2) * lease[1] > self.now / 1_000);
        running.map(|lease| lease[2]).sum()
    }

    fn window_end(&self, key: &Key) -> u64 {
        // The reply's times are rounded up to whole ms; windows end at whole seconds.
        (self.now + key.reset as u64 * 1_000) / 1_000_000 * 1_000_000
    }
}
