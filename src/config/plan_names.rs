//! The names of `plans`, which clients and sources of plans choose from.

use std::collections::BTreeMap;

use super::name::one_of;
use super::value::Value;
use crate::client::PlanIndex;

/// The names of all plans, those of faulty ones among them.
pub(super) struct PlanNames<'a>(Option<BTreeMap<&'a str, PlanIndex>>);

// === impl PlanNames ===

impl<'a> PlanNames<'a> {
    /// Reads the names of `plans`, and nothing else of it.
    pub(super) fn read(plans: Option<&Value<'a>>) -> Self {
        let Some(plans) = plans else {
            return Self(Some(BTreeMap::new()));
        };
        let object = plans.object("an object of plans by name");
        Self(object.map(|object| {
            let names = object.members().map(|(name, _)| name);
            let indices = (0..).map(PlanIndex);
            names.zip(indices).collect()
        }))
    }

    /// Whether there are none to choose from.
    pub(super) fn are_none(&self) -> bool {
        self.0.as_ref().is_some_and(BTreeMap::is_empty)
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
