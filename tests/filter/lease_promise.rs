//! Leases never let more pass than a strict bucket would, whatever becomes of
//! the calls, and whatever order things happen in.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use proptest::prelude::*;
use tollgate::limit::{BucketState, Decision, TokenBucket};

use crate::cluster::{config, UPSTASH};
use crate::host::{reply, Call, Gateway, Redis, Request, Response, Step};
use tollgate::limit::Answer::{Allowed, Denied};

/// What happens next, on one of two gateways.
#[derive(Debug, Clone)]
enum Event {
    /// Some requests at once, which Redis answers at once.
    Requests(usize, u8),
    /// A request that leases and asks for a strict limit too, which is denied
    /// later.
    Held(usize),
    /// All those are denied.
    Deny,
    /// A request whose charge reaches Redis, but whose answer is lost.
    Lost(usize),
    /// One whose client hangs up.
    HangsUp(usize),
    /// Time passes, ms.
    Wait(u16),
    Tick(usize),
    /// Redis does what it was asked to on a tick, and its answer is still on
    /// its way.
    Work(usize),
    /// Those answers arrive, in this or the other order, or too late.
    Deliver(usize, bool),
    TimeOut(usize),
    Reload(usize),
}

/// A gateway, and calls of its ticks that Redis has seen.
struct Side {
    gateway: Gateway,
    worked: Vec<(Call, Response)>,
}

struct Scenario {
    sides: [Side; 2],
    redis: Redis,
    held: Vec<(usize, crate::host::Pending)>,
    /// A bucket that must have let everything pass.
    strict: TokenBucket,
    state: Option<BucketState>,
    passed: u64,
    now: u64,
}

const BURST: u32 = 60;
const INTERVAL_MS: u64 = 20;
const MS: u64 = 1_000_000;

fn limits() -> String {
    let lease =
        r#""lease": {"rate": "50/s", "burst": 60, "scope": "cluster", "consistency": "lease"}"#;
    let strict = r#""strict": {"rate": "1000/s", "scope": "cluster", "client_from": [{"header": "x-held"}]}"#;
    config(
        &format!("{lease}, {strict}"),
        &format!(
            r#"{UPSTASH}, "on_failure": "deny", "breaker": {{"failures": 1000, "cooldown": "200ms"}}"#
        ),
    )
}

fn event() -> impl Strategy<Value = Event> {
    let side = 0..2_usize;
    prop_oneof![
        6 => (side.clone(), 1..30_u8).prop_map(|(side, count)| Event::Requests(side, count)),
        2 => side.clone().prop_map(Event::Held),
        1 => Just(Event::Deny),
        1 => side.clone().prop_map(Event::Lost),
        1 => side.clone().prop_map(Event::HangsUp),
        5 => (1..60_u16).prop_map(Event::Wait),
        2 => (60..2500_u16).prop_map(Event::Wait),
        6 => side.clone().prop_map(Event::Tick),
        6 => side.clone().prop_map(Event::Work),
        6 => (side.clone(), any::<bool>()).prop_map(|(side, turned)| Event::Deliver(side, turned)),
        1 => side.clone().prop_map(Event::TimeOut),
        1 => side.prop_map(Event::Reload),
    ]
}

// === impl Scenario ===

impl Scenario {
    fn new() -> Self {
        let side = || Side {
            gateway: Gateway::start(&limits()).unwrap(),
            worked: Vec::new(),
        };
        let interval = NonZeroU64::new(INTERVAL_MS * MS).unwrap();
        Self {
            sides: [side(), side()],
            redis: Redis::default(),
            held: Vec::new(),
            strict: TokenBucket::new(NonZeroU32::new(BURST).unwrap(), interval).unwrap(),
            state: None,
            passed: 0,
            now: 1,
        }
    }

    fn pass(&mut self) {
        self.passed += 1;
        match self.strict.decide(self.state, NonZeroU32::MIN, self.now) {
            Decision::Allowed { next, .. } => self.state = Some(next),
            Decision::Denied { retry_after, .. } => {
                panic!(
                    "passed {} ms before a strict bucket would let it",
                    retry_after.get() / MS
                )
            }
        }
        assert!(
            self.passed <= self.redis.debited,
            "spent what was never debited"
        );
    }

    fn play(&mut self, event: Event) {
        let request = Request::of("a");
        match event {
            Event::Requests(side, count) => {
                for _ in 0..count {
                    if self.sides[side]
                        .gateway
                        .ask(&mut self.redis, &request)
                        .passed()
                    {
                        self.pass();
                    }
                }
            }
            Event::Held(side) => {
                let request = request.header("x-held", "x");
                if let Step::Asks(pending) = self.sides[side].gateway.begin(&request) {
                    self.held.push((side, pending));
                }
            }
            Event::Deny => {
                for (_, pending) in std::mem::take(&mut self.held) {
                    let denied = Denied {
                        remaining: 0,
                        retry_after: Some(NonZeroU64::MIN),
                    };
                    let allowed = Allowed {
                        remaining: 0,
                        reset_in: 0,
                    };
                    let mut said = vec![allowed; pending.call().keys().len()];
                    *said.last_mut().unwrap() = denied;
                    let response = reply(pending.call(), &said);
                    assert!(!pending.answer(response).done().passed());
                }
            }
            Event::Lost(side) => {
                if let Step::Asks(pending) = self.begin(side, request) {
                    self.redis.answer(pending.call());
                    assert!(!pending.answer(Response::timeout()).done().passed());
                }
            }
            Event::HangsUp(side) => {
                if let Step::Asks(pending) = self.begin(side, request) {
                    let response = self.redis.answer(pending.call());
                    self.sides[side]
                        .gateway
                        .answer_call(&pending.hang_up(), response);
                }
            }
            Event::Wait(time) => {
                self.sides[0]
                    .gateway
                    .advance(Duration::from_millis(time.into()));
                self.now += u64::from(time) * MS;
            }
            Event::Tick(side) => {
                self.sides[side].gateway.tick();
            }
            Event::Work(side) => {
                let Side { gateway, worked } = &mut self.sides[side];
                for call in gateway.root_calls() {
                    if !worked
                        .iter()
                        .any(|(other, _)| other.nonce() == call.nonce())
                    {
                        let response = self.redis.answer(&call);
                        worked.push((call, response));
                    }
                }
            }
            Event::Deliver(side, turned) => {
                let Side { gateway, worked } = &mut self.sides[side];
                if turned {
                    worked.reverse();
                }
                for (call, response) in worked.drain(..) {
                    gateway.answer_call(&call, response);
                }
            }
            Event::TimeOut(side) => {
                let Side { gateway, worked } = &mut self.sides[side];
                for call in gateway.root_calls() {
                    gateway.answer_call(&call, Response::timeout());
                }
                worked.clear();
            }
            Event::Reload(side) => {
                self.sides[side].gateway.update(&limits()).unwrap();
            }
        }
    }

    /// Begins a request; one that a lease pays for passes.
    fn begin(&mut self, side: usize, request: Request) -> Step {
        let step = self.sides[side].gateway.begin(&request);
        if matches!(&step, Step::Done(answer) if answer.passed()) {
            self.pass();
        }
        step
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_more_passes_than_a_strict_bucket_would_let(events in prop::collection::vec(event(), 1..250)) {
        let mut scenario = Scenario::new();
        for event in events {
            scenario.play(event);
        }
    }
}
