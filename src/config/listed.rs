//! The ids of `clients` as an operator writes them: alone, by their hash, or
//! after the kind of source that yields them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::callers::Callers;
use super::clients::Entry;
use super::name::{all_of, one_of};
use super::value::Value;
use crate::client::{ClientId, Digest, Kind, Listed};

/// Reads ids. No error shows one, but for an address: any other may be a secret.
pub(super) struct Reader<'c, 'v> {
    callers: &'c Callers,
    any_known: bool,
    /// What is wrong with `client_from` for some entry: one source left out is
    /// one error, however many entries need it.
    unmatched: Vec<Unmatched<'v>>,
}

/// A kind of source that yields no id, or none that is clear.
struct Unmatched<'v> {
    source: &'static str,
    /// The first entry that needs it.
    place: Value<'v>,
    /// The names of several.
    found: Option<String>,
}

/// What stands before an id that is not the plain one of a header, query or
/// cookie. A plain id that begins so is listed by its hash.
const KINDS: [&str; 11] = [
    "sha256",
    "ip",
    "jwt_claim",
    "property",
    "path_param",
    "constant",
    "all",
    "body",
    "header",
    "query",
    "cookie",
];

const CREDENTIAL: &str = "\"header\", \"query\" or \"cookie\"";

/// The kind and the rest of an id that has a kind before it.
pub(super) fn prefix(id: &str) -> Option<(&str, &str)> {
    id.split_once(':').filter(|(kind, _)| KINDS.contains(kind))
}

/// Whether an id would have a kind before it, were that in lower case: as a plain
/// one it would match nobody, and a client that it blocks be none the wiser.
fn is_misspelt(id: &str) -> bool {
    let kind = id.split_once(':').map(|(kind, _)| kind);
    kind.is_some_and(|found| KINDS.iter().any(|kind| kind.eq_ignore_ascii_case(found)))
}

// === impl Reader ===

impl<'c, 'v> Reader<'c, 'v> {
    pub(super) fn new(callers: &'c Callers, any_known: bool) -> Self {
        Self {
            callers,
            any_known,
            unmatched: Vec::new(),
        }
    }

    /// The client that stands at `place`.
    pub(super) fn client(&mut self, id: &str, place: &Value<'v>, entry: &Entry) -> Option<Listed> {
        let Some((kind, rest)) = prefix(id) else {
            self.need_credentials(place, entry);
            return match id {
                "" => place.unexpected_names("an id of at least one character", "an empty one"),
                id if is_misspelt(id) => place
                    .unexpected_names("the kind of its source in lower case", "another spelling"),
                id => Some(Listed::Credential(id.as_bytes().into())),
            };
        };
        match kind {
            "sha256" => {
                self.need_credentials(place, entry);
                digest(rest, place).map(Listed::Hashed)
            }
            "ip" => self.ip(rest, place).map(Listed::Other),
            "jwt_claim" => self.named(Kind::JwtClaim, "\"jwt_claim\"", rest, place),
            "property" => self.named(Kind::Property, "\"property\"", rest, place),
            "path_param" => self.named(Kind::PathParam, "\"path_param\"", rest, place),
            "constant" => self.constant(rest, place).map(Listed::Other),
            "body" => self.named(Kind::Body, "\"body\"", rest, place),
            "all" => place.unexpected_names(
                "the id that one of the sources in \"all\" yields",
                "\"all:\" before it",
            ),
            _ => place.unexpected_names(
                "the id alone, as the client sends it (or by its \"sha256:\" where it begins so)",
                "the kind of its source before it",
            ),
        }
    }

    /// Notes what is wrong with `client_from` for the entries that were read.
    pub(super) fn refuse_unmatched(self) {
        if self.callers.are_faulty() {
            return;
        }
        for Unmatched {
            source,
            place,
            found,
        } in self.unmatched
        {
            match found {
                None => place.unexpected_names::<()>(
                    format!("a source {source} in client_from, which could yield this id"),
                    "none",
                ),
                Some(several) => place.unexpected_names(
                    format!("one source {source} in client_from, so that it is clear whose value this is"),
                    several,
                ),
            };
        }
    }

