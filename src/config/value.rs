//! Reading a JSON value by type, with every error noted at its path.
//!
//! A reader returns `None` where it has noted an error, and the caller goes on
//! with the rest of the file: that is how all errors come out at once.

use std::ops::RangeInclusive;

use super::error::Errors;
use super::json::Json;
use super::name::{is_name, one_of, NAME};
use super::object::{Names, Object};
use crate::secret::{is_usable as is_usable_secret, Secret};

/// A value at its place.
#[derive(Clone)]
pub(super) struct Value<'a> {
    json: &'a Json,
    path: String,
    errors: &'a Errors,
}

// === impl Value ===

impl<'a> Value<'a> {
    pub(super) fn new(json: &'a Json, path: String, errors: &'a Errors) -> Self {
        Self { json, path, errors }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Notes that this value is not what is `expected`.
    pub(super) fn unexpected<T>(&self, expected: impl Into<String>) -> Option<T> {
        self.errors
            .unexpected(&self.path, expected, self.json.describe());
        None
    }

    /// Notes that something about this value, not the value itself, is not what
    /// is `expected`: the name it stands under, or the names of its fields.
    pub(super) fn unexpected_names<T>(
        &self,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Option<T> {
        self.errors.unexpected(&self.path, expected, found);
        None
    }

    /// Notes that a field of this object is needed and was left out.
    pub(super) fn missing<T>(&self, field: &str, expected: impl Into<String>) -> Option<T> {
        let path = format!("{}.{field}", self.path);
        self.errors.unexpected(&path, expected, "nothing");
        None
    }

    /// The text under this name, if that is all there is.
    pub(super) fn lone_text(&self, name: &str) -> Option<&'a str> {
        match self.json {
            Json::Object(members) => match members.as_slice() {
                [(found, Json::String(text))] if found == name => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// The text that stands here, if it is one.
    pub(super) fn text_if_any(&self) -> Option<&'a str> {
        match self.json {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.json, Json::List(_))
    }

    pub(super) fn object(&self, expected: &str) -> Option<Object<'a>> {
        self.object_with(Names::Shown, expected)
    }

    /// An object whose members' names may be secrets.
    pub(super) fn secret_object(&self, expected: &str) -> Option<Object<'a>> {
        self.object_with(Names::Secret, expected)
    }

    /// An object whose members' names may be secrets, and which may be the same
    /// though they read differently: to find that is the reader's work.
    pub(super) fn secret_table(&self, expected: &str) -> Option<Object<'a>> {
        self.members(Names::Secret, expected)
    }

    fn object_with(&self, names: Names, expected: &str) -> Option<Object<'a>> {
        let object = self.members(names, expected)?;
        object.refuse_duplicates();
        Some(object)
    }

    fn members(&self, names: Names, expected: &str) -> Option<Object<'a>> {
        let Json::Object(members) = self.json else {
            return self.unexpected(expected);
        };
        Some(Object::new(members, self.path.clone(), names, self.errors))
    }

    pub(super) fn list(&self, expected: &str) -> Option<Vec<Value<'a>>> {
        let Json::List(items) = self.json else {
            return self.unexpected(expected);
        };
        let item = |(index, json)| Value::new(json, format!("{}[{index}]", self.path), self.errors);
        Some(items.iter().enumerate().map(item).collect())
    }

    /// A list that holds something; an empty one is an error.
    pub(super) fn filled_list(&self, expected: &str) -> Option<Vec<Value<'a>>> {
        let items = self.list(expected)?;
        if items.is_empty() {
            return self.unexpected_names(expected, "an empty list");
        }
        Some(items)
    }

    pub(super) fn string(&self, expected: &str) -> Option<&'a str> {
        match self.json {
            Json::String(text) => Some(text),
            _ => self.unexpected(expected),
        }
    }

    /// A string of at least one character, none of them a control character.
    pub(super) fn text(&self, expected: &str) -> Option<&'a str> {
        let text = self.string(expected)?;
        let plain = !text.is_empty() && !text.contains(|c: char| c.is_control());
        if plain {
            Some(text)
        } else {
            self.unexpected(expected)
        }
    }

    /// A secret: a text, or the name of the environment's variable that holds
    /// it. No error shows it, nor what stands where a variable's name should:
    /// that may be the secret itself, put in the wrong place.
    pub(super) fn secret(&self) -> Option<Secret> {
        const EXPECTED: &str =
            "a text without control characters, or {\"env\": \"NAME\"} with the name of a variable";
        const VARIABLE: &str = "the name of a variable, of letters, digits and _";
        match self.json {
            Json::String(text) if is_usable_secret(text) => {
                return Some(Secret::Text(text.as_str().into()))
            }
            Json::String(text) if text.is_empty() => {
                return self.unexpected_names(EXPECTED, "an empty text")
            }
            Json::String(_) => {
                return self.unexpected_names(EXPECTED, "one with a control character")
            }
            Json::Object(_) => {}
            _ => return self.unexpected_names(EXPECTED, self.json.kind()),
        }
        let object = self.secret_object(EXPECTED)?;
        let name = object.required("env", VARIABLE);
        object.finish();
        let name = name?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match name.json {
            Json::String(text) if !text.is_empty() && text.chars().all(plain) => {
                Some(Secret::Env(text.as_str().into()))
            }
            Json::String(text) if text.is_empty() => {
                name.unexpected_names(VARIABLE, "an empty text")
            }
            Json::String(_) => name.unexpected_names(VARIABLE, "another text"),
            _ => name.unexpected_names(VARIABLE, name.json.kind()),
        }
    }

    pub(super) fn bool(&self) -> Option<bool> {
        match self.json {
            Json::Bool(value) => Some(*value),
            _ => self.unexpected("true or false"),
        }
    }

    pub(super) fn whole_number(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let number = match self.json {
            Json::Whole(number) => u32::try_from(*number).ok(),
            _ => None,
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None if *range.end() == u32::MAX && !matches!(self.json, Json::Whole(1..)) => {
                self.unexpected(format!("a whole number of at least {}", range.start()))
            }
            None => self.unexpected(format!(
                "a whole number from {} to {}",
                range.start(),
                range.end()
            )),
        }
    }

    /// One of several words, each with what it means.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let words = || one_of(choices.iter().map(|(word, _)| *word));
        let Json::String(text) = self.json else {
            return self.unexpected(words());
        };
        match choices.iter().find(|(word, _)| word == text) {
            Some((_, meaning)) => Some(*meaning),
            None => self.unexpected(words()),
        }
    }

    /// A name: `[a-z0-9][a-z0-9_-]{0,63}`.
    pub(super) fn name(&self) -> Option<&'a str> {
        let text = self.string(NAME)?;
        if is_name(text) {
            Some(text)
        } else {
            self.unexpected(NAME)
        }
    }
}
