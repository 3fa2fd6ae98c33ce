//! Reading the members of a JSON object, each by its name.

use std::cell::RefCell;

use super::error::Errors;
use super::json::{quoted, Json};
use super::name::{all_of, is_name};
use super::value::Value;

/// An object, which remembers the fields it was asked for: any other is an error.
pub(super) struct Object<'a> {
    members: &'a [(String, Json)],
    path: String,
    names: Names,
    errors: &'a Errors,
    /// Fields that were asked for, so far.
    asked: RefCell<Vec<&'static str>>,
}

/// What an error may say of the members' names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    Shown,
    /// They may be secrets: members are numbered instead.
    Secret,
}

// === impl Object ===

impl<'a> Object<'a> {
    /// The object with these members.
    pub(super) fn new(
        members: &'a [(String, Json)],
        path: String,
        names: Names,
        errors: &'a Errors,
    ) -> Self {
        Self {
            members,
            path,
            names,
            errors,
            asked: RefCell::default(),
        }
    }

    /// A field that may be left out.
    pub(super) fn optional(&self, name: &'static str) -> Option<Value<'a>> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&name) {
            asked.push(name);
        }
        let (_, json) = self.members.iter().find(|(key, _)| key == name)?;
        Some(Value::new(json, self.path_of(name), self.errors))
    }

    /// A field that must be there.
    pub(super) fn required(&self, name: &'static str, expected: &str) -> Option<Value<'a>> {
        let value = self.optional(name);
        if value.is_none() {
            self.missing(name, expected);
        }
        value
    }

    /// Notes that a field is needed and was left out.
    pub(super) fn missing(&self, name: &str, expected: impl Into<String>) {
        self.errors
            .unexpected(&self.path_of(name), expected, "nothing");
    }

    /// The names of all fields that are there, for an error message.
    pub(super) fn found(&self) -> String {
        match self.members {
            [] => "no field".to_owned(),
            members => all_of(members.iter().map(|(name, _)| name.as_str())),
        }
    }

    /// Notes every field that nobody has asked for.
    pub(super) fn finish(self) {
        let asked = self.asked.borrow();
        for (name, _) in self.members {
            if !asked.contains(&name.as_str()) {
                self.errors.unexpected(
                    &self.path,
                    match asked.as_slice() {
                        [] => "no fields".to_owned(),
                        asked => format!("only the fields {}", all_of(asked.iter().copied())),
                    },
                    match self.names {
                        Names::Shown => format!("an unknown field {}", quoted(name)),
                        Names::Secret => "an unknown field".to_owned(),
                    },
                );
            }
        }
    }

    /// The name of every member.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.members.iter().map(|(name, _)| name.as_str())
    }

    /// Every member, for an object whose names are the user's own.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> + '_ {
        let numbered = self.members.iter().zip(1_u32..);
        numbered.map(|((name, json), number)| {
            let path = match self.names {
                Names::Shown => self.path_of(name),
                Names::Secret => format!("{} (entry {number})", self.path),
            };
            (name.as_str(), Value::new(json, path, self.errors))
        })
    }

    /// Notes every name that is there twice.
    pub(super) fn refuse_duplicates(&self) {
        let mut names: Vec<&str> = self.members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let twice = names.windows(2).filter_map(|pair| match pair {
            [a, b] if a == b => Some(*a),
            _ => None,
        });
        for name in twice {
            self.errors.unexpected(
                &self.path,
                "each field once",
                match self.names {
                    Names::Shown => format!("{} again", quoted(name)),
                    Names::Secret => "one again".to_owned(),
                },
            );
        }
    }

    fn path_of(&self, name: &str) -> String {
        let name = if is_name(name) {
            name.to_owned()
        } else {
            quoted(name)
        };
        if self.path.is_empty() {
            name
        } else {
            format!("{}.{name}", self.path)
        }
    }
}
