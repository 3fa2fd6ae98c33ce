//! `clients`: the ids that the operator has listed.

use super::json::quoted;
use super::value::Value;
use crate::client::KnownClients;

/// Kinds of ids whose entries a later version will read.
const LATER_KINDS: [&str; 7] = [
    "sha256:",
    "ip:",
    "jwt_claim:",
    "property:",
    "path_param:",
    "constant:",
    "all:",
];

/// Reads `clients`: an object for each id, as a client sends it. Ids may be
/// secrets, so no error shows one.
pub(super) fn read(value: &Value<'_>) -> Option<KnownClients> {
    let object =
        value.secret_object("an object with an id for each client, such as {\"alice\": {}}")?;
    let mut known = KnownClients::new();
    for (id, entry) in object.members() {
        if LATER_KINDS.iter().any(|kind| id.starts_with(kind)) {
            entry.not_supported_yet::<()>();
            continue;
        }
        if id.is_empty() {
            entry.unexpected_names::<()>("an id of at least one character", quoted(id));
        }
        if let Some(fields) = entry.object("{}") {
            fields.later(&["plan"]);
            fields.finish();
        }
        known.insert(id.as_bytes().into());
    }
    Some(known)
}
