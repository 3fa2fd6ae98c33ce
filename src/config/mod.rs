//! The plugin configuration: JSON in, a checked [`Config`] or every error out.
//!
//! Raw JSON never leaves this folder. What stands in a [`Config`] cannot be
//! wrong: names resolve, numbers fit, the last route takes every request.

mod callers;
mod clients;
mod error;
mod feedback;
mod json;
mod limits;
mod listed;
mod matching;
mod name;
mod object;
mod plan_from;
mod plan_names;
mod redis;
mod routes;
mod sources;
mod status;
mod units;
mod value;
mod warnings;

pub use error::ConfigError;
pub use warnings::Warning;

use std::num::NonZeroU32;
use std::rc::Rc;

use error::Errors;
use json::{quoted, Json};
use limits::{Defaults, Limits, NamedLimit};
use matching::Variables;
use name::all_of;
use object::Object;
use plan_names::PlanNames;
use redis::Redis;
use siphasher::sip::SipHasher13;
use sources::Sources;
use value::Value;

use crate::client::{ClientFrom, Clients, Missing, PlanFrom};
use crate::feedback::Feedback;
use crate::limit::{Limit, Mode};
use crate::redis::{FailurePolicy, Settings};
use crate::route::{Routes, StatusPath};
use crate::secret::Secret;
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
    /// Where a client may ask where it stands.
    pub status: Option<StatusPath>,
    /// The clients that the operator has listed.
    pub clients: Clients,
    /// Where the plan of any other client may stand.
    pub plan_from: PlanFrom,
    /// What a client is told.
    pub feedback: Feedback,
    /// How Redis is reached, where some limit is counted in it.
    pub redis: Option<Settings>,
    /// What client ids are hashed with before they leave the filter.
    pub hash_secret: Option<Secret>,
    /// Whether some limit is in tag mode.
    pub has_tags: bool,
    /// Whether some limit follows the calendar.
    pub has_quotas: bool,
    /// What an operator should look at twice.
    pub warnings: Vec<Warning>,
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
        let version = SipHasher13::new().hash(text);
        let config = read_json(text, &errors).and_then(|json| read(&json, version, &errors));
        let errors = errors.into_vec();
        match config {
            Some(config) if errors.is_empty() => Ok(config),
            _ => Err(errors),
        }
    }

    /// What it holds, in one line.
    pub fn summary(&self) -> String {
        let count = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        let limits = count(self.limits.len(), "limit");
        let routes = count(self.routes.iter().count(), "route");
        let entries = self.layout.entries();
        let redis = self.redis.as_ref();
        let redis = redis.map(|redis| format!(", Redis through {}", redis.upstream));
        let redis = redis.unwrap_or_default();
        format!("{limits}, {routes}, a table of {entries} entries{redis}")
    }
}

fn read_json(text: &[u8], errors: &Errors) -> Option<Json> {
    const EXPECTED: &str = "a JSON object";
    let found = match text.trim_ascii_start() {
        [] => "nothing".to_owned(),
        [b'{' | b'[', ..] => match serde_json::from_slice(text) {
            Ok(json) => return Some(json),
            Err(error) => format!("an error in it: {error}"),
        },
        [0xef, 0xbb, 0xbf, ..] => "a byte order mark before it".to_owned(),
        // A protobuf message begins with the tag of a field.
        [0..0x20 | 0x80.., ..] => "binary data (Envoy takes the text in a StringValue)".to_owned(),
        other => {
            let line = other
                .split(|byte| *byte == b'\n')
                .next()
                .unwrap_or_default();
            format!(
                "text that begins with {}",
                quoted(&String::from_utf8_lossy(line))
            )
        }
    };
    errors.unexpected("", EXPECTED, found);
    None
}

