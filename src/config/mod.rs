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
mod tokens;
mod units;
mod value;
mod warnings;

pub use error::ConfigError;
pub use warnings::Warning;

use std::num::NonZeroU32;
use std::rc::Rc;

use error::Errors;
use json::{quoted, Json};
use limits::NamedLimit;
use matching::Variables;
use object::Object;
use plan_names::PlanNames;
use siphasher::sip::SipHasher13;
use sources::Sources;
use value::Value;

use crate::client::{ClientFrom, Clients, PlanFrom};
use crate::feedback::Feedback;
use crate::limit::{Limit, Mode};
use crate::redis::Settings;
use crate::request::Request;
use crate::route::{Route, Routes, StatusPath};
use crate::secret::Secret;
use crate::table::{Layout, MAX_ENTRIES};
use crate::tokens::Policy;

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
    /// The names of the plans, each at its own index.
    pub plans: Vec<Rc<str>>,
    /// The sources that say who calls, and so whose plan it is.
    pub caller: Option<Rc<ClientFrom>>,
    /// The clients that the operator has listed.
    pub clients: Clients,
    /// Where the plan of any other client may stand.
    pub plan_from: PlanFrom,
    /// What a client is told, where its route does not say otherwise.
    pub feedback: Rc<Feedback>,
    /// How Redis is reached, where some limit is counted in it.
    pub redis: Option<Settings>,
    /// What client ids are hashed with before they leave the filter.
    pub hash_secret: Option<Secret>,
    /// Whether the access log is told who calls.
    pub log_client: bool,
    /// Whether some limit is in tag mode.
    pub has_tags: bool,
    /// Whether this gateway counts some limit by the calendar.
    pub needs_wall_clock: bool,
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

    /// Whether a request on this route is decided on once its body is read: only it
    /// names the client, or the operator wants one decision on all of it.
    pub(crate) fn waits_for_body<R: Request>(&self, route: &Route, request: &R) -> bool {
        let held = route.tokens.as_ref().filter(|tokens| tokens.hold);
        let is_short = |tokens: &Rc<Policy>| {
            let length = request.body_length();
            length.is_some_and(|length| length <= tokens.max_body.get().into())
        };
        let names_caller = || {
            let is_wanted = !self.plans.is_empty() || self.log_client;
            let caller = self.caller.as_ref().filter(|_| is_wanted);
            caller.is_some_and(|caller| caller.is_in_body()) && !route.is_unlimited()
        };
        route.tiers.own.needs_body || held.is_some_and(is_short) || names_caller()
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
        Some(value) => feedback::read(&value, &Feedback::default()),
        None => Some(Feedback::default()),
    };
    let feedback = feedback.map(Rc::new);
    let hash_secret = match top.optional("hash_secret") {
        Some(secret) => secret.secret().map(Some),
        None => Some(None),
    };
    let redis_value = top.optional("redis");
    let redis = redis_value.as_ref().map(redis::read);
    let clients = top.optional("clients");

    let mut sources = Sources::new(clients.is_some(), errors);
    let (caller, limits) = limits::read(&top, redis.as_ref(), version, &mut sources);
    let log_client = match top.optional("log_client") {
        Some(value) => read_log_client(&value, &top, &sources),
        None => Some(false),
    };
    let mut variables = Variables::default();
    let routes = match top.optional("routes") {
        Some(value) => routes::read(&value, &limits, feedback.as_ref(), &mut variables),
        None => routes::default(&top, &limits, feedback.as_ref()),
    };
    let status = match top.optional("status") {
        Some(value) => status::read(&value, &limits, routes.as_ref()).map(Some),
        None => Some(None),
    };
    let plans = PlanNames::of(limits.plans.as_deref());
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
    let needs_wall_clock = variants().any(|limit| limit.needs_wall_clock());
    let mut config = Config {
        warnings: Vec::new(),
        redis,
        hash_secret: hash_secret?,
        log_client: log_client?,
        namespace: namespace?.into(),
        layout: Layout::for_entries(max_entries?),
        has_tags,
        needs_wall_clock,
        plans: limits.plans.clone()?,
        caller,
        limits: limits.limits().cloned().collect(),
        routes,
        status: status?,
        clients: clients?,
        plan_from: plan_from?,
        feedback: feedback?,
    };
    config.warnings = warnings::of(&limits, &config);
    if limits.cluster.is_empty() {
        config.redis = None;
    }
    Some(config)
}

/// Reads `log_client`. Where nothing says who calls, there is nobody to log.
fn read_log_client(value: &Value<'_>, top: &Object<'_>, sources: &Sources<'_>) -> Option<bool> {
    let log_client = value.bool()?;
    let has_caller = top.optional("client_from").is_some() || sources.callers().are_faulty();
    if log_client && !has_caller {
        return value.unexpected("\"client_from\" at the top, which says who the client is");
    }
    Some(log_client)
}
