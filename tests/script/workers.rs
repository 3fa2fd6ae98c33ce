//! Workers with lease books before the real script, on a clock that the test sets, and what one
//! strict limit says to all that they let pass.

use crate::server::Redis;
use std::num::NonZeroU64;
use std::rc::Rc;
use tollgate::limit::{
    Allowance, Answer, Cluster, Consistency, Cost, Kind, Limit, Mode, Now, Scope, State,
};
use tollgate::redis::{Ask, Call, Consulted, LeaseBook, Operation, Reply, Told};

/// 2024-02-29 22:00 UTC, µs.
pub const START: u64 = 1_709_244_000_000_000;
const BACK_OFF: NonZeroU64 = NonZeroU64::new(1_000_000_000).unwrap();

/// What becomes of a worker's call: µs on the way to Redis, and back.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    pub there: u64,
    pub back: u64,
    pub fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Answered,
    Lost,
    AnswerLost,
}

struct Flight {
    worker: usize,
    lease: u64,
    call: Call,
    way: Way,
    arrives: u64,
    answers: u64,
    reply: Option<Reply>,
}

#[derive(Default)]
pub struct Seen {
    pub passed: u64,
    pub calls: u64,
}

pub struct Workers<'r> {
    redis: &'r Redis,
    /// The limit under each plan, the largest last.
    plans: Vec<Rc<Limit>>,
    books: Vec<LeaseBook>,
    /// As the page table keeps it, for each plan, µs.
    denied_until: Vec<u64>,
    flights: Vec<Flight>,
    strict: Option<State>,
    /// µs.
    pub now: u64,
    pub seen: Seen,
}

pub fn at_once() -> Way {
    Way {
        there: 0,
        back: 0,
        fate: Fate::Answered,
    }
}

fn limit(allowance: Allowance) -> Rc<Limit> {
    Rc::new(Limit {
        name: "l".into(),
        index: 0,
        tag: 0,
        mode: Mode::Enforce,
        kind: Kind::Metered {
            tokens: None,
            allowance,
            scope: Scope::Cluster(Cluster {
                consistency: Consistency::Lease,
                share: None,
                key: "l".into(),
                denials: 0,
                looks: 1,
            }),
        },
    })
}

impl<'r> Workers<'r> {
    pub fn new(redis: &'r Redis, plans: &[Allowance], workers: usize) -> Self {
        let _: () = redis.run("FLUSHALL").unwrap();
        Self {
            redis,
            plans: plans.iter().map(|plan| limit(*plan)).collect(),
            books: (0..workers).map(|_| LeaseBook::default()).collect(),
            denied_until: vec![0; plans.len()],
            flights: Vec::new(),
            strict: None,
            now: START,
            seen: Seen::default(),
        }
    }

    pub fn request(&mut self, worker: usize, plan: usize, cost: Cost) {
        let (now, limit) = (self.clock_of(worker), self.plans[plan].clone());
        let book = &mut self.books[worker];
        match book.consult(1, &limit, cost, now) {
            Consulted::Enough => {
                book.spend(1, cost).expect("as it said");
                self.pass(cost);
            }
            Consulted::Denied(_) => {}
            Consulted::Ask => {
                book.watch(1, &"k".into(), &limit, cost, now);
                if self.now >= self.denied_until[plan] {
                    self.charge(plan, cost);
                }
            }
        }
    }

    /// A request that asks Redis for itself.
    fn charge(&mut self, plan: usize, cost: Cost) {
        let operation = Operation::Charge(cost.get());
        let call = self.call(plan, operation);
        self.seen.calls += 1;
        match self.redis.ask(self.now, &call).keys[0].answer {
            Answer::Allowed { .. } => self.pass(cost),
            Answer::Denied { retry_after, .. } => {
                let wait = retry_after.expect("some day").get() / 1_000;
                self.denied_until[plan] = self.now + wait.min(60_000_000);
            }
        }
    }

    fn call(&self, plan: usize, operation: Operation) -> Call {
        let ask = Ask {
            key: "k".into(),
            allowance: self.allowance(plan),
            operation,
        };
        Call {
            nonce: 42,
            asks: vec![ask],
        }
    }

    /// Makes the calls that are due.
    pub fn tick(&mut self, way: Way) {
        for worker in 0..self.books.len() {
            let now = self.clock_of(worker);
            for (lease, ask) in self.books[worker].due(now) {
                self.seen.calls += 1;
                let arrives = self.now + way.there;
                self.flights.push(Flight {
                    worker,
                    lease,
                    call: Call {
                        nonce: 42,
                        asks: vec![ask],
                    },
                    way,
                    arrives,
                    answers: arrives + way.back,
                    reply: None,
                });
            }
        }
        self.pass_time(0);
    }

    /// So many µs go by, in which calls arrive and are answered.
    pub fn pass_time(&mut self, micros: u64) {
        let end = self.now + micros;
        loop {
            let next = self.flights.iter().enumerate();
            let next = next.map(|(at, flight)| (flight.next_at(), at)).min();
            let Some((due, at)) = next.filter(|(due, _)| *due <= end) else {
                break;
            };
            self.now = due.max(self.now);
            self.fly(at);
        }
        self.now = end;
    }

    fn fly(&mut self, at: usize) {
        let (now, redis) = (self.now, self.redis);
        let flight = &mut self.flights[at];
        if flight.reply.is_none() && flight.way.fate != Fate::Lost {
            flight.reply = Some(redis.ask(now, &flight.call));
            return;
        }
        let Flight {
            worker,
            lease,
            way,
            reply,
            ..
        } = self.flights.remove(at);
        let clock = self.clock_of(worker);
        let told = match &reply {
            Some(reply) if way.fate == Fate::Answered => Told::Answered(&reply.keys[0], reply.now),
            _ => Told::Failed,
        };
        self.books[worker].told(lease, &told, BACK_OFF, clock);
    }

    /// Units pass: one strict limit, of the largest plan, must agree.
    fn pass(&mut self, cost: Cost) {
        self.seen.passed += u64::from(cost.get());
        let now = Now {
            monotonic: self.now * 1_000,
            wall: self.now * 1_000,
        };
        let strict = self.allowance(self.plans.len() - 1);
        let ruling = strict.decide(self.strict, cost, now);
        assert!(
            !ruling.answer.is_denial(),
            "strictly, {cost} do not pass at {}: {:?}",
            self.now,
            ruling.answer
        );
        self.strict = ruling.next;
    }

    fn allowance(&self, plan: usize) -> Allowance {
        match self.plans[plan].kind {
            Kind::Metered { allowance, .. } => allowance,
            _ => panic!("a metered limit"),
        }
    }

    /// Each worker's own clock, which is nobody else's, ns.
    fn clock_of(&self, worker: usize) -> u64 {
        (self.now - START) * 1_000 + (worker as u64 + 7) * 1_234_567_891
    }
}

impl Flight {
    fn next_at(&self) -> u64 {
        match (&self.reply, self.way.fate) {
            (None, Fate::Answered | Fate::AnswerLost) => self.arrives,
            _ => self.answers,
        }
    }
}
