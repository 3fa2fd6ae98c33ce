//! The names of `plans`, which clients and sources of plans choose from.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::name::one_of;
use super::value::Value;
use crate::client::PlanIndex;

/// The names of all plans, those of faulty ones among them.
pub(super) struct PlanNames<'a>(Option<BTreeMap<&'a str, PlanIndex>>);

// === impl PlanNames ===

impl<'a> PlanNames<'a> {
    /// These names, in the order of `plans`; `None` where that cannot be read.
    pub(super) fn of(names: Option<&'a [Rc<str>]>) -> Self {
        let indices = (0..).map(PlanIndex);
        let named = names.map(|names| names.iter().map(|name| &**name).zip(indices));
        Self(named.map(Iterator::collect))
    }

    /// Whether there are none to choose from.
    pub(super) fn are_none(&self) -> bool {
        self.0.as_ref().is_some_and(BTreeMap::is_empty)
    }

    /// The plan of this name.
    pub(super) fn index(&self, name: &str) -> Option<PlanIndex> {
        self.0.as_ref()?.get(name).copied()
    }

    /// The plan that a value names.
    pub(super) fn find(&self, value: &Value<'_>) -> Option<PlanIndex> {
        let name = value.string("the name of a plan")?;
        let names = self.0.as_ref()?;
        match names.get(name) {
            Some(index) => Some(*index),
            None if names.is_empty() => {
                value.unexpected("the name of a plan, but there is no \"plans\" at the top")
            }
            None => {
                let all = one_of(names.keys().copied());
                value.unexpected(format!("the name of a plan: {all}"))
            }
        }
    }
}
