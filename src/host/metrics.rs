//! What is counted, and under which names.

use std::rc::Rc;

use super::counters::{Counter, Counters, Histogram};
use super::HostError;
use crate::client::{Plan, PlanIndex};
use crate::limit::{Limit, Mode, Outcome};

/// The plugin's counters.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// By the limits' index.
    limits: Vec<LimitCounters>,
    /// By the plans' index.
    plans: Vec<PlanCounters>,
    /// Requests of a plan that the configuration does not have.
    unknown_plans: Counter,
    /// Entries that gave their place up before they were free.
    evictions: Counter,
    /// Requests that could not be counted.
    conflicts: Counter,
    tokens: TokenCounters,
}

/// A model's tokens, those of input and output together.
#[derive(Debug)]
struct TokenCounters {
    /// Taken beforehand.
    reserved: Counter,
    /// Charged in the end.
    used: Counter,
    /// Of those taken, given back.
    returned: Counter,
    /// Of those charged, as many as no model has said.
    unreported: Counter,
    /// Units of limits that would have gone too deep into debt.
    forgiven: Counter,
}

#[derive(Debug)]
struct LimitCounters {
    allowed: Counter,
    denied: Counter,
    /// Would have been denied, were the limit enforced.
    shadow_denied: Counter,
    tagged: Counter,
}

/// Requests of a plan's clients.
#[derive(Debug)]
struct PlanCounters {
    allowed: Counter,
    denied: Counter,
}

/// The counters of calls to Redis.
#[derive(Debug)]
pub(crate) struct RedisMetrics {
    calls: Counter,
    errors: Counter,
    /// Requests that Redis did not decide on.
    fallbacks: Counter,
    /// From a call to its answer, µs.
    latency: Histogram,
}

// === impl Metrics ===

impl Metrics {
    /// Defines the counters for these limits and plans.
    pub(crate) fn define(
        counters: &Counters,
        limits: &[Rc<Limit>],
        plans: &[Rc<str>],
    ) -> Result<Self, HostError> {
        let plans = plans.iter().map(|name| {
            Ok(PlanCounters {
                allowed: counters.define(&format!("tollgate.plan.{name}.allowed"))?,
                denied: counters.define(&format!("tollgate.plan.{name}.denied"))?,
            })
        });
        let limits = limits.iter().map(|limit| {
            let name = &limit.name;
            let counter = |what: &str| counters.define(&format!("tollgate.limit.{name}.{what}"));
            Ok(LimitCounters {
                allowed: counter("allowed")?,
                denied: counter("denied")?,
                shadow_denied: counter("shadow_denied")?,
                tagged: counter("tagged")?,
            })
        });
        Ok(Self {
            limits: limits.collect::<Result<_, _>>()?,
            plans: plans.collect::<Result<_, _>>()?,
            unknown_plans: counters.define("tollgate.plans.unknown")?,
            evictions: counters.define("tollgate.table.evictions")?,
            conflicts: counters.define("tollgate.table.conflicts")?,
            tokens: TokenCounters {
                reserved: counters.define("tollgate.tokens.reserved")?,
                used: counters.define("tollgate.tokens.used")?,
                returned: counters.define("tollgate.tokens.returned")?,
                unreported: counters.define("tollgate.tokens.unreported")?,
                forgiven: counters.define("tollgate.tokens.forgiven")?,
            },
        })
    }

    /// A request passes that this limit was asked about. One that is not enforced
    /// was counted when it decided.
    pub(crate) fn passed(&self, limit: &Limit) {
        if limit.mode == Mode::Enforce {
            self.count(limit, |counters| &counters.allowed);
        }
    }

    /// A limit has decided.
    pub(crate) fn decided(&self, outcome: &Outcome) {
        let limit = &outcome.limit;
        match (limit.mode, outcome.is_denial()) {
            // Only counts once the request passes.
            (Mode::Enforce, false) => {}
            (Mode::Enforce, true) => self.count(limit, |counters| &counters.denied),
            (Mode::Shadow | Mode::Tag, false) => self.count(limit, |counters| &counters.allowed),
            (Mode::Shadow, true) => self.count(limit, |counters| &counters.shadow_denied),
            (Mode::Tag, true) => self.count(limit, |counters| &counters.tagged),
        }
    }

    /// A request of this plan was decided.
    pub(crate) fn planned(&self, plan: Plan, passes: bool) {
        match plan {
            Plan::None => {}
            Plan::Unknown => self.unknown_plans.add(1),
            Plan::Of(PlanIndex(plan)) => {
                let counters = self.plans.get(plan);
                let counter = counters.map(|counters| match passes {
                    true => &counters.allowed,
                    false => &counters.denied,
                });
                if let Some(counter) = counter {
                    counter.add(1);
                }
            }
        }
    }

    /// Entries gave their place up before they were free.
    pub(crate) fn evictions(&self, evictions: u32) {
        self.evictions.add(evictions.into());
    }

    /// A request could not be counted.
    pub(crate) fn conflict(&self) {
        self.conflicts.add(1);
    }

    /// So many tokens are taken beforehand.
    pub(crate) fn reserved(&self, tokens: u64) {
        self.tokens.reserved.add(tokens);
    }

    /// A request for which so many were took so many, as far as is known.
    pub(crate) fn settled(&self, reserved: u64, used: u64) {
        self.tokens.used.add(used);
        self.tokens.returned.add(reserved.saturating_sub(used));
    }

    /// So many were charged that no model has said.
    pub(crate) fn unreported(&self, tokens: u64) {
        self.tokens.unreported.add(tokens);
    }

    /// So many units of a limit were let go.
    pub(crate) fn forgiven(&self, units: u64) {
        self.tokens.forgiven.add(units);
    }

    fn count(&self, limit: &Limit, which: impl Fn(&LimitCounters) -> &Counter) {
        if let Some(counters) = self.limits.get(limit.index) {
            which(counters).add(1);
        }
    }
}

// === impl RedisMetrics ===

impl RedisMetrics {
    /// Defines them.
    pub(crate) fn define(counters: &Counters) -> Result<Self, HostError> {
        Ok(Self {
            calls: counters.define("tollgate.redis.calls")?,
            errors: counters.define("tollgate.redis.errors")?,
            fallbacks: counters.define("tollgate.redis.fallbacks")?,
            latency: Histogram::define("tollgate.redis.latency_us")?,
        })
    }

    /// A call was made.
    pub(crate) fn call(&self) {
        self.calls.add(1);
    }

    /// A call has brought nothing that can be used.
    pub(crate) fn error(&self) {
        self.errors.add(1);
    }

    /// A request is decided on without Redis.
    pub(crate) fn fallback(&self) {
        self.fallbacks.add(1);
    }

    /// An answer took so many µs.
    pub(crate) fn latency(&self, micros: u64) {
        self.latency.record(micros);
    }
}
