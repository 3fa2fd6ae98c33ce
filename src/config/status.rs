//! `status`: where a client may ask where it stands.

use super::limits::{Limits, NamedLimit};
use super::routes::{self, tiers};
use super::value::Value;
use crate::limit::Cost;
use crate::route::{LimitGroup, Matcher, PathMatch, Routes, StatusPath, Template};

/// Reads `status`. What it tells of is what the routes apply.
pub(super) fn read(
    value: &Value<'_>,
    limits: &Limits,
    routes: Option<&Routes>,
) -> Option<StatusPath> {
    let object = value.object("an object, such as {\"path\": \"/ratelimit\"}")?;
    let path = object
        .required("path", PATH)
        .and_then(|path| read_path(&path));
    let charged = match object.optional("limits") {
        Some(list) => routes::chosen(&list, limits, Some(Cost::MIN)),
        None => Some(Vec::new()),
    };
    object.finish();
    let (path, charged, routes) = (path?, charged?, routes?);
    Some(StatusPath {
        matcher: Matcher {
            path: Some(PathMatch::Template(path)),
            methods: vec!["GET".into()],
            ..Matcher::default()
        },
        charged: tiers(&charged),
        shown: tiers(&shown(limits, routes)),
    })
}

const PATH: &str = "a path from its first /, such as \"/ratelimit\", without variables or a query";

fn read_path(value: &Value<'_>) -> Option<Template> {
    match Template::parse(value.string(PATH)?) {
        Ok(template) if template.variables().next().is_none() => Some(template),
        _ => value.unexpected(PATH),
    }
}

/// The limits that some route applies, but those whose client is only known on
/// one of them.
fn shown<'l>(limits: &'l Limits, routes: &Routes) -> Vec<&'l NamedLimit> {
    let is_applied = |named: &&NamedLimit| {
        let groups = routes.iter().flat_map(|route| &route.tiers.own.groups);
        let mut limits = groups.flat_map(LimitGroup::limits);
        limits.any(|limit| limit.index == named.limit.index)
    };
    let is_of_route = |named: &&NamedLimit| {
        let mut sources = named.client_from.sources.iter();
        sources.any(|source| source.is_of_route())
    };
    let applied = limits.sound.iter().filter(is_applied);
    applied.filter(|named| !is_of_route(named)).collect()
}
