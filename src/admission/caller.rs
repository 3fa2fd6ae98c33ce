//! Who calls, and on which plan.

use std::rc::Rc;

use crate::client::{plan_of, ClientFrom, ClientId, Found, Plan};
use crate::config::Config;
use crate::feedback::Refusal;
use crate::request::Request;
use crate::route::Matched;

/// Who calls, where a configuration has plans or is to log it.
pub(super) struct Caller<'a> {
    pub(super) plan: Plan,
    /// What the sources at the top have found, so that no limit asks them again.
    found: Option<(&'a Rc<ClientFrom>, Found)>,
}

// === impl Caller ===

impl<'a> Caller<'a> {
    /// Finds the caller's plan, where there are plans.
    ///
    /// # Errors
    /// [`Refusal`] of a request that names two callers, who may be on two plans.
    pub(super) fn of<R: Request>(
        config: &'a Config,
        request: &R,
        matched: &Matched<'_>,
    ) -> Result<Self, Refusal> {
        let has_plans = !config.plans.is_empty();
        if !has_plans && !config.log_client {
            return Ok(Self {
                plan: Plan::None,
                found: None,
            });
        }
        let found = config
            .caller
            .as_ref()
            .map(|sources| (sources, sources.find(request, matched, &config.clients)));
        if !has_plans {
            return Ok(Self {
                plan: Plan::None,
                found,
            });
        }
        let id = match &found {
            Some((_, Found::Ambiguous)) => return Err(Refusal::AmbiguousClient),
            Some((_, Found::Client(id))) => Some(id),
            Some((_, Found::Unlimited | Found::Refused)) | None => None,
        };
        let (clients, from) = (&config.clients, &config.plan_from);
        let plan = plan_of(id, request, clients, from, &config.plans);
        Ok(Self { plan, found })
    }

    /// The caller's id, where there is one and it was looked for.
    pub(super) fn id(&self) -> Option<&ClientId> {
        match &self.found {
            Some((_, Found::Client(id))) => Some(id),
            Some((_, Found::Unlimited | Found::Refused | Found::Ambiguous)) | None => None,
        }
    }

    /// What these sources have found, if they are the caller's.
    pub(super) fn found_by(&self, sources: &Rc<ClientFrom>) -> Option<&Found> {
        let found = self.found.as_ref();
        found
            .filter(|(asked, _)| Rc::ptr_eq(asked, sources))
            .map(|(_, found)| found)
    }
}
