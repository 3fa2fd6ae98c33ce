//! What a request is to be charged on a route.

use std::rc::Rc;

use super::{Budget, Case, ClusterCharge};
use crate::client::{ClientId, Found};
use crate::feedback::{self, Refusal};
use crate::limit::{Cost, Limit};
use crate::request::Request;
use crate::route::Tier;
use crate::table::{Charge, Entry, PageCharge};

/// What is asked of each store for a request.
#[derive(Debug)]
pub struct Charges {
    /// What to ask of each page.
    pub pages: Vec<PageCharge>,
    /// What to ask of Redis.
    pub cluster: Vec<ClusterCharge>,
    /// The `RateLimit-Policy` of all limits asked.
    pub policy: Rc<str>,
    /// The tokens that it is to have, where some limit counts them.
    pub budget: Option<Box<Budget>>,
    /// Whether its limits were asked before.
    pub turn: Turn,
}

/// Whether a request's limits were asked before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// No.
    First,
    /// They were, and have allowed it; now they are asked for more.
    More,
}

// === impl Charges ===

impl Charges {
    /// The charges of a request that meets these limits.
    ///
    /// # Errors
    /// [`Refusal`] where a limit wants a client, and the request has none or two.
    pub(super) fn of<R: Request>(
        case: &Case<'_, R>,
        tier: &Tier,
        cost: Cost,
        budget: Option<Box<Budget>>,
    ) -> Result<Self, Refusal> {
        let budget = budget.filter(|_| tier.counts_tokens);
        let cost = |limit: &Limit| match (limit.tokens(), &budget) {
            (Some(tokens), Some(budget)) => budget.cost(tokens, limit),
            _ => cost,
        };
        let mut pages: Vec<PageCharge> = Vec::with_capacity(tier.groups.len());
        let mut cluster: Vec<ClusterCharge> = Vec::new();
        let mut skipped = false;
        for group in &tier.groups {
            let sources = &group.client_from;
            let found = match case.caller.found_by(sources) {
                Some(found) => found.clone(),
                None => sources.find(case.request, &case.matched, &case.config.clients),
            };
            let id: ClientId = match found {
                Found::Client(id) => id,
                Found::Unlimited => {
                    skipped = true;
                    continue;
                }
                Found::Refused => {
                    let scheme = sources.scheme().to_owned();
                    return Err(Refusal::MissingClient { scheme });
                }
                Found::Ambiguous => return Err(Refusal::AmbiguousClient),
            };
            let client = case.key.client(id.as_bytes());
            let page = case.config.layout.page_of(&client);
            let charge = |limit: &Rc<Limit>| Charge {
                fingerprint: client.fingerprint(limit.tag),
                limit: limit.clone(),
                cost: cost(limit),
                entry: Entry::Spent,
            };
            if !group.local.is_empty() {
                PageCharge::add(&mut pages, page, group.local.iter().map(charge));
            }
            if !group.cluster.is_empty() {
                let id = Rc::new(id);
                cluster.extend(group.cluster.iter().map(|limit| ClusterCharge {
                    client: id.clone(),
                    hash: client,
                    page,
                    charge: charge(limit),
                    held: 0,
                }));
            }
        }
        Ok(Self {
            policy: match skipped {
                true => policy_of(&pages, &cluster),
                false => tier.policy.clone(),
            },
            pages,
            cluster,
            budget,
            turn: Turn::First,
        })
    }

    /// The same without limits that nobody is to know of.
    pub(super) fn enforced(mut self) -> Self {
        for page in &mut self.pages {
            page.charges.retain(|charge| !charge.limit.is_alone());
        }
        self.cluster
            .retain(|cluster| !cluster.charge.limit.is_alone());
        self
    }

    /// Whether no limit is asked.
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty() && self.cluster.is_empty()
    }
}

/// The policy of limits of which some do not apply, those of this gateway first.
fn policy_of(pages: &[PageCharge], cluster: &[ClusterCharge]) -> Rc<str> {
    let local = pages.iter().flat_map(|page| &page.charges);
    let charges = local.chain(cluster.iter().map(|cluster| &cluster.charge));
    feedback::policy(charges.map(|charge| &*charge.limit as &Limit)).into()
}
