//! What is to be done with a request, before any store is asked.
//!
//! Pure: the whole way from headers to charges, for the filter as for a test
//! without Envoy.

mod charges;
mod cluster;

pub use charges::Charges;
pub use cluster::ClusterCharge;

use std::rc::Rc;

use crate::config::Config;
use crate::feedback::Refusal;
use crate::limit::Cost;
use crate::request::Request;
use crate::route::{Matched, StatusPath};
use crate::table::TableKey;

/// What is to be done with a request.
#[derive(Debug)]
pub enum Admission {
    /// Pass it: no limit applies.
    Unlimited,
    /// Refuse it, whatever the limits would say.
    Refused(Refusal),
    /// Ask the limits, at least one.
    Charge(Charges),
    /// Ask these limits, if any, and then tell the client where it stands.
    Tell(Charges, Box<Inquiry>),
}

/// A request that asks where its client stands.
#[derive(Debug)]
pub struct Inquiry {
    /// The client's plan.
    pub plan: Option<Rc<str>>,
    /// What it asks after.
    pub shown: Charges,
}

// === impl Admission ===

impl Admission {
    /// Finds the request's route, its client and so its charges.
    pub fn of<R: Request>(config: &Config, key: &TableKey, request: &R) -> Self {
        let asks = |status: &&StatusPath| status.fits(request);
        if let Some(status) = config.status.as_ref().filter(asks) {
            return match Inquiry::of(config, status, key, request) {
                Ok((charges, inquiry)) => Self::Tell(charges, Box::new(inquiry)),
                Err(refusal) => Self::Refused(refusal),
            };
        }
        let matched = config.routes.find(request);
        let route = matched.route;
        let tier = route.tiers.of(None);
        match Charges::of(config, key, request, &matched, (tier, route.cost)) {
            Ok(charges) if charges.is_empty() => Self::Unlimited,
            Ok(charges) => Self::Charge(charges),
            Err(refusal) => Self::Refused(refusal),
        }
    }
}

// === impl Inquiry ===

impl Inquiry {
    fn of<R: Request>(
        config: &Config,
        status: &StatusPath,
        key: &TableKey,
        request: &R,
    ) -> Result<(Charges, Self), Refusal> {
        let matched = Matched::nowhere(config.routes.last());
        let of = |tier| Charges::of(config, key, request, &matched, (tier, Cost::MIN));
        let charged = of(status.charged.of(None))?;
        let shown = of(status.shown.of(None))?.enforced();
        Ok((charged, Self { plan: None, shown }))
    }
}
