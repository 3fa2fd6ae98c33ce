//! `client_from`: the sources of a client's id.

use super::callers::Callers;
use super::error::Errors;
use super::json::quoted;
use super::matching::Variables;
use super::name::one_of;
use super::object::Object;
use super::value::Value;
use crate::client::{Credential, CredentialPlace, Prefixes, Source, MODEL};
use crate::request::AttributePath;

/// Reads sources, and remembers what they name elsewhere in the configuration.
pub(super) struct Sources<'a> {
    /// Whether the operator has listed clients.
    clients_listed: bool,
    errors: &'a Errors,
    /// Whether some source asks for listed clients only.
    any_known: bool,
    /// Those that find who calls.
    callers: Callers,
    path_params: Vec<(String, Box<str>)>,
}

const KINDS: [&str; 10] = [
    "header",
    "query",
    "cookie",
    "ip",
    "jwt_claim",
    "property",
    "path_param",
    "constant",
    "body",
    "all",
];

/// What a `property` is, for error messages.
pub(super) const PROPERTY: &str =
    "a list of names, such as [\"connection\", \"uri_san_peer_certificate\"]";

// === impl Sources ===

impl<'a> Sources<'a> {
    pub(super) fn new(clients_listed: bool, errors: &'a Errors) -> Self {
        Self {
            clients_listed,
            errors,
            any_known: false,
            callers: Callers::default(),
            path_params: Vec::new(),
        }
    }

    /// Reads a list of sources, at least one.
    pub(super) fn list(&mut self, value: &Value<'_>) -> Option<Vec<Source>> {
        let items =
            value.filled_list("a list of sources, such as [{\"header\": \"x-api-key\"}]")?;
        let sources: Vec<Option<Source>> = items.iter().map(|item| self.source(item)).collect();
        sources.into_iter().collect()
    }

    /// Reads the sources at the top. They find who calls, also where the limits
    /// have sources of their own.
    pub(super) fn at_the_top(&mut self, value: &Value<'_>) -> Option<Vec<Source>> {
        let sources = self.list(value);
        self.callers = Callers::of(sources.as_deref());
        sources
    }

    /// The sources at the top are needed and left out, which is an error of its
    /// own: what else lacks them is none.
    pub(super) fn lack_those_at_the_top(&mut self) {
        self.callers = Callers::of(None);
    }

    /// The ids that the sources at the top can yield.
    pub(super) fn callers(&self) -> &Callers {
        &self.callers
    }

    /// Whether some source asks for listed clients only.
    pub(super) fn any_known(&self) -> bool {
        self.any_known
    }

    /// Notes every `path_param` that no route's path template has.
    pub(super) fn refuse_dangling(self, variables: &Variables) {
        if variables.incomplete {
            return;
        }
        for (path, name) in self.path_params {
            if !variables.names.contains(&name) {
                let expected = "a variable of some route's path template";
                self.errors.unexpected(&path, expected, quoted(&name));
            }
        }
    }

    fn source(&mut self, value: &Value<'_>) -> Option<Source> {
        let expected = "a source, such as {\"header\": \"x-api-key\"} or {\"ip\": {}}";
        let object = value.object(expected)?;
        let mut given = KINDS
            .into_iter()
            .filter_map(|kind| Some((kind, object.optional(kind)?)));
        let source = match (given.next(), given.next()) {
            (Some((kind, field)), None) => self.of_kind(kind, &field, &object),
            _ => {
                let expected = format!("exactly one of the fields {}", one_of(KINDS.into_iter()));
                return value.unexpected_names(expected, object.found());
            }
        };
        object.finish();
        source
    }

