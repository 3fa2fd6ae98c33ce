//! The root context's tick: armed while there is something to do, since an
//! idle one costs Envoy a part of a core.

use std::time::Duration;

use log::error;
use proxy_wasm::hostcalls;

use super::HostError;

/// Short enough for a lease to be renewed in time.
const PERIOD: Duration = Duration::from_millis(10);

/// Lets the root context tick from now on.
pub(crate) fn arm() {
    set(PERIOD);
}

/// Ends the ticks.
pub(crate) fn disarm() {
    set(Duration::ZERO);
}

fn set(period: Duration) {
    if let Err(status) = hostcalls::set_tick_period(period) {
        error!("{}", HostError::in_call("set_tick_period")(status));
    }
}
