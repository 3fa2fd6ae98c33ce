//! `limits`: named, each of one kind.

mod bucket;
mod limit;

use std::num::NonZeroU32;
use std::rc::Rc;

use super::json::quoted;
use super::name::{is_name, NAME};
use super::sources::Sources;
use super::value::Value;
use crate::client::ClientFrom;
use crate::limit::Limit;
use crate::redis::FailurePolicy;

/// A limit with the sources that find its clients.
pub(super) struct NamedLimit {
    pub(super) limit: Rc<Limit>,
    pub(super) client_from: Rc<ClientFrom>,
}

/// The limits of a configuration.
#[derive(Default)]
pub(super) struct Limits {
    /// Those without an error.
    pub(super) sound: Vec<NamedLimit>,
    /// The names of those with one, so that a route may still name them.
    pub(super) faulty: Vec<Box<str>>,
    /// The names of those that find clients by the sources at the top.
    pub(super) without_sources: Vec<Box<str>>,
    /// The names of those that are shared by gateways.
    pub(super) shared: Vec<Box<str>>,
    /// The names of those that are counted in Redis.
    pub(super) cluster: Vec<Box<str>>,
    /// Whether there is a `gateways` that divides none of them.
    pub(super) unused_gateways: bool,
}

/// What stands at the top for all limits; `None` where it is missing or wrong.
pub(super) struct Defaults {
    pub(super) client_from: Option<Rc<ClientFrom>>,
    pub(super) gateways: Option<NonZeroU32>,
    /// What decides where Redis does not.
    pub(super) on_failure: Option<FailurePolicy>,
    /// Stands for the text of the configuration.
    pub(super) version: u64,
}

/// Reads `limits`.
pub(super) fn read(limits: &Value<'_>, defaults: &Defaults, sources: &mut Sources<'_>) -> Limits {
    let expected = "an object of limits by name, such as {\"rpm\": {\"rate\": \"100/m\"}}";
    let mut read = Limits::default();
    let Some(object) = limits.object(expected) else {
        return read;
    };
    for (name, value) in object.members() {
        if !is_name(name) {
            value.unexpected_names::<()>(NAME, quoted(name));
        }
        match limit::read(name, &value, defaults, sources, &mut read) {
            Some(limit) => read.sound.push(limit),
            None => read.faulty.push(name.into()),
        }
    }
    if read.sound.is_empty() && read.faulty.is_empty() {
        limits.unexpected_names::<()>("at least one limit", "none");
    }
    read
}

// === impl Limits ===

impl Limits {
    /// Whether gateways share some limit, or have to where Redis does not answer.
    pub(super) fn are_divided(&self, on_failure: Option<FailurePolicy>) -> bool {
        let falls_back = on_failure.is_none_or(|policy| policy == FailurePolicy::Local);
        !self.shared.is_empty() || falls_back && !self.cluster.is_empty()
    }
}
