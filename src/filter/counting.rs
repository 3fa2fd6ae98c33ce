//! What a request is charged, from all stores, and what comes of it.

use std::rc::Rc;

use log::error;

use crate::admission::ClusterCharge;
use crate::feedback::Refusal;
use crate::host::Uncounted;
use crate::limit::{Outcome, Standing, Verdict};
use crate::root::Plugin;
use crate::table::PageCharge;

use super::cluster::{self, Waiting};

/// How far the counting of a request has come.
pub(super) enum Counting {
    /// It is decided.
    Decided(Result<Passed, Refusal>),
    /// Redis is asked.
    Waiting(Box<Waiting>),
}

/// What the response to a request that passes is to show.
pub(super) enum Passed {
    /// No limit was asked: nothing, nor what the upstream has to say.
    Unlimited,
    /// Where the client stands, in place of the upstream's own headers.
    Limited { tightest: Standing, policy: Rc<str> },
}

/// Counts a request: in this gateway, and in Redis where that is asked for.
pub(super) fn count(
    plugin: &Plugin,
    pages: Vec<PageCharge>,
    cluster: Vec<ClusterCharge>,
    policy: Rc<str>,
) -> Counting {
    match plugin.redis.as_ref().filter(|_| !cluster.is_empty()) {
        Some(redis) => cluster::count(plugin, redis, pages, cluster, policy),
        None => Counting::Decided(count_here(plugin, &pages, policy)),
    }
}

fn count_here(plugin: &Plugin, pages: &[PageCharge], policy: Rc<str>) -> Result<Passed, Refusal> {
    let verdict = plugin.pages.charge(pages, &plugin.metrics, |charged| {
        decided(plugin, charged.into_outcomes(), policy)
    });
    let passed = verdict.unwrap_or_else(|uncounted| Err(refused_uncounted(plugin, &uncounted)))?;
    let charges = pages.iter().flat_map(|page| &page.charges);
    charges.for_each(|charge| plugin.metrics.allowed(&charge.limit));
    Ok(passed)
}

/// The verdict of all limits that were asked. Those that denied are counted
/// here; that the others have allowed it counts only once the request passes.
pub(super) fn decided(
    plugin: &Plugin,
    outcomes: impl Iterator<Item = Outcome>,
    policy: Rc<str>,
) -> Result<Passed, Refusal> {
    match Verdict::of(outcomes) {
        Verdict::Allowed(Some(tightest)) => Ok(Passed::Limited { tightest, policy }),
        Verdict::Allowed(None) => Ok(Passed::Unlimited),
        Verdict::Denied(denial) => {
            let violated = denial.violated.iter();
            violated.for_each(|limit| plugin.metrics.denied(limit));
            Err(Refusal::Denied(denial))
        }
    }
}

pub(super) fn refused_uncounted(plugin: &Plugin, uncounted: &Uncounted) -> Refusal {
    if let Uncounted::Host(failure) = uncounted {
        error!("a request could not be counted: {failure}");
    }
    plugin.metrics.conflict();
    Refusal::Uncounted
}
