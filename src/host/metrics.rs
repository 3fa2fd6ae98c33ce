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

#[derive(Debug, Clone, Copy)]
struct Counter(u32);

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

    /// A limit allowed a request.
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
