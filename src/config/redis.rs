//! `redis`: how Redis is reached, and what decides where it is not.

use std::num::{NonZeroU32, NonZeroU64};

use super::object::Object;
use super::units;
use super::value::Value;
use crate::redis::{BreakerSettings, Bridge, Credentials, FailurePolicy, Settings};

/// What stands under `redis`.
pub(super) struct Redis<'a> {
    /// `None` where there is an error in it.
    pub(super) settings: Option<Settings>,
    /// Its `gateways`, which may stand at the top as well.
    pub(super) gateways: Option<Value<'a>>,
    /// `None` where it is wrong.
    pub(super) on_failure: Option<FailurePolicy>,
}

const MILLISECOND: u64 = 1_000_000;
const DEFAULT_TIMEOUT: u64 = 50 * MILLISECOND;
const DEFAULT_FAILURES: u32 = 5;
const DEFAULT_COOLDOWN: u64 = 1_000 * MILLISECOND;

/// Reads `redis`.
pub(super) fn read<'a>(value: &Value<'a>) -> Option<Redis<'a>> {
    let object = value.object(
        "an object, such as {\"upstream\": \"tollgate_redis\", \"bridge\": \"upstash\", \"gateways\": 2}",
    )?;
    let upstream = object
        .required("upstream", UPSTREAM)
        .and_then(|upstream| read_upstream(&upstream));
    let bridge = object
        .required("bridge", "\"upstash\" or \"webdis\"")
        .and_then(|bridge| {
            bridge.choice(&[("upstash", Bridge::Upstash), ("webdis", Bridge::Webdis)])
        });
    let authority = match object.optional("authority") {
        Some(authority) => read_authority(&authority),
        None if upstream.is_some_and(|name| !is_host(name)) => {
            object.missing("authority", "a host, since the upstream's name is none");
            None
        }
        None => upstream,
    };
    let path = match object.optional("path") {
        Some(path) => read_path(&path),
        None => Some("/"),
    };
    let credentials = read_credentials(&object);
    let timeout = duration(&object, "timeout", DEFAULT_TIMEOUT, LONGEST_TIMEOUT);
    let on_failure = match object.optional("on_failure") {
        Some(policy) => policy.choice(&[
            ("local", FailurePolicy::Local),
            ("allow", FailurePolicy::Allow),
            ("deny", FailurePolicy::Deny),
        ]),
        None => Some(FailurePolicy::Local),
    };
    let breaker = match object.optional("breaker") {
        Some(breaker) => read_breaker(&breaker),
        None => Some(DEFAULT_BREAKER),
    };
    let gateways = object.optional("gateways");
    object.finish();
    let settings = || {
        Some(Settings {
            upstream: upstream?.into(),
            bridge: bridge?,
            authority: authority?.into(),
            path: path?.into(),
            credentials: credentials?,
            timeout: timeout?,
            on_failure: on_failure?,
            breaker: breaker?,
        })
    };
    Some(Redis {
        settings: settings(),
        gateways,
        on_failure,
    })
}

/// A request that waits longer is no better off than one that is refused.
const LONGEST_TIMEOUT: u64 = 60_000 * MILLISECOND;

/// After an hour without a single try, nobody would know that it recovered.
const LONGEST_COOLDOWN: u64 = 3_600_000 * MILLISECOND;

const DEFAULT_BREAKER: BreakerSettings = BreakerSettings {
    failures: NonZeroU32::MIN.saturating_add(DEFAULT_FAILURES - 1),
    cooldown: NonZeroU64::MIN.saturating_add(DEFAULT_COOLDOWN - 1),
};

fn read_breaker(value: &Value<'_>) -> Option<BreakerSettings> {
    let object = value.object("an object, such as {\"failures\": 5, \"cooldown\": \"1s\"}")?;
    let failures = match object.optional("failures") {
        Some(failures) => failures
            .whole_number(1..=u32::MAX)
            .and_then(NonZeroU32::new),
        None => Some(DEFAULT_BREAKER.failures),
    };
    let cooldown = duration(&object, "cooldown", DEFAULT_COOLDOWN, LONGEST_COOLDOWN);
    object.finish();
    Some(BreakerSettings {
        failures: failures?,
        cooldown: cooldown?,
    })
}

/// `None` where they are wrong, `Some(None)` where there are none.
fn read_credentials(object: &Object<'_>) -> Option<Option<Credentials>> {
    let token = object.optional("token");
    let user = object.optional("user");
    let password = object.optional("password");
    match (token, user, password) {
        (None, None, None) => Some(None),
        (Some(token), None, None) => Some(Some(Credentials::Bearer(token.secret()?))),
        (None, Some(user), Some(password)) => {
            let name = user.text(USER);
            let name = match name {
                // What follows the colon may be the password.
                Some(name) if name.contains(':') => user.unexpected_names(USER, "one with a colon"),
                name => name,
            };
            let password = password.secret();
            Some(Some(Credentials::Basic {
                user: name?.into(),
                password: password?,
            }))
        }
        (None, Some(_), None) => {
            object.missing("password", "the password that goes with the user");
            None
        }
        (None, None, Some(_)) => {
            object.missing("user", "the user that the password belongs to");
            None
        }
        (Some(token), _, _) => {
            token.unexpected_names("a token alone, or a user and a password", "both")
        }
    }
}

const USER: &str = "a user's name without a colon";

const UPSTREAM: &str = "the name of the bridge's Envoy cluster, such as \"tollgate_redis\"";

/// A URL may hold a password, and is not shown.
fn read_upstream<'a>(value: &Value<'a>) -> Option<&'a str> {
    let name = value.text(UPSTREAM)?;
    if name.contains("://") {
        return value.unexpected_names(UPSTREAM, "a URL");
    }
    Some(name)
}

fn is_host(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
    name.chars().all(plain)
}

/// What stands in a header, and so holds no space; a URL, which may hold a
/// password, is not shown.
fn read_authority<'a>(value: &Value<'a>) -> Option<&'a str> {
    const AUTHORITY: &str =
        "a host, with a port where it has one of its own, such as \"eu1-example.upstash.io\"";
    let authority = value.text(AUTHORITY)?;
    if authority.contains('/') || authority.contains('@') {
        return value.unexpected_names(AUTHORITY, "a URL");
    }
    if !authority.bytes().all(|byte| byte.is_ascii_graphic()) {
        return value.unexpected(AUTHORITY);
    }
    Some(authority)
}

fn read_path<'a>(value: &Value<'a>) -> Option<&'a str> {
    const PATH: &str = "a path that begins with a slash and has no spaces, such as \"/\"";
    let path = value.text(PATH)?;
    if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return value.unexpected(PATH);
    }
    Some(path)
}

fn duration(
    object: &Object<'_>,
    name: &'static str,
    default: u64,
    longest: u64,
) -> Option<NonZeroU64> {
    let Some(value) = object.optional(name) else {
        return NonZeroU64::new(default);
    };
    let expected = format!(
        "a duration from \"1ms\" to \"{}s\"",
        longest / 1_000 / MILLISECOND
    );
    let duration = units::duration(value.string(&expected)?);
    match duration.filter(|duration| duration.get() <= longest) {
        Some(duration) => Some(duration),
        None => value.unexpected(expected),
    }
}
