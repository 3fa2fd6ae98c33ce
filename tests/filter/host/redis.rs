//! A stand-in for Redis and its bridge: what the script decides on token
//! buckets, in a few lines. The script itself is tested on a real Redis.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};

use serde_json::json;
use tollgate::limit::{Answer, BucketState, Decision, TokenBucket};
use tollgate::redis::{Script, LEASE_LENGTH_MS};

use super::calls::{Call, Response};
use super::state::now;

/// Redis' clock runs like the gateways', but shows another time.
const AHEAD_MS: u64 = 1_700_000_000_123;

const MS: u64 = 1_000_000;

/// A Redis that knows the script.
#[derive(Default)]
pub struct Redis {
    has_lost_script: bool,
    keys: BTreeMap<String, Stored>,
    /// Units charged or lent, less those that came back.
    pub debited: u64,
    /// Calls answered.
    pub calls: u64,
}

#[derive(Default, Clone)]
struct Stored {
    tat: u64,
    /// Generation and units.
    leases: Vec<(u64, u64)>,
}

/// What is asked for one key, and its answer.
struct Asked {
    key: String,
    bucket: TokenBucket,
    next: Stored,
    answer: Answer,
    granted: u64,
    generation: u64,
    debit: i64,
    /// Whether its denial is the call's.
    binds: bool,
}

/// An answer of the script's to this call, with what it says of each key.
pub fn reply(call: &Call, keys: &[Answer]) -> Response {
    Response::numbers(&numbers(call, keys.iter().map(|answer| (*answer, 0, 0))))
}

fn numbers(call: &Call, keys: impl Iterator<Item = (Answer, u64, u64)> + Clone) -> Vec<i64> {
    let arguments = call.arguments();
    let binds = arguments[2..].chunks(11).map(|key| key[1] != "try");
    let mut asked = keys.clone().zip(binds);
    let allowed = !asked.any(|((answer, ..), binds)| binds && answer.is_denial());
    let head = [
        1,
        call.nonce(),
        now_ms(),
        u64::from(allowed),
        keys.clone().count() as u64,
    ];
    let each = keys.flat_map(|(answer, granted, generation)| match answer {
        Answer::Allowed {
            remaining,
            reset_in,
        } => [
            1,
            remaining.into(),
            0,
            reset_in.div_ceil(MS),
            granted,
            generation,
        ],
        Answer::Denied {
            remaining,
            retry_after,
        } => {
            let retry = retry_after.unwrap().get().div_ceil(MS);
            [0, remaining.into(), retry, retry, 0, 0]
        }
    });
    let numbers = head.into_iter().chain(each);
    numbers
        .map(|number| i64::try_from(number).unwrap())
        .collect()
}

fn now_ms() -> u64 {
    AHEAD_MS + now() / MS
}

/// Time left of a lease, ns; negative once it is over.
fn left(generation: u64) -> i64 {
    let end = (generation + 2) * LEASE_LENGTH_MS;
    (end as i64 - now_ms() as i64) * MS as i64 - (now() % MS) as i64
}

// === impl Redis ===

impl Redis {
    /// Restarts: it has lost its scripts, and with them all keys.
    pub fn restart(&mut self) {
        *self = Self {
            has_lost_script: true,
            ..Self::default()
        };
    }

    /// Units that a key of this limit has left.
    pub fn left(&self, limit: &str, burst: u64, interval_ms: u64) -> u64 {
        let name = format!(":{limit}:");
        let found = self.keys.iter().find(|(key, _)| key.contains(&name));
        let spent = found.map_or(0, |(_, stored)| stored.spent());
        burst.saturating_sub(spent.div_ceil(interval_ms * MS))
    }

    /// What the bridge answers.
    pub fn answer(&mut self, call: &Call) -> Response {
        self.calls += 1;
        let words = call.words();
        let script = Script::behind("");
        match words[0].as_str() {
            "EVAL" => assert_eq!(words[1], script.body()),
            "EVALSHA" => assert_eq!(words[1], script.sha()),
            other => panic!("unexpected command {other}"),
        }
        self.has_lost_script &= words[0] != "EVAL";
        if self.has_lost_script {
            return Response::error("NOSCRIPT No matching script. Please use EVAL.");
        }
        let numbers = self.run(call);
        match call.body.starts_with('[') {
            true => Response::numbers(&numbers),
            false => Response::new("200", json!({ words[0].as_str(): numbers }).to_string()),
        }
    }

