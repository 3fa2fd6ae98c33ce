//! The double: gateways on a clock that the test sets. It plays Envoy's side of
//! the filter's life, calls to other clusters among it, and fails the test on
//! what Envoy would not bear.

mod abi;
mod calls;
mod exchange;
mod memory;
mod reads;
mod redis;
mod request;
mod state;
mod store;
mod stream;
mod unused;
mod vm;

pub use calls::{Call, Pending, Refused, Response, Step};
pub use exchange::Exchange;
pub use reads::Reads;
pub use redis::{reply, Redis};
pub use request::Request;
pub use store::Store;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use state::{turn_to, with, Host};

/// A gateway with the filter in it. It lives in its thread. Two with the same
/// [`Store`], in one thread or in two, are two workers of one Envoy.
pub struct Gateway {
    root: u32,
    // Its VM is the thread's: no other thread may use it.
    host: Rc<RefCell<Host>>,
}

/// A request that has passed, up to its end.
pub struct Open {
    host: Rc<RefCell<Host>>,
    stream: u32,
}

/// What the client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u32,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// `%RESPONSE_CODE_DETAILS%` of a local reply.
    pub details: String,
    /// `%FILTER_STATE(wasm.tollgate:PLAIN)%`.
    pub state: String,
    /// `%FILTER_STATE(wasm.tollgate_client:PLAIN)%`, where there is one.
    pub client: Option<String>,
    /// What the upstream saw, if the request passed.
    pub request: Vec<(String, Vec<u8>)>,
}

// === impl Gateway ===

impl Gateway {
    /// Starts with a configuration; the log where it is refused.
    pub fn start(config: &str) -> Result<Self, Vec<String>> {
        Self::worker(config, Store::default())
    }

    /// A worker that shares its data with others.
    pub fn worker(config: &str, store: Store) -> Result<Self, Vec<String>> {
        let host = Rc::new(RefCell::new(Host::new(store)));
        let mut gateway = Self { root: 0, host };
        gateway.update(config).map(|()| gateway)
    }

    /// A new configuration, as Envoy brings it: in a root context of its own.
    /// A refused one leaves the old one in place; else that one goes on ticking
    /// until it is drained.
    pub fn update(&mut self, config: &str) -> Result<(), Vec<String>> {
        turn_to(&self.host);
        let logged = with(|host| host.logs.len());
        let root = vm::configure(config);
        match root {
            Some(root) => {
                self.root = root;
                Ok(())
            }
            None => Err(with(|host| host.logs.split_off(logged))),
        }
    }

    /// The configurations that Envoy has not forgotten.
    pub fn roots(&self) -> usize {
        self.with(|host| host.roots.len())
    }

    /// Ends the root contexts of configurations that were replaced.
    pub fn drain(&self) {
        let roots = self.with(|host| host.roots.clone());
        for root in roots.into_keys().filter(|root| *root != self.root) {
            vm::end_root(root);
        }
    }

    /// Lets time pass, for all gateways of the thread.
    pub fn advance(&self, time: Duration) {
        state::advance(u64::try_from(time.as_nanos()).unwrap());
    }

    /// Steps the wall clock to this time, for all gateways of the thread.
    pub fn set_wall(&self, nanos: u64) {
        state::set_wall(nanos);
    }

    /// A request for which no call is made.
    #[track_caller]
    pub fn send(&self, request: &Request) -> Answer {
        self.begin(request).done()
    }

    /// A request, up to its end or to where it is held.
    pub fn begin(&self, request: &Request) -> Step {
        turn_to(&self.host);
        vm::begin(self.root, request)
    }

    /// A request that passes and is still under way.
    #[track_caller]
    pub fn open(&self, request: &Request) -> Open {
        turn_to(&self.host);
        let stream = vm::start(self.root, request);
        assert!(!with(|host| host.stream().paused), "does not pass");
        Open {
            host: self.host.clone(),
            stream,
        }
    }

    /// A request before this Redis.
    pub fn ask(&self, redis: &mut Redis, request: &Request) -> Answer {
        let mut step = self.begin(request);
        loop {
            match step {
                Step::Done(answer) => return answer,
                Step::Asks(pending) => {
                    let response = redis.answer(pending.call());
                    step = pending.answer(response);
                }
            }
        }
    }

    /// Runs the ticks that are armed, as if they were due; whether there were any.
    pub fn tick(&self) -> bool {
        turn_to(&self.host);
        vm::tick_until(u64::MAX)
    }

    /// Lets so much time pass in steps of a fast tick's period, before this Redis.
    pub fn run(&self, redis: &mut Redis, time: Duration) {
        const PERIOD: u64 = 10_000_000;
        let end = state::now() + u64::try_from(time.as_nanos()).unwrap();
        while state::now() < end {
            state::advance(PERIOD.min(end - state::now()));
            turn_to(&self.host);
            vm::tick_until(state::now());
            for call in self.root_calls() {
                let response = redis.answer(&call);
                self.answer_call(&call, response);
            }
        }
    }

    /// The calls that no stream waits for.
    pub fn root_calls(&self) -> Vec<Call> {
        self.with(|host| host.calls_of(&host.roots.keys().copied().collect()))
    }

    /// Answers a call that no stream waits for, or none any more.
    pub fn answer_call(&self, call: &Call, response: Response) {
        turn_to(&self.host);
        vm::deliver(call, response);
    }

    /// From now on no call is made, or again.
    pub fn refuse_calls(&self, refused: Option<Refused>) {
        self.with(|host| host.refused = refused);
    }

    /// Runs the ticks that are armed; whether none is then.
    pub fn rests(&self) -> bool {
        self.tick();
        !self.tick()
    }

    /// A counter, as it is once the tick has told it.
    pub fn counter(&self, name: &str) -> u64 {
        self.tick();
        self.told(name)
    }

    /// A counter, as it is by now.
    pub fn told(&self, name: &str) -> u64 {
        self.with(|host| host.metric_named(name).value)
    }

    /// What a histogram was told.
    pub fn recorded(&self, name: &str) -> Vec<u64> {
        self.with(|host| host.metric_named(name).recorded.clone())
    }

    /// What was logged since last asked.
    pub fn logs(&self) -> Vec<String> {
        self.with(|host| std::mem::take(&mut host.logs))
    }

    /// The next so many compare-and-swaps are lost.
    pub fn lose_races(&self, count: u32) {
        self.with(|host| host.lost_races = count);
    }

    /// All races are lost once so many more are won.
    pub fn lose_races_after(&self, won: u32) {
        self.with(|host| host.lose_after = Some(won));
    }

    /// The keys of shared data, and how often it was written.
    pub fn store(&self) -> Store {
        self.with(|host| host.store.clone())
    }

    fn with<T>(&self, f: impl FnOnce(&mut Host) -> T) -> T {
        turn_to(&self.host);
        with(f)
    }
}

// === impl Open ===

impl Open {
    /// The upstream answers, and the client has read it all.
    pub fn complete(self) -> Answer {
        turn_to(&self.host);
        vm::respond(self.stream)
    }

    /// The client goes, or the upstream does.
    pub fn reset(self) {
        turn_to(&self.host);
        vm::end(self.stream);
    }
}

// === impl Answer ===

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(other, _)| other == name);
        let first = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is there twice");
        first
    }

    /// A header of the request as the upstream saw it.
    pub fn forwarded(&self, name: &str) -> Option<&str> {
        let found = self.request.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| std::str::from_utf8(value).unwrap())
    }

    pub fn passed(&self) -> bool {
        self.status == 200
    }
}