    /// A client that is merely known may be so to the sources of a limit.
    fn need_credentials(&mut self, place: &Value<'v>, entry: &Entry) {
        let of_use = self.any_known && !matches!(entry, Entry::Plan(Some(_)));
        if !of_use && !self.callers.have_credentials() {
            self.lack(CREDENTIAL, place);
        }
    }

    fn lack(&mut self, source: &'static str, place: &Value<'v>) {
        self.cannot_match(source, place, None);
    }

    fn cannot_match(&mut self, source: &'static str, place: &Value<'v>, found: Option<String>) {
        if !self.unmatched.iter().any(|other| other.source == source) {
            self.unmatched.push(Unmatched {
                source,
                place: place.clone(),
                found,
            });
        }
    }

    fn ip(&mut self, text: &str, place: &Value<'v>) -> Option<ClientId> {
        let Ok(address) = text.parse::<IpAddr>() else {
            let expected = "an address after \"ip:\", without a port or the length of a prefix";
            return place.unexpected_names(expected, "another text");
        };
        let address = address.to_canonical();
        let networks: BTreeSet<IpAddr> = self.callers.networks_of(address).collect();
        if networks.is_empty() {
            self.lack("\"ip\"", place);
        } else if !networks.contains(&address) {
            let ids: Vec<String> = networks.iter().map(|ip| format!("ip:{ip}")).collect();
            let ids = one_of(ids.iter().map(String::as_str));
            let expected = format!("the address of the network that client_from counts: {ids}");
            return place.unexpected_names(expected, "another address of it");
        }
        Some(ClientId::of_ip(address))
    }

    /// A value of a source that has a name. Of two sources with different names
    /// one could yield, at a client's choice, what the other's entry means.
    fn named(
        &mut self,
        kind: Kind,
        source: &'static str,
        value: &str,
        place: &Value<'v>,
    ) -> Option<Listed> {
        let value = filled(value, place)?;
        let names: Vec<&str> = self.callers.names(kind).collect();
        let [name] = names.as_slice() else {
            let dotted: Vec<String> = names.iter().map(|name| name.replace('\0', ".")).collect();
            let several = all_of(dotted.iter().map(String::as_str));
            self.cannot_match(source, place, (!names.is_empty()).then_some(several));
            return None;
        };
        let id = ClientId::of(kind, name.as_bytes(), value.as_bytes());
        Some(Listed::Other(id))
    }

    fn constant(&mut self, value: &str, place: &Value<'v>) -> Option<ClientId> {
        let value = filled(value, place)?;
        if self.callers.constants().next().is_none() {
            self.lack("\"constant\"", place);
        } else if !self.callers.constants().any(|constant| constant == value) {
            let constants = one_of(self.callers.constants());
            let expected = format!("a constant of client_from: {constants}");
            return place.unexpected_names(expected, "another text");
        }
        Some(ClientId::of(Kind::Constant, b"", value.as_bytes()))
    }
}

fn digest(digits: &str, place: &Value<'_>) -> Option<Digest> {
    let digest = Digest::parse(digits);
    if digest.is_none() {
        let found = match digits.chars().count() {
            64 => "another character among them".to_owned(),
            1 => "1 character".to_owned(),
            other => format!("{other} characters"),
        };
        let expected = "64 hexadecimal digits after \"sha256:\"";
        place.unexpected_names::<()>(expected, found);
    }
    digest
}

fn filled<'t>(value: &'t str, place: &Value<'_>) -> Option<&'t str> {
    match value {
        "" => place.unexpected_names("a value after the kind of its source", "nothing"),
        value => Some(value),
    }
}
