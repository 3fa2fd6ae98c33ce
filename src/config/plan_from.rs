//! `plan_from`: where the plan of a client stands that the table gives none.
//! A client that could write there would choose its own.

use super::json::quoted;
use super::name::one_of;
use super::object::Object;
use super::plan_names::PlanNames;
use super::sources::{jwt_claim, strings, PROPERTY};
use super::value::Value;
use crate::client::{PlanFrom, PlanSource, Source};
use crate::request::AttributePath;

const KINDS: [&str; 3] = ["jwt_claim", "property", "constant"];

/// Reads `plan_from`.
pub(super) fn read(top: &Object<'_>, plans: &PlanNames<'_>) -> Option<PlanFrom> {
    let Some(value) = top.optional("plan_from") else {
        return Some(PlanFrom::default());
    };
    if plans.are_none() {
        value.unexpected_names::<()>("\"plans\" at the top, which this chooses from", "none");
    }
    let expected = "a list of sources, such as [{\"jwt_claim\": \"plan\"}]";
    let items = value.filled_list(expected)?;
    let sources: Vec<Option<PlanSource>> = items.iter().map(|item| source(item, plans)).collect();
    let before_the_last = sources.split_last().map_or(&[][..], |(_, before)| before);
    for (item, source) in items.iter().zip(before_the_last) {
        if let Some(PlanSource::Constant(_)) = source {
            let expected = "a constant only as the last source, since it always yields";
            item.unexpected_names::<()>(expected, "one before others");
        }
    }
    let sources = sources.into_iter().collect::<Option<_>>()?;
    Some(PlanFrom { sources })
}

fn source(value: &Value<'_>, plans: &PlanNames<'_>) -> Option<PlanSource> {
    let object = value.object("a source, such as {\"jwt_claim\": \"plan\"}")?;
    let mut given = KINDS
        .into_iter()
        .filter_map(|kind| Some((kind, object.optional(kind)?)));
    let source = match (given.next(), given.next()) {
        (Some(("jwt_claim", field)), None) => match jwt_claim(&object, &field) {
            Some(Source::JwtClaim { attribute, .. }) => Some(PlanSource::Attribute(attribute)),
            _ => None,
        },
        (Some(("property", field)), None) => property(&field).map(PlanSource::Attribute),
        (Some((_, field)), None) => constant(&field, plans),
        _ => {
            let kinds = one_of(KINDS.into_iter());
            let expected = format!("a source that the client cannot write: exactly one of {kinds}");
            return value.unexpected_names(expected, object.found());
        }
    };
    object.finish();
    source
}

/// An attribute that does not come from the client.
fn property(field: &Value<'_>) -> Option<AttributePath> {
    let names = strings(field, PROPERTY)?;
    let expected = match names.as_slice() {
        ["request", ..] | ["connection", "requested_server_name"] => {
            "an attribute that the client cannot write"
        }
        ["response", ..] => "an attribute that is there before the response",
        _ => return Some(AttributePath::new(names)),
    };
    field.unexpected_names(expected, quoted(&names.join(".")))
}

fn constant(field: &Value<'_>, plans: &PlanNames<'_>) -> Option<PlanSource> {
    if plans.are_none() {
        return None;
    }
    let name = field.string("the name of a plan")?;
    plans.find(field)?;
    Some(PlanSource::Constant(name.into()))
}
