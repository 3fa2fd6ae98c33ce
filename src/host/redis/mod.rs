//! Redis, as this worker reaches it: calls out, answers in.

mod dispatch;
mod leases;
mod settlements;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::time::Duration;

use base64::prelude::{Engine, BASE64_STANDARD};
use log::{info, warn};

use super::metrics::RedisMetrics;
use super::secret::{reveal, NoSecret};
use super::{monotonic, HostError, Tick};
use crate::redis::{
    Ask, Breaker, Call, Complaints, Credentials, Failure, FailureClass, FailurePolicy, LeaseBook,
    Names, Reply, Script, Settings, Verb,
};
use dispatch::Dispatch;
use leases::LeaseCalls;
pub(crate) use settlements::Owing;
use settlements::Settlements;

/// Redis behind its bridge.
#[derive(Debug)]
pub(crate) struct Redis {
    settings: Settings,
    authorization: Option<Authorization>,
    names: Names,
    script: Script,
    breaker: RefCell<Breaker>,
    complaints: RefCell<Complaints>,
    next_nonce: Cell<u64>,
    metrics: RedisMetrics,
    leases: RefCell<LeaseBook>,
    lease_calls: RefCell<LeaseCalls>,
    settlements: RefCell<Settlements>,
    tick: Tick,
}

/// The value of the `Authorization` header: RFC 6750, RFC 7617.
struct Authorization(String);

/// A call that is under way.
#[derive(Debug)]
pub(crate) struct Sent {
    /// By which Envoy names it.
    token: u32,
    call: Call,
    verb: Verb,
    /// When it was first sent, ns.
    at: u64,
}

/// What has come of a call.
#[derive(Debug)]
pub(crate) enum Received {
    /// The script's answer.
    Answer(Reply),
    /// Redis has lost the script: the call is under way again, with it.
    Again(Sent),
    /// Nothing that can be used.
    Failed,
}

/// The end of the range of nonces, below what every bridge hands on exactly.
const NONCES: u64 = 90_000_000_000_000;

const NANOS_PER_MICRO: u64 = 1_000;

// === impl Redis ===

impl Redis {
    /// The link to Redis under these settings. `nonce` is random, so that no
    /// other worker has the same ones.
    pub(crate) fn new(
        settings: Settings,
        names: Names,
        nonce: u64,
        metrics: RedisMetrics,
        tick: Tick,
    ) -> Result<Self, NoSecret> {
        Ok(Self {
            authorization: settings
                .credentials
                .as_ref()
                .map(Authorization::of)
                .transpose()?,
            names,
            script: Script::behind(&settings.authority),
            breaker: RefCell::new(Breaker::new(settings.breaker)),
            complaints: RefCell::default(),
            next_nonce: Cell::new(nonce % NONCES),
            metrics,
            leases: RefCell::default(),
            lease_calls: RefCell::default(),
            settlements: RefCell::default(),
            tick,
            settings,
        })
    }

    /// The names of keys.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// What decides where Redis does not.
    pub(crate) fn on_failure(&self) -> FailurePolicy {
        self.settings.on_failure
    }

    /// How long an answer may take, ns.
    pub(crate) fn timeout(&self) -> u64 {
        self.settings.timeout.get()
    }

    /// Counts a request that Redis did not decide on.
    pub(crate) fn fallback(&self) {
        self.metrics.fallback();
    }

    /// Sends a call on behalf of the current context, to which the answer goes.
    /// `None` where it cannot be sent, or where the breaker is open.
    pub(crate) fn send(&self, asks: Vec<Ask>) -> Option<Sent> {
        let now = self.now()?;
        if !self.breaker.borrow_mut().admits(now) {
            return None;
        }
        let nonce = self.next_nonce.get();
        // Both far below the end of u64.
        self.next_nonce.set(nonce.wrapping_add(1) % NONCES);
        let call = Call { nonce, asks };
        self.dispatch(call, Verb::EvalSha, now, now)
    }

