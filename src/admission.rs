//! What a request is to be charged, before any store is asked.
//!
//! Pure: the whole way from headers to charges, for the filter as for a test
//! without Envoy.

use std::rc::Rc;

use crate::client::Found;
use crate::config::Config;
use crate::feedback::{self, Refusal};
use crate::limit::Limit;
use crate::request::Request;
use crate::table::{Charge, PageCharge, TableKey};

/// What is to be done with a request.
#[derive(Debug)]
pub enum Admission {
    /// Pass it: no limit applies.
    Unlimited,
    /// Refuse it, whatever the limits would say.
    Refused(Refusal),
    /// Ask the limits.
    Charge {
        /// What to ask of each page, at least one.
        pages: Vec<PageCharge>,
        /// The `RateLimit-Policy` of all limits asked.
        policy: Rc<str>,
    },
}

// === impl Admission ===

impl Admission {
    /// Finds the request's route, its client and so its charges.
    pub fn of<R: Request>(config: &Config, key: &TableKey, request: &R) -> Self {
        let matched = config.routes.find(request);
        let route = matched.route;
        let mut pages: Vec<PageCharge> = Vec::with_capacity(route.groups.len());
        let mut skipped = false;
        for group in &route.groups {
            let sources = &group.client_from;
            let client = match sources.find(request, &matched, &config.known) {
                Found::Client(id) => key.client(id.as_bytes()),
                Found::Unlimited => {
                    skipped = true;
                    continue;
                }
                Found::Refused => {
                    let scheme = sources.scheme().to_owned();
                    return Self::Refused(Refusal::MissingClient { scheme });
                }
                Found::Ambiguous => return Self::Refused(Refusal::AmbiguousClient),
            };
            let charges = group.limits.iter().map(|limit| Charge {
                fingerprint: key.fingerprint(&client, limit.tag),
                limit: limit.clone(),
                cost: route.cost,
            });
            let page = config.layout.page_of(&client);
            // Side by side only: what is reported keeps the route's order.
            match pages.last_mut().filter(|last| last.page == page) {
                Some(same) => same.charges.extend(charges),
                None => pages.push(PageCharge {
                    page,
                    charges: charges.collect(),
                }),
            }
        }
        if pages.is_empty() {
            return Self::Unlimited;
        }
        let policy = if skipped {
            policy_of(&pages)
        } else {
            route.policy.clone()
        };
        Self::Charge { pages, policy }
    }
}

fn policy_of(pages: &[PageCharge]) -> Rc<str> {
    let charges = pages.iter().flat_map(|page| &page.charges);
    feedback::policy(charges.map(|charge| &*charge.limit as &Limit)).into()
}
