//! The plugin configuration: JSON in, a checked [`Config`] or every error out.
//!
//! Raw JSON never leaves this folder. What stands in a [`Config`] cannot be
//! wrong: names resolve, numbers fit, the last route takes every request.

mod clients;
mod error;
mod feedback;
mod json;
mod limits;
mod matching;
mod name;
mod object;
mod routes;
mod sources;
mod units;
mod value;

pub use error::ConfigError;

use std::fmt;
use std::num::NonZeroU32;
use std::rc::Rc;

use error::Errors;
use json::Json;
use limits::{Defaults, Limits};
use matching::Variables;
use name::all_of;
use object::Object;
use sources::Sources;
use value::Value;

use crate::client::{ClientFrom, KnownClients, Missing};
use crate::feedback::Feedback;
use crate::limit::Limit;
use crate::route::Routes;
use crate::table::{Layout, MAX_ENTRIES};

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// Keeps apart the state of plugins that share one store.
    pub namespace: Box<str>,
    /// The size of the table.
    pub layout: Layout,
    /// Every limit, each at its own index.
    pub limits: Vec<Rc<Limit>>,
    /// The routes.
    pub routes: Routes,
    /// The ids the operator has listed.
    pub known: KnownClients,
    /// What a client is told.
    pub feedback: Feedback,
}

/// What a sound configuration may still not mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// There are limited routes, but the last one is free.
    FreeLastRoute,
}

/// Entries of the table where `max_entries` is left out.
const DEFAULT_MAX_ENTRIES: u32 = 65_536;

// === impl Config ===

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Every error of the text, in its order; one only where it is no JSON.
    pub fn parse(text: &[u8]) -> Result<Self, Vec<ConfigError>> {
        let errors = Errors::default();
        let config = read_json(text, &errors).and_then(|json| read(&json, &errors));
        let errors = errors.into_vec();
        match config {
            Some(config) if errors.is_empty() => Ok(config),
            _ => Err(errors),
        }
    }

    /// What an operator should look at twice.
    pub fn warnings(&self) -> impl Iterator<Item = Warning> {
        let free_last = self.routes.last().is_unlimited();
        let some_limited = self.routes.iter().any(|route| !route.is_unlimited());
        (free_last && some_limited)
            .then_some(Warning::FreeLastRoute)
            .into_iter()
    }
}

// === impl Warning ===

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FreeLastRoute => f.write_str(
                "routes: the last one has no limits, so a path that servers read differently, \
                 such as /v1%2Fchat, meets none",
            ),
        }
    }
}

fn read_json(text: &[u8], errors: &Errors) -> Option<Json> {
    if text.trim_ascii().is_empty() {
        errors.unexpected("", "a JSON object", "nothing");
        return None;
    }
    match serde_json::from_slice(text) {
        Ok(json) => Some(json),
        Err(error) => {
            errors.unexpected("", "JSON", error.to_string());
            None
        }
    }
}

fn read(json: &Json, errors: &Errors) -> Option<Config> {
    let top = Value::new(json, String::new(), errors).object("a JSON object")?;
    top.later(&["plans", "plan_from", "redis", "status", "hash_secret"]);
    let namespace = match top.optional("namespace") {
        Some(namespace) => namespace.name(),
        None => Some("default"),
    };
    let max_entries = match top.optional("max_entries") {
        Some(entries) => entries
            .whole_number(1..=MAX_ENTRIES)
            .and_then(NonZeroU32::new),
        None => NonZeroU32::new(DEFAULT_MAX_ENTRIES),
    };
    let feedback = match top.optional("feedback") {
        Some(value) => feedback::read(&value),
        None => Some(Feedback::default()),
    };
    let clients = top.optional("clients");
    let known = clients.as_ref().and_then(clients::read);

    let mut sources = Sources::new(clients.is_some(), errors);
    let limits = read_limits(&top, &mut sources);
    let mut variables = Variables::default();
    let routes = match top.optional("routes") {
        Some(value) => routes::read(&value, &limits, &mut variables),
        None => routes::default(&top, &limits),
    };
    sources.refuse_dangling(&variables);
    top.finish();

    Some(Config {
        namespace: namespace?.into(),
        layout: Layout::for_entries(max_entries?),
        limits: limits.sound.into_iter().map(|named| named.limit).collect(),
        routes: routes?,
        known: known.unwrap_or_default(),
        feedback: feedback?,
    })
}

fn read_limits(top: &Object<'_>, sources: &mut Sources<'_>) -> Limits {
    let missing_value = top.optional("missing");
    let missing = match &missing_value {
        Some(missing) => missing.choice(&[
            ("shared", Some(Missing::Shared)),
            ("deny", Some(Missing::Deny)),
            ("unlimited", Some(Missing::Unlimited)),
        ]),
        None => Some(Missing::Shared),
    };
    let client_from = top.optional("client_from");
    let gateways = top.optional("gateways");
    let defaults = Defaults {
        client_from: client_from
            .as_ref()
            .and_then(|value| sources.list(value))
            .zip(missing)
            .map(|(sources, missing)| Rc::new(ClientFrom { sources, missing })),
        gateways: gateways
            .as_ref()
            .and_then(|value| value.whole_number(1..=u32::MAX))
            .and_then(NonZeroU32::new),
    };
    let Some(limits) = top.required("limits", "an object of limits by name") else {
        return Limits::default();
    };
    let limits = limits::read(&limits, &defaults, sources);

    let names = |limits: &[Box<str>]| all_of(limits.iter().map(|name| &**name));
    if !limits.without_sources.is_empty() {
        if client_from.is_none() {
            let names = names(&limits.without_sources);
            let expected = format!("a list of sources, for limits without their own: {names}");
            top.missing("client_from", expected);
        }
    } else if let (Some(unused), []) = (missing_value, limits.faulty.as_slice()) {
        let expected = "a limit without sources of its own, which would use this";
        unused.unexpected_names::<()>(expected, "none");
    }
    if gateways.is_none() && !limits.shared.is_empty() {
        let names = names(&limits.shared);
        top.missing(
            "gateways",
            format!("the number of gateways that share {names}"),
        );
    }
    limits
}
