//! Counters, as Envoy keeps them.
//!
//! Telling Envoy costs a call, and counting is what every request does: counts are added
//! up here, and told on the tick. Each is defined once, since Envoy never forgets one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use log::error;
use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;

use super::tick::{Pace, Tick};
use super::HostError;

/// The counters of one root context.
#[derive(Debug)]
pub(crate) struct Counters(Rc<Untold>);

/// A counter that Envoy shows.
#[derive(Debug)]
pub(super) struct Counter {
    tally: Rc<Tally>,
    untold: Rc<Untold>,
}

/// What was counted since Envoy was told.
#[derive(Debug)]
struct Tally {
    /// By which Envoy knows the counter.
    id: u32,
    count: Cell<u64>,
}

/// Those that have counted since.
#[derive(Debug)]
struct Untold {
    tallies: RefCell<Vec<Rc<Tally>>>,
    tick: Tick,
}

/// A distribution that Envoy shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Histogram(u32);

// === impl Counters ===

impl Counters {
    /// None yet, of the root context that has this tick.
    pub(crate) fn new(tick: Tick) -> Self {
        Self(Rc::new(Untold {
            tallies: RefCell::default(),
            tick,
        }))
    }

    /// Defines a counter of this name.
    pub(super) fn define(&self, name: &str) -> Result<Counter, HostError> {
        let tally = Tally {
            id: define(MetricType::Counter, name)?,
            count: Cell::default(),
        };
        Ok(Counter {
            tally: Rc::new(tally),
            untold: self.0.clone(),
        })
    }

    /// Tells Envoy what was counted since it was told.
    pub(crate) fn tell(&self) {
        for tally in self.0.tallies.take() {
            tally.tell();
        }
    }
}

// === impl Counter ===

impl Counter {
    pub(super) fn add(&self, count: u64) {
        let counted = self.tally.count.get();
        self.tally.count.set(counted.saturating_add(count));
        if counted == 0 && count > 0 {
            self.untold.add(&self.tally);
        }
    }
}

// === impl Untold ===

impl Untold {
    #[cold]
    fn add(&self, tally: &Rc<Tally>) {
        self.tallies.borrow_mut().push(tally.clone());
        self.tick.arm(Pace::Slow);
    }
}

// === impl Tally ===

impl Tally {
    fn tell(&self) {
        let count = i64::try_from(self.count.take()).unwrap_or(i64::MAX);
        if let Err(status) = hostcalls::increment_metric(self.id, count) {
            error!(
                "counter: {}",
                HostError::in_call("increment_metric")(status)
            );
        }
    }
}

// === impl Histogram ===

impl Histogram {
    pub(super) fn define(name: &str) -> Result<Self, HostError> {
        define(MetricType::Histogram, name).map(Self)
    }

    pub(super) fn record(self, value: u64) {
        if let Err(status) = hostcalls::record_metric(self.0, value) {
            error!("histogram: {}", HostError::in_call("record_metric")(status));
        }
    }
}

fn define(metric: MetricType, name: &str) -> Result<u32, HostError> {
    hostcalls::define_metric(metric, name).map_err(HostError::in_call("define_metric"))
}