    /// Asks for what is due. `true` while there is anything to wait for.
    pub(crate) fn tick(&self) -> bool {
        let Some(now) = self.now() else {
            return true;
        };
        let leases = self.renew_leases(now);
        let settlements = self.settle_waiting(now);
        leases || settlements
    }

    /// Takes an answer that Envoy has for the root context; the units that were
    /// forgiven, of a settlement.
    pub(crate) fn root_answered(&self, token: u32, headers: usize) -> u64 {
        match self.settlement_answered(token, headers) {
            Some(forgiven) => forgiven,
            None => {
                self.lease_answered(token, headers);
                0
            }
        }
    }

    /// Takes the answer to a call that Envoy has just announced.
    pub(crate) fn receive(&self, sent: Sent, headers: usize) -> Received {
        let Some(now) = self.now() else {
            return Received::Failed;
        };
        let micros = now.saturating_sub(sent.at) / NANOS_PER_MICRO;
        self.metrics.latency(micros);
        match self.read(&sent, headers) {
            Ok(reply) => {
                if self.breaker.borrow_mut().succeeded() {
                    info!("Redis through {} answers again", self.settings.upstream);
                }
                Received::Answer(reply)
            }
            Err(failure)
                if failure.class == FailureClass::NoScript && sent.verb == Verb::EvalSha =>
            {
                match self.dispatch(sent.call, Verb::Eval, sent.at, now) {
                    Some(sent) => Received::Again(sent),
                    None => Received::Failed,
                }
            }
            Err(failure) => {
                self.failed(&failure, now);
                Received::Failed
            }
        }
    }

    fn dispatch(&self, call: Call, verb: Verb, at: u64, now: u64) -> Option<Sent> {
        let spent = now.saturating_sub(at);
        let left = Duration::from_nanos(self.timeout().saturating_sub(spent));
        let sent = Dispatch {
            settings: &self.settings,
            authorization: self.authorization.as_ref().map(|value| &*value.0),
            body: &self.settings.bridge.encode(verb, &self.script, &call),
            timeout: left,
        }
        .send();
        match sent {
            Ok(token) => {
                self.metrics.call();
                Some(Sent {
                    token,
                    call,
                    verb,
                    at,
                })
            }
            // That says nothing of Redis, and costs nothing to try again.
            Err(failure) => {
                self.complain(&failure, now);
                None
            }
        }
    }

    fn read(&self, sent: &Sent, headers: usize) -> Result<Reply, Failure> {
        let (status, body) = dispatch::response(headers)?;
        let bridge = self.settings.bridge;
        bridge.decode(sent.verb, &sent.call, status, &body)
    }

    fn failed(&self, failure: &Failure, now: u64) {
        self.breaker.borrow_mut().failed(now);
        self.complain(failure, now);
    }

    fn complain(&self, failure: &Failure, now: u64) {
        self.metrics.error();
        let cooldown = self.settings.breaker.cooldown.get();
        let said = self
            .complaints
            .borrow_mut()
            .note(failure.class, cooldown, now);
        let upstream = &self.settings.upstream;
        match said {
            Some(0) => warn!("Redis through {upstream}: {failure}"),
            Some(unsaid) => {
                warn!("Redis through {upstream}: {failure} (and {unsaid} more since last said)");
            }
            None => {}
        }
    }

    fn now(&self) -> Option<u64> {
        let failed = |failure: HostError| log::error!("{failure}");
        monotonic().map_err(failed).ok()
    }
}

// === impl Sent ===

impl Sent {
    /// Whether Envoy's token is this call's.
    pub(crate) fn is(&self, token: u32) -> bool {
        self.token == token
    }
}

// === impl Authorization ===

impl Authorization {
    fn of(credentials: &Credentials) -> Result<Self, NoSecret> {
        Ok(Self(match credentials {
            Credentials::Bearer(token) => format!("Bearer {}", reveal(token)?),
            Credentials::Basic { user, password } => {
                let pair = format!("{user}:{}", reveal(password)?);
                format!("Basic {}", BASE64_STANDARD.encode(pair))
            }
        }))
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(secret)")
    }
}