    fn run(&mut self, call: &Call) -> Vec<i64> {
        let arguments = call.arguments();
        let asked: Vec<Asked> = call
            .keys()
            .into_iter()
            .zip(arguments[2..].chunks(11))
            .map(|(key, arguments)| self.ask(key, arguments))
            .collect();
        let denies = |asked: &Asked| asked.binds && asked.answer.is_denial();
        let denied = asked.iter().any(denies);
        for asked in &asked {
            let is_refused = asked.answer.is_denial() || denied && asked.binds;
            if !is_refused {
                self.debited = self.debited.checked_add_signed(asked.debit).unwrap();
                self.keys.insert(asked.key.clone(), asked.next.clone());
            }
        }
        let keys = asked.iter().map(|asked| {
            let Asked {
                answer,
                granted,
                generation,
                ..
            } = asked;
            (*answer, *granted, *generation)
        });
        numbers(call, keys)
    }

    fn ask(&self, key: String, arguments: &[String]) -> Asked {
        assert_eq!(arguments[0], "bucket");
        let number = |field: usize| -> u64 { arguments[field].parse().unwrap() };
        let burst = NonZeroU32::new(u32::try_from(number(2)).unwrap()).unwrap();
        let interval = NonZeroU64::new(number(3)).unwrap();
        let bucket = TokenBucket::new(burst, interval).unwrap();
        let bucket = bucket.with_debt(u32::try_from(number(4)).unwrap());
        let mut stored = self.keys.get(&key).cloned().unwrap_or_default();
        stored.take_up_room(interval.get());
        let asked = Asked {
            key,
            bucket,
            answer: Answer::Allowed {
                remaining: 0,
                reset_in: 0,
            },
            next: stored,
            granted: 0,
            generation: 0,
            debit: 0,
            binds: arguments[1] != "try",
        };
        match arguments[1].as_str() {
            "charge" | "try" => asked.charge(number(5)),
            "lease" => asked.lease(number(5), [number(7), number(8), number(9)]),
            "settle" => asked.settle(arguments[5].parse().unwrap(), number(8) * MS),
            other => panic!("unexpected operation {other}"),
        }
    }
}

// === impl Stored ===

impl Stored {
    /// Time until the bucket is full, ns.
    fn spent(&self) -> u64 {
        self.tat.saturating_sub(now())
    }

    /// Up to a lease's end time refills no more than the units not on lease.
    fn take_up_room(&mut self, interval: u64) {
        let mut total = 0;
        for (generation, units) in self.leases.iter().rev() {
            total += units * interval;
            let room = (total as i64 + left(*generation).min(0)).max(0);
            self.tat = self.tat.max(now() + room as u64);
        }
        self.leases.retain(|(generation, _)| left(*generation) > 0);
    }
}

// === impl Asked ===

impl Asked {
    fn charge(mut self, units: u64) -> Self {
        let cost = NonZeroU32::new(u32::try_from(units).unwrap()).unwrap();
        let state = BucketState {
            tat: self.next.tat,
            interval: self.bucket.emission_interval(),
        };
        let decision = self.bucket.decide(Some(state), cost, now());
        if let Decision::Allowed { next, .. } = decision {
            self.next.tat = next.tat;
            self.debit = units as i64;
        }
        self.answer = decision.answer();
        self
    }

    fn settle(mut self, units: i64, refilled: u64) -> Self {
        let state = BucketState {
            tat: self.next.tat,
            interval: self.bucket.emission_interval(),
        };
        let settled = self.bucket.settle(Some(state), units, refilled, now());
        self.next.tat = settled.next.tat;
        self.granted = settled.forgiven;
        self.debit = units;
        let (remaining, reset_in) = self.bucket.look(Some(settled.next), now());
        self.answer = Answer::Allowed {
            remaining,
            reset_in,
        };
        self
    }

    fn lease(mut self, wanted: u64, [generation, held, unspent]: [u64; 3]) -> Self {
        assert!(unspent <= held);
        let interval = self.bucket.emission_interval().get();
        let mut returned = 0;
        if let Some((_, units)) = self
            .next
            .leases
            .iter_mut()
            .find(|(it, _)| *it == generation)
        {
            let back = held.min(*units);
            returned = unspent.min(back);
            *units -= back;
        }
        if wanted == 0 {
            self.next.tat = self.next.tat.saturating_sub(returned * interval);
            self.debit = -(returned as i64);
        } else {
            let room = self.bucket.capacity().saturating_sub(self.next.spent());
            self.granted = wanted.min(room / interval);
            self.generation = now_ms() / LEASE_LENGTH_MS;
            self.next.tat = now() + self.next.spent() + self.granted * interval;
            self.next.lend(self.generation, returned + self.granted);
            self.debit = self.granted as i64;
        }
        self.next.take_up_room(interval);
        let room = self.bucket.capacity().saturating_sub(self.next.spent());
        self.answer = Answer::Allowed {
            remaining: u32::try_from(room / interval).unwrap(),
            reset_in: self.next.spent(),
        };
        self
    }
}

impl Stored {
    fn lend(&mut self, generation: u64, units: u64) {
        match self.leases.last_mut() {
            Some((last, lent)) if *last == generation => *lent += units,
            _ => self.leases.push((generation, units)),
        }
    }
}
