//! What a request is to be charged, before any store is asked.
//!
//! Pure: the whole way from headers to charges, for the filter as for a test
//! without Envoy.

use std::rc::Rc;

use crate::client::{ClientId, Found};
use crate::config::Config;
use crate::feedback::{self, Refusal};
use crate::limit::{Answer, Limit, Outcome};
use crate::request::Request;
use crate::table::{Charge, ClientHash, Entry, PageCharge, PageIndex, TableKey};

/// What is to be done with a request.
#[derive(Debug)]
pub enum Admission {
    /// Pass it: no limit applies.
    Unlimited,
    /// Refuse it, whatever the limits would say.
    Refused(Refusal),
    /// Ask the limits, at least one.
    Charge {
        /// What to ask of each page.
        pages: Vec<PageCharge>,
        /// What to ask of Redis.
        cluster: Vec<ClusterCharge>,
        /// The `RateLimit-Policy` of all limits asked.
        policy: Rc<str>,
    },
}

/// The share in a request of a limit that is counted in Redis.
#[derive(Debug, Clone)]
pub struct ClusterCharge {
    /// Whom to charge, by the id that Redis' key is made of.
    pub client: Rc<ClientId>,
    /// And as the table knows it.
    pub hash: ClientHash,
    /// Where the table keeps this client's entries.
    pub page: PageIndex,
    /// What to take; while Redis does not answer, from what this gateway keeps.
    pub charge: Charge,
}

// === impl Admission ===

impl Admission {
    /// Finds the request's route, its client and so its charges.
    pub fn of<R: Request>(config: &Config, key: &TableKey, request: &R) -> Self {
        let matched = config.routes.find(request);
        let route = matched.route;
        let tier = route.tiers.of(None);
        let mut pages: Vec<PageCharge> = Vec::with_capacity(tier.groups.len());
        let mut cluster: Vec<ClusterCharge> = Vec::new();
        let mut skipped = false;
        for group in &tier.groups {
            let sources = &group.client_from;
            let id = match sources.find(request, &matched, &config.known) {
                Found::Client(id) => id,
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
            let client = key.client(id.as_bytes());
            let page = config.layout.page_of(&client);
            let charge = |limit: &Rc<Limit>| Charge {
                fingerprint: key.fingerprint(&client, limit.tag),
                limit: limit.clone(),
                cost: route.cost,
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
                }));
            }
        }
        if pages.is_empty() && cluster.is_empty() {
            return Self::Unlimited;
        }
        let policy = if skipped {
            policy_of(&pages, &cluster)
        } else {
            tier.policy.clone()
        };
        Self::Charge {
            pages,
            cluster,
            policy,
        }
    }
}

// === impl ClusterCharge ===

impl ClusterCharge {
    /// The number of the client's lease of this limit.
    pub fn lease(&self) -> u64 {
        self.charge.fingerprint.get()
    }

    /// What the limit said.
    pub fn outcome(&self, answer: Answer) -> Outcome {
        Outcome {
            limit: self.charge.limit.clone(),
            answer,
        }
    }

    /// The same share as Redis' last denial stands for it in the table.
    /// `claim`: see [`Entry::Denial`].
    pub fn denial(&self, key: &TableKey, claim: u64) -> Option<Charge> {
        let cluster = self.charge.limit.cluster()?;
        Some(Charge {
            fingerprint: key.fingerprint(&self.hash, cluster.denials),
            entry: Entry::Denial { claim },
            ..self.charge.clone()
        })
    }
}

/// The policy of limits of which some do not apply, those of this gateway first.
fn policy_of(pages: &[PageCharge], cluster: &[ClusterCharge]) -> Rc<str> {
    let local = pages.iter().flat_map(|page| &page.charges);
    let charges = local.chain(cluster.iter().map(|cluster| &cluster.charge));
    feedback::policy(charges.map(|charge| &*charge.limit as &Limit)).into()
}
