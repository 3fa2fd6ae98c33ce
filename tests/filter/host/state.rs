//! What the double keeps for one gateway. A thread may have several, as two
//! machines are: what runs is always the one that the test has turned to last.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::calls::{Call, Refused, Response};
use super::memory::{BAD_ARGUMENT, INTERNAL_FAILURE};
use super::store::Store;
use super::stream::Stream;

/// As a count of races: all from now on.
pub const LOST_FOR_EVER: u32 = u32::MAX;

/// Which headers can be reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    Request,
    Response,
}

#[derive(Default)]
pub struct Host {
    pub store: Store,
    pub config: Vec<u8>,
    /// The root contexts that are alive, and each one's period between ticks.
    pub roots: BTreeMap<u32, u32>,
    /// When each next ticks, if at all, ns.
    due: BTreeMap<u32, u64>,
    /// Of these, those that Envoy wants to forget and that have asked it to wait, and
    /// those that do no longer.
    pub waiting: BTreeSet<u32>,
    pub done: BTreeSet<u32>,
    /// The streams that are alive.
    pub streams: BTreeMap<u32, Stream>,
    /// The context that hostcalls are about.
    effective: u32,
    /// The calls that are under way.
    pub calls: BTreeMap<u32, Call>,
    /// What the next calls come to.
    pub refused: Option<Refused>,
    /// The answer that Envoy has just announced.
    pub response: Option<Response>,
    pub logs: Vec<String>,
    metrics: Vec<Metric>,
    pub lost_races: u32,
    /// Writes after which all races are lost.
    pub lose_after: Option<u32>,
    pub reads: Reads,
}

#[derive(Default)]
pub struct Metric {
    name: String,
    is_histogram: bool,
    pub value: u64,
    pub recorded: Vec<u64>,
}

/// How often was read what not every request is to pay for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reads {
    pub wall: u32,
    pub response_headers: u32,
    pub pages: u32,
}

pub struct Reply {
    pub status: u32,
    pub grpc_status: i32,
    pub details: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

thread_local! {
    static HOST: RefCell<Rc<RefCell<Host>>> = RefCell::default();
    /// The monotonic clock, ns. Not zero, as no machine's is.
    static NOW: Cell<u64> = const { Cell::new(1_000_000_000_000) };
    /// The wall clock, ns since 1970: 2026-01-01, a Thursday.
    static WALL: Cell<u64> = const { Cell::new(1_767_225_600_000_000_000) };
    /// The SDK, whose contexts are the thread's, wants each id once.
    static LAST_ID: Cell<u32> = const { Cell::new(0) };
}

/// Turns to this gateway's host.
pub fn turn_to(host: &Rc<RefCell<Host>>) {
    HOST.set(host.clone());
}

/// The host that the test has turned to.
pub fn current() -> Rc<RefCell<Host>> {
    HOST.with_borrow(Rc::clone)
}

/// Uses it.
pub fn with<T>(f: impl FnOnce(&mut Host) -> T) -> T {
    f(&mut current().borrow_mut())
}

pub fn now() -> u64 {
    NOW.get()
}

pub fn wall() -> u64 {
    WALL.get()
}

pub fn advance(nanos: u64) {
    NOW.set(NOW.get() + nanos);
    WALL.set(WALL.get() + nanos);
}

/// Sets the wall clock, as an operator or NTP may.
pub fn set_wall(nanos: u64) {
    WALL.set(nanos);
}

/// A number for a context or a call.
pub fn next_id() -> u32 {
    LAST_ID.set(LAST_ID.get() + 1);
    LAST_ID.get()
}

// === impl Host ===

impl Host {
    pub fn new(store: Store) -> Self {
        Self {
            store,
            ..Self::default()
        }
    }

    /// Makes this the context that hostcalls are about; `false` where there is
    /// none such.
    pub fn enter(&mut self, context: u32) -> bool {
        self.effective = context;
        self.roots.contains_key(&context) || self.streams.contains_key(&context)
    }

