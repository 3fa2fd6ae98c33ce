//! `clients`: who is known, and who is on which plan.

use super::listed::{prefix, Reader};
use super::plan_names::PlanNames;
use super::sources::Sources;
use super::value::Value;
use crate::client::{Clients, PlanIndex};

/// What an entry says of its client.
pub(super) enum Entry {
    /// That it is known.
    Known,
    /// Its plan; `None` where it is wrong.
    Plan(Option<PlanIndex>),
}

/// Reads `clients`. Ids may be secrets, so no error shows one.
pub(super) fn read(
    value: &Value<'_>,
    sources: &Sources<'_>,
    plans: &PlanNames<'_>,
) -> Option<Clients> {
    let expected = "an object with an id for each client, such as {\"alice\": {}}";
    let table = value.secret_table(expected)?;
    let mut reader = Reader::new(sources.callers(), sources.any_known());
    let mut clients = Clients::default();
    let mut some_plan = false;
    let mut some_hash = false;
    for (id, place) in table.members() {
        let entry = read_entry(&place, plans).unwrap_or(Entry::Plan(None));
        some_plan |= matches!(entry, Entry::Plan(_));
        some_hash |= prefix(id).is_some_and(|(kind, _)| kind == "sha256");
        let plan = match entry {
            Entry::Known => None,
            Entry::Plan(plan) => plan,
        };
        let Some(client) = reader.client(id, &place, &entry) else {
            continue;
        };
        if clients.add(client, plan).is_err() {
            place.unexpected_names::<()>(ONCE, "one again");
        }
    }
    let is_twice = |id: &str| prefix(id).is_none() && clients.knows_hash_of(id.as_bytes());
    if some_hash && table.names().any(is_twice) {
        for (id, place) in table.members() {
            if is_twice(id) {
                place.unexpected_names::<()>(ONCE, "one that its \"sha256:\" lists too");
            }
        }
    }
    if some_plan || sources.any_known() {
        reader.refuse_unmatched();
    } else {
        let expected = "a source with \"known\": true, which would use this";
        value.unexpected_names::<()>(expected, "none");
    }
    Some(clients)
}

const ONCE: &str = "each client once";

fn read_entry(value: &Value<'_>, plans: &PlanNames<'_>) -> Option<Entry> {
    // A table may have a hundred thousand such.
    let usual = value.lone_text("plan").and_then(|name| plans.index(name));
    if let Some(plan) = usual {
        return Some(Entry::Plan(Some(plan)));
    }
    let fields = value.object("{} or {\"plan\": \"pro\"}")?;
    let plan = fields.optional("plan");
    fields.finish();
    Some(match plan {
        Some(plan) => Entry::Plan(plans.find(&plan)),
        None => Entry::Known,
    })
}
