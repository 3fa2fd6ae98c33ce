//! Counters, defined once, since Envoy never forgets one.

use log::error;
use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;

use super::HostError;
use crate::limit::Limit;

/// The plugin's counters.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// By the limits' index.
    limits: Vec<LimitCounters>,
    /// Buckets that gave their place up before they were full.
    evictions: Counter,
    /// Requests that could not be counted.
    conflicts: Counter,
}

#[derive(Debug)]
struct LimitCounters {
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

#[derive(Debug, Clone, Copy)]
struct Counter(u32);

#[derive(Debug, Clone, Copy)]
struct Histogram(u32);

// === impl Metrics ===

impl Metrics {
    /// Defines the counters for these limits.
    pub(crate) fn define<'l>(limits: impl Iterator<Item = &'l Limit>) -> Result<Self, HostError> {
        let counters = limits.map(|Limit { name, .. }| {
            Ok(LimitCounters {
                allowed: Counter::define(&format!("tollgate.limit.{name}.allowed"))?,
                denied: Counter::define(&format!("tollgate.limit.{name}.denied"))?,
            })
        });
        Ok(Self {
            limits: counters.collect::<Result<_, _>>()?,
            evictions: Counter::define("tollgate.table.evictions")?,
            conflicts: Counter::define("tollgate.table.conflicts")?,
        })
    }

    /// A limit allowed a request that passes.
    pub(crate) fn allowed(&self, limit: &Limit) {
        if let Some(counters) = self.limits.get(limit.index) {
            counters.allowed.add(1);
        }
    }

    /// A limit denied a request.
    pub(crate) fn denied(&self, limit: &Limit) {
        if let Some(counters) = self.limits.get(limit.index) {
            counters.denied.add(1);
        }
    }

    /// Buckets gave their place up before they were full.
    pub(crate) fn evictions(&self, evictions: u32) {
        self.evictions.add(evictions);
    }

    /// A request could not be counted.
    pub(crate) fn conflict(&self) {
        self.conflicts.add(1);
    }
}

// === impl RedisMetrics ===

impl RedisMetrics {
    /// Defines them.
    pub(crate) fn define() -> Result<Self, HostError> {
        Ok(Self {
            calls: Counter::define("tollgate.redis.calls")?,
            errors: Counter::define("tollgate.redis.errors")?,
            fallbacks: Counter::define("tollgate.redis.fallbacks")?,
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

// === impl Counter ===

impl Counter {
    fn define(name: &str) -> Result<Self, HostError> {
        hostcalls::define_metric(MetricType::Counter, name)
            .map(Self)
            .map_err(HostError::in_call("define_metric"))
    }

    /// Envoy takes no zero.
    fn add(self, count: u32) {
        if count == 0 {
            return;
        }
        if let Err(status) = hostcalls::increment_metric(self.0, count.into()) {
            error!(
                "counter: {}",
                HostError::in_call("increment_metric")(status)
            );
        }
    }
}

// === impl Histogram ===

impl Histogram {
    fn define(name: &str) -> Result<Self, HostError> {
        hostcalls::define_metric(MetricType::Histogram, name)
            .map(Self)
            .map_err(HostError::in_call("define_metric"))
    }

    fn record(self, value: u64) {
        if let Err(status) = hostcalls::record_metric(self.0, value) {
            error!("histogram: {}", HostError::in_call("record_metric")(status));
        }
    }
}
