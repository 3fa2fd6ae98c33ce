//! The share in a request of a limit that is counted in Redis.

use std::rc::Rc;

use crate::client::ClientId;
use crate::limit::{Answer, Outcome};
use crate::table::{Charge, ClientHash, Entry, Fingerprint, PageIndex};

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
    /// Units that the request has of the limit already.
    pub held: u32,
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
    pub fn denial(&self, claim: u64) -> Option<Charge> {
        let cluster = self.charge.limit.cluster()?;
        Some(Charge {
            fingerprint: self.hash.fingerprint(cluster.denials),
            entry: Entry::Denial {
                claim,
                held: self.held,
            },
            ..self.charge.clone()
        })
    }

    /// Where the table keeps what Redis was last seen to have.
    pub fn look(&self) -> Option<Fingerprint> {
        let cluster = self.charge.limit.cluster()?;
        Some(self.hash.fingerprint(cluster.looks))
    }
}