/// Reads the whole configuration. `version` stands for its text.
fn read(json: &Json, version: u64, errors: &Errors) -> Option<Config> {
    let top = Value::new(json, String::new(), errors).object("a JSON object")?;
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
    let hash_secret = match top.optional("hash_secret") {
        Some(secret) => secret.secret().map(Some),
        None => Some(None),
    };
    let redis_value = top.optional("redis");
    let redis = redis_value.as_ref().map(redis::read);
    let clients = top.optional("clients");

    let mut sources = Sources::new(clients.is_some(), errors);
    let limits = read_limits(&top, redis.as_ref(), version, &mut sources);
    let mut variables = Variables::default();
    let routes = match top.optional("routes") {
        Some(value) => routes::read(&value, &limits, &mut variables),
        None => routes::default(&top, &limits),
    };
    let status = match top.optional("status") {
        Some(value) => status::read(&value, &limits, routes.as_ref()).map(Some),
        None => Some(None),
    };
    let plans = PlanNames::read(top.optional("plans").as_ref());
    let clients = clients.map_or_else(
        || Some(Clients::default()),
        |clients| clients::read(&clients, &sources, &plans),
    );
    let plan_from = plan_from::read(&top, &plans);
    sources.refuse_dangling(&variables);
    top.finish();

    let routes = routes?;
    let redis = match redis {
        Some(redis) => Some(redis?.settings?),
        None => None,
    };
    let variants = || limits.sound.iter().flat_map(NamedLimit::variants);
    let has_tags = variants().any(|limit| limit.mode == Mode::Tag);
    let has_quotas = variants().any(|limit| limit.is_quota());
    Some(Config {
        warnings: warnings::of(&limits, redis.is_some(), &routes),
        redis: redis.filter(|_| !limits.cluster.is_empty()),
        hash_secret: hash_secret?,
        namespace: namespace?.into(),
        layout: Layout::for_entries(max_entries?),
        has_tags,
        has_quotas,
        limits: limits.sound.into_iter().map(|named| named.limit).collect(),
        routes,
        status: status?,
        clients: clients?,
        plan_from: plan_from?,
        feedback: feedback?,
    })
}

fn read_limits(
    top: &Object<'_>,
    redis: Option<&Option<Redis<'_>>>,
    version: u64,
    sources: &mut Sources<'_>,
) -> Limits {
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
    let gateways = gateways(top, redis);
    let defaults = Defaults {
        client_from: client_from
            .as_ref()
            .and_then(|value| sources.at_the_top(value))
            .zip(missing)
            .map(|(sources, missing)| Rc::new(ClientFrom { sources, missing })),
        gateways: gateways
            .as_ref()
            .and_then(|value| value.whole_number(1..=u32::MAX))
            .and_then(NonZeroU32::new),
        on_failure: match redis {
            Some(redis) => redis.as_ref().and_then(|redis| redis.on_failure),
            None => None,
        },
        version,
    };
    let Some(limits) = top.required("limits", "an object of limits by name") else {
        return Limits::default();
    };
    let plans = top.optional("plans");
    let mut limits = limits::read(&limits, plans.as_ref(), &defaults, sources);

    let names = |limits: &[Box<str>]| all_of(limits.iter().map(|name| &**name));
    if !limits.without_sources.is_empty() {
        if client_from.is_none() {
            let names = names(&limits.without_sources);
            let expected = format!("a list of sources, for limits without their own: {names}");
            top.missing("client_from", expected);
            sources.lack_those_at_the_top();
        }
    } else if let (Some(unused), []) = (missing_value, limits.faulty.as_slice()) {
        let expected = "a limit without sources of its own, which would use this";
        unused.unexpected_names::<()>(expected, "none");
    }
    if redis.is_none() && !limits.cluster.is_empty() {
        let names = names(&limits.cluster);
        top.missing(
            "redis",
            format!("how Redis is reached, which counts {names}"),
        );
    }
    limits.unused_gateways = gateways.is_some() && !limits.are_divided(defaults.on_failure);
    if gateways.is_none() {
        if !limits.shared.is_empty() {
            let names = names(&limits.shared);
            top.missing(
                "gateways",
                format!("the number of gateways that share {names}"),
            );
        } else if let Some(FailurePolicy::Local) =
            defaults.on_failure.filter(|_| !limits.cluster.is_empty())
        {
            let names = names(&limits.cluster);
            top.missing(
                "gateways",
                format!(
                    "the number of gateways, each of which enforces its share of {names} while \
                     Redis does not answer (or an \"on_failure\" other than \"local\")"
                ),
            );
        }
    }
    limits
}

/// `gateways`, which stands at the top or in `redis`.
fn gateways<'a>(top: &Object<'a>, redis: Option<&Option<Redis<'a>>>) -> Option<Value<'a>> {
    let at_the_top = top.optional("gateways");
    let in_redis = redis
        .and_then(Option::as_ref)
        .and_then(|redis| redis.gateways.clone());
    if let (Some(_), Some(again)) = (&at_the_top, &in_redis) {
        again.unexpected_names::<()>("gateways at the top or here", "both");
    }
    at_the_top.or(in_redis)
}
