//! A root context's tick: armed while there is something to do, since an idle one costs
//! Envoy a part of a core.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use log::error;
use proxy_wasm::hostcalls;

use super::HostError;

/// The tick of one root context, which all that has something to do then shares.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tick(Rc<Cell<Option<Pace>>>);

/// How soon the tick is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pace {
    /// In 100 ms: nobody waits for it.
    Slow,
    /// In 10 ms, short enough for a lease to be renewed in time.
    Fast,
}

// === impl Tick ===

impl Tick {
    /// Lets the root context tick from now on, at this pace or a faster one. Envoy would
    /// begin a tick that is armed again anew, and who armed it ever again never see it.
    pub(crate) fn arm(&self, pace: Pace) {
        if self.0.get() < Some(pace) {
            self.0.set(Some(pace));
            set(pace.period());
        }
    }

    /// Ends the ticks.
    pub(crate) fn disarm(&self) {
        if self.0.take().is_some() {
            set(Duration::ZERO);
        }
    }
}

fn set(period: Duration) {
    if let Err(status) = hostcalls::set_tick_period(period) {
        error!("{}", HostError::in_call("set_tick_period")(status));
    }
}

// === impl Pace ===

impl Pace {
    fn period(self) -> Duration {
        Duration::from_millis(match self {
            Self::Slow => 100,
            Self::Fast => 10,
        })
    }
}
