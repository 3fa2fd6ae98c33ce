//! Buckets of several plans that share one state.

use std::rc::Rc;

use super::{Draft, Planned};
use crate::limit::{Allowance, Kind, Scope, TokenBucket};

// === impl Draft ===

impl Draft<'_> {
    /// Tells the buckets that plans make of the limit of each other.
    pub(super) fn share_state(&mut self) {
        let planned = self.plans.iter_mut().filter_map(|planned| match planned {
            Planned::Limit(limit) => Some(limit),
            Planned::Own | Planned::Lifted => None,
        });
        let limits = self.limit.iter_mut().chain(planned);
        // Nobody else has them yet.
        let kinds = limits.filter_map(Rc::get_mut).map(|limit| &mut limit.kind);
        let mut of_each: Vec<Vec<&mut TokenBucket>> = kinds.map(buckets).collect();
        of_each.retain(|buckets| !buckets.is_empty());
        if of_each.len() < 2 {
            return;
        }
        let all = of_each.iter().flatten();
        let fill = all.map(|bucket| bucket.capacity()).max().unwrap_or(0);
        for bucket in of_each.into_iter().flatten() {
            *bucket = bucket.shared_by_plans(fill);
        }
    }
}

/// The buckets of a limit: of all gateways, and of one while Redis is silent.
fn buckets(kind: &mut Kind) -> Vec<&mut TokenBucket> {
    let Kind::Metered {
        allowance, scope, ..
    } = kind
    else {
        return Vec::new();
    };
    let share = match scope {
        Scope::Cluster(cluster) => cluster.share.as_mut(),
        Scope::Gateway => None,
    };
    let allowances = std::iter::once(allowance).chain(share);
    let buckets = allowances.filter_map(|allowance| match allowance {
        Allowance::Bucket(bucket) => Some(bucket),
        Allowance::Quota(_) => None,
    });
    buckets.collect()
}
