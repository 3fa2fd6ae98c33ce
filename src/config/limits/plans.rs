//! `plans`: what a plan's clients have instead of the limits' own fields.

use std::rc::Rc;

use super::limit;
use super::{Defaults, Draft, Planned};
use crate::config::json::quoted;
use crate::config::name::{is_name, one_of, NAME};
use crate::config::value::Value;
use crate::limit::{Kind, Limit, Mode};

const OVERLAY: &str = "\"unlimited\", \"blocked\" or an object of fields to change, such as \
                       {\"rate\": \"600/m\"}";

/// Reads `plans`, lays each over the limits, and returns their names; `None`
/// where they cannot be read.
pub(super) fn read<'a>(
    plans: &Value<'a>,
    drafts: &mut [Draft<'a>],
    faulty: &[Box<str>],
    defaults: &Defaults,
) -> Option<Vec<Rc<str>>> {
    let expected =
        "an object of plans by name, such as {\"pro\": {\"rpm\": {\"rate\": \"600/m\"}}}";
    let object = plans.object(expected)?;
    let mut names: Vec<Rc<str>> = Vec::new();
    for (name, value) in object.members() {
        if !is_name(name) {
            value.unexpected_names::<()>(NAME, quoted(name));
        }
        names.push(name.into());
        read_plan(name, &value, drafts, faulty, defaults);
    }
    Some(names)
}

fn read_plan<'a>(
    name: &str,
    plan: &Value<'a>,
    drafts: &mut [Draft<'a>],
    faulty: &[Box<str>],
    defaults: &Defaults,
) {
    let object = plan.object("an object of limits by name, such as {\"rpm\": \"unlimited\"}");
    let members: Vec<(&str, Value<'a>)> =
        object.iter().flat_map(|object| object.members()).collect();
    for (limit, overlay) in &members {
        let names = drafts.iter().map(|draft| draft.name);
        let names = names.chain(faulty.iter().map(|name| &**name));
        if !names.clone().any(|name| name == *limit) {
            let expected = format!("the name of a limit: {}", one_of(names));
            overlay.unexpected_names::<()>(expected, quoted(limit));
        }
    }
    for draft in drafts {
        let overlay = members.iter().find(|(limit, _)| draft.name == *limit);
        let planned = match overlay {
            Some((_, overlay)) => planned(name, overlay, draft, defaults),
            None => Some(Planned::Own),
        };
        draft.plans.extend(planned);
    }
}

fn planned<'a>(
    plan: &str,
    overlay: &Value<'a>,
    draft: &Draft<'a>,
    defaults: &Defaults,
) -> Option<Planned> {
    match overlay.text_if_any() {
        Some("unlimited") => return Some(Planned::Lifted),
        Some("blocked") => return Some(Planned::Limit(blocked(draft.limit.as_ref()?))),
        Some(_) => return overlay.unexpected(OVERLAY),
        None => {}
    }
    let object = overlay.object(OVERLAY)?;
    let fields = draft.fields.overlaid(&object);
    object.finish();
    let limit = limit::read(&fields?, &draft.identity(), Some(plan), defaults)?;
    Some(Planned::Limit(Rc::new(limit)))
}

/// Whoever is stopped is stopped, whatever the limit does to others.
fn blocked(limit: &Limit) -> Rc<Limit> {
    Rc::new(Limit {
        name: limit.name.clone(),
        index: limit.index,
        tag: limit.tag,
        mode: Mode::Enforce,
        kind: Kind::Blocked,
    })
}
