//! The fields of a limit, as they stand in the configuration.

use crate::config::json::quoted;
use crate::config::name::one_of;
use crate::config::object::Object;
use crate::config::value::Value;

/// A limit's own fields, or those with a plan's laid over them.
pub(super) struct Fields<'a> {
    /// The limit itself, for what is wrong with it as a whole.
    pub(super) whole: Value<'a>,
    /// The names of all its fields.
    pub(super) found: String,
    pub(super) rate: Option<Value<'a>>,
    pub(super) burst: Option<Value<'a>>,
    pub(super) quota: Option<Value<'a>>,
    pub(super) per: Option<Value<'a>>,
    pub(super) offset: Option<Value<'a>>,
    pub(super) concurrency: Option<Value<'a>>,
    pub(super) timeout: Option<Value<'a>>,
    pub(super) unit: Option<Value<'a>>,
    pub(super) scope: Option<Value<'a>>,
    pub(super) consistency: Option<Value<'a>>,
    pub(super) mode: Option<Value<'a>>,
}

/// Where a limit is to be counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Local,
    Share,
    Cluster,
}

/// What tells the kinds of limits apart.
const KINDS: [&str; 3] = ["rate", "quota", "concurrency"];

// === impl Fields ===

impl<'a> Fields<'a> {
    /// All fields of a limit but the sources of its clients' ids.
    pub(super) fn of(object: &Object<'a>, whole: &Value<'a>) -> Self {
        Self {
            whole: whole.clone(),
            found: object.found(),
            rate: object.optional("rate"),
            burst: object.optional("burst"),
            quota: object.optional("quota"),
            per: object.optional("per"),
            offset: object.optional("offset"),
            concurrency: object.optional("concurrency"),
            timeout: object.optional("timeout"),
            unit: object.optional("unit"),
            scope: object.optional("scope"),
            consistency: object.optional("consistency"),
            mode: object.optional("mode"),
        }
    }

    /// These fields with those of a plan laid over them; `None` where the plan
    /// would make another kind of limit of it. A plan changes how much a limit
    /// allows, not what it limits.
    pub(super) fn overlaid(&self, plan: &Object<'a>) -> Option<Self> {
        let over = |name, own: &Option<Value<'a>>| plan.optional(name).or_else(|| own.clone());
        let fields = Self {
            // What a plan cannot change is wrong with the limit.
            whole: self.whole.clone(),
            found: self.found.clone(),
            rate: over("rate", &self.rate),
            burst: over("burst", &self.burst),
            quota: over("quota", &self.quota),
            per: self.per.clone(),
            offset: self.offset.clone(),
            concurrency: over("concurrency", &self.concurrency),
            timeout: self.timeout.clone(),
            unit: self.unit.clone(),
            scope: self.scope.clone(),
            consistency: self.consistency.clone(),
            mode: over("mode", &self.mode),
        };
        let own = || {
            let own = KINDS.iter().zip(self.kinds());
            own.filter(|(_, value)| value.is_some())
                .map(|(kind, _)| *kind)
        };
        let mut given = KINDS
            .into_iter()
            .filter_map(|kind| Some((kind, plan.optional(kind)?)));
        match given.find(|(kind, _)| !own().any(|own| own == *kind)) {
            Some((kind, value)) if own().next().is_some() => {
                let expected = format!("a change of the limit's own {}", one_of(own()));
                value.unexpected_names(expected, format!("another kind, {}", quoted(kind)))
            }
            _ => Some(fields),
        }
    }

    /// Notes a field that goes with another kind.
    pub(super) fn refuse_stray(&self) {
        let stray = [
            (&self.burst, self.rate.is_none(), "a \"rate\" beside it"),
            (&self.per, self.quota.is_none(), "a \"quota\" beside it"),
            (&self.offset, self.quota.is_none(), "a \"quota\" beside it"),
            (
                &self.timeout,
                self.concurrency.is_none(),
                "a \"concurrency\" beside it",
            ),
        ];
        for (field, is_stray, expected) in stray {
            if let (Some(field), true) = (field, is_stray) {
                field.unexpected_names::<()>(expected, "none");
            }
        }
    }

    /// Where it is to be counted; `None` where that is wrong.
    pub(super) fn counted(&self) -> Option<Counted> {
        let Some(scope) = &self.scope else {
            return Some(Counted::Local);
        };
        scope.choice(&[
            ("local", Counted::Local),
            ("share", Counted::Share),
            ("cluster", Counted::Cluster),
        ])
    }

    /// `rate`, `quota` and `concurrency`, of which a limit has one.
    pub(super) fn kinds(&self) -> [&Option<Value<'a>>; 3] {
        [&self.rate, &self.quota, &self.concurrency]
    }
}