    fn of_kind(&mut self, kind: &str, field: &Value<'_>, object: &Object<'_>) -> Option<Source> {
        match kind {
            "header" => self.credential(object, read_header(field, object)),
            "query" => {
                let name = field.text("the name of a query parameter");
                self.credential(object, name.map(|name| CredentialPlace::Query(name.into())))
            }
            "cookie" => {
                let name = read_token(field, "the name of a cookie");
                self.credential(
                    object,
                    name.map(|name| CredentialPlace::Cookie(name.into())),
                )
            }
            "ip" => prefixes(field).map(Source::Ip),
            "jwt_claim" => jwt_claim(object, field),
            "property" => {
                strings(field, PROPERTY).map(|names| Source::Property(AttributePath::new(names)))
            }
            "path_param" => field.text("the name of a path variable").map(|name| {
                self.path_params
                    .push((field.path().to_owned(), name.into()));
                Source::PathParam(name.into())
            }),
            "constant" => field
                .text("a text of at least one character")
                .map(|text| Source::Constant(text.into())),
            "body" => field.choice(&[(MODEL, ())]).map(|()| Source::Model),
            _ => self.list(field).map(Source::All),
        }
    }

    fn credential(
        &mut self,
        object: &Object<'_>,
        place: Option<CredentialPlace>,
    ) -> Option<Source> {
        let known = match object.optional("known") {
            Some(known) => match known.bool().inspect(|known| self.any_known |= known) {
                Some(true) if !self.clients_listed => {
                    known.unexpected("a table \"clients\" at the top that lists the known ids")
                }
                known => known,
            },
            None => Some(false),
        };
        let (place, known) = (place?, known?);
        Some(Source::Credential(Credential { place, known }))
    }
}

fn read_header(field: &Value<'_>, object: &Object<'_>) -> Option<CredentialPlace> {
    let strip = match object.optional("strip") {
        Some(strip) => strip
            .text("a prefix, such as \"Bearer \"")
            .map(|strip| Some(strip.into())),
        None => Some(None),
    };
    let name = read_token(field, "the name of a header, such as \"x-api-key\"").map(header_name);
    Some(CredentialPlace::Header {
        name: name?,
        strip: strip?,
    })
}

/// A header's name as Envoy has it: in lower case, and `:authority` for `host`.
pub(super) fn header_name(name: &str) -> Box<str> {
    let name = name.to_ascii_lowercase();
    if name == "host" {
        ":authority".into()
    } else {
        name.into()
    }
}

/// Whether a text is a token of RFC 9110, as names of headers and cookies are.
pub(super) fn is_token(text: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(token)
}

pub(super) fn read_token<'v>(value: &Value<'v>, expected: &str) -> Option<&'v str> {
    let text = value.string(expected)?;
    if is_token(text) {
        Some(text)
    } else {
        value.unexpected(expected)
    }
}

fn prefixes(value: &Value<'_>) -> Option<Prefixes> {
    let object = value.object("an object, such as {} or {\"ipv6_prefix\": 56}")?;
    let mut prefixes = Prefixes::default();
    let ipv4 = object
        .optional("ipv4_prefix")
        .map(|bits| bits.whole_number(1..=32));
    let ipv6 = object
        .optional("ipv6_prefix")
        .map(|bits| bits.whole_number(1..=128));
    object.finish();
    if let Some(bits) = ipv4 {
        prefixes.ipv4 = u8::try_from(bits?).ok()?;
    }
    if let Some(bits) = ipv6 {
        prefixes.ipv6 = u8::try_from(bits?).ok()?;
    }
    Some(prefixes)
}

/// A claim of a token that Envoy's `jwt_authn` filter has verified, found where
/// its `payload_in_metadata` puts it.
pub(super) fn jwt_claim(object: &Object<'_>, field: &Value<'_>) -> Option<Source> {
    let payload = match object.optional("payload") {
        Some(payload) => payload.text("the name that payload_in_metadata gives"),
        None => Some("jwt_payload"),
    };
    let expected = "a claim, such as \"sub\" or [\"org\", \"id\"]";
    let names = match field.is_list() {
        true => strings(field, expected),
        false => field.text(expected).map(|name| vec![name]),
    };
    let names = names?;
    let place = [
        "metadata",
        "filter_metadata",
        "envoy.filters.http.jwt_authn",
        payload?,
    ];
    Some(Source::JwtClaim {
        claim: names.join("\0").into(),
        attribute: AttributePath::new(place.into_iter().chain(names)),
    })
}

pub(super) fn strings<'v>(value: &Value<'v>, expected: &str) -> Option<Vec<&'v str>> {
    let items = value.filled_list(expected)?;
    let texts: Vec<Option<&str>> = items.iter().map(|item| item.text("a name")).collect();
    texts.into_iter().collect()
}