    /// The stream that hostcalls are about.
    pub fn stream(&mut self) -> &mut Stream {
        let stream = self.streams.get_mut(&self.effective);
        stream.expect("a stream's hostcall outside of a stream")
    }

    /// This stream.
    pub fn stream_of(&mut self, id: u32) -> &mut Stream {
        self.streams.get_mut(&id).expect("a stream that has ended")
    }

    /// The root that hostcalls are about, if only by a stream of its.
    pub fn root(&self) -> u32 {
        let stream = self.streams.get(&self.effective);
        stream.map_or(self.effective, |stream| stream.root)
    }

    /// `proxy_done`; whether the root had asked Envoy to wait.
    pub fn end_wait(&mut self) -> bool {
        let root = self.root();
        self.waiting.remove(&root) && self.done.insert(root)
    }

    pub fn forget(&mut self, root: u32) -> bool {
        self.calls.retain(|_, call| call.root != root);
        self.roots.remove(&root).is_some()
    }

    /// Begins a root's ticks anew, as Envoy does whenever it is told a period: whoever
    /// does so ever again sees none.
    pub fn set_tick(&mut self, period: u32) {
        let root = self.root();
        self.roots.insert(root, period);
        self.due.insert(root, now() + u64::from(period) * 1_000_000);
    }

    /// The roots whose ticks are armed, with when the next ones are due, ns.
    pub fn armed(&self) -> Vec<(u32, u64)> {
        let armed = self.roots.iter().filter(|(_, period)| **period > 0);
        armed.map(|(root, _)| (*root, self.due[root])).collect()
    }

    /// Sends a call off, as `proxy_http_call` does.
    pub fn call(
        &mut self,
        upstream: String,
        headers: Vec<(String, String)>,
        body: String,
        timeout: u32,
    ) -> Result<u32, u32> {
        match self.refused {
            Some(Refused::NoCluster) => return Err(BAD_ARGUMENT),
            Some(Refused::NoEndpoint) => return Err(INTERNAL_FAILURE),
            None => {}
        }
        let call = Call {
            token: next_id(),
            root: self.root(),
            context: self.effective,
            upstream,
            headers,
            body,
            timeout: timeout.into(),
        };
        let token = call.token;
        self.calls.insert(token, call);
        Ok(token)
    }

    /// The calls of these contexts that are under way.
    pub fn calls_of(&self, contexts: &BTreeSet<u32>) -> Vec<Call> {
        let calls = self.calls.values();
        calls
            .filter(|call| contexts.contains(&call.context))
            .cloned()
            .collect()
    }

    pub fn define_metric(&mut self, name: String, is_histogram: bool) -> u32 {
        let found = self.metrics.iter().position(|other| other.name == name);
        let index = found.unwrap_or_else(|| {
            self.metrics.push(Metric {
                name,
                is_histogram,
                ..Metric::default()
            });
            self.metrics.len() - 1
        });
        assert_eq!(self.metrics[index].is_histogram, is_histogram);
        u32::try_from(index).unwrap()
    }

    pub fn metric(&mut self, id: u32, is_histogram: bool) -> &mut Metric {
        let metric = &mut self.metrics[id as usize];
        assert_eq!(metric.is_histogram, is_histogram, "{}", metric.name);
        metric
    }

    pub fn metric_named(&self, name: &str) -> &Metric {
        let found = self.metrics.iter().find(|metric| metric.name == name);
        found.unwrap_or_else(|| panic!("no metric {name}"))
    }

    /// Whether this compare-and-swap is one the test wants lost.
    pub fn loses_race(&mut self) -> bool {
        match self.lose_after {
            Some(0) => (self.lose_after, self.lost_races) = (None, LOST_FOR_EVER),
            Some(more) => self.lose_after = Some(more - 1),
            None => {}
        }
        let lost = self.lost_races > 0;
        if self.lost_races != LOST_FOR_EVER {
            self.lost_races = self.lost_races.saturating_sub(1);
        }
        lost
    }
}
