//! Random documents are read as one reads them who has the whole.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use tollgate::tokens::{Framing, Model, Shape};

use crate::reference::{whole, Reference};
use crate::{read, request_in};

/// Names that mean something somewhere.
const NAMES: &[&str] = &[
    "usage",
    "usageMetadata",
    "response",
    "message",
    "choices",
    "candidates",
    "type",
    "content",
    "text",
    "delta",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "promptTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "model",
    "max_tokens",
    "n",
    "stream",
    "stream_options",
    "generationConfig",
    "maxOutputTokens",
];

fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::from),
        (0_u64..100).prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        select(vec![12.0, 1e3, 0.5, -1.0, 1e30, 1e-7, 120.25]).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        select(vec![
            "message_stop",
            "response.completed",
            "response.x.delta"
        ])
        .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ]
}

fn documents() -> impl Strategy<Value = Value> {
    let names = prop_oneof![4 => select(NAMES).prop_map(str::to_owned), 1 => any::<String>()];
    scalars().prop_recursive(6, 96, 8, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            3 => prop::collection::vec((names.clone(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// One of the ways to write a document.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    Compact,
    Pretty,
    /// Each character of each string as an escape.
    Escaped,
}

fn spellings() -> impl Strategy<Value = Spelling> {
    select(vec![Spelling::Compact, Spelling::Pretty, Spelling::Escaped])
}

fn spelled(document: &Value, spelling: Spelling) -> String {
    match spelling {
        Spelling::Compact => document.to_string(),
        Spelling::Pretty => serde_json::to_string_pretty(document).unwrap(),
        Spelling::Escaped => escaped(document),
    }
}

fn escaped(value: &Value) -> String {
    let string = |string: &str| {
        let units = string.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
        format!("\"{}\"", units.collect::<String>())
    };
    match value {
        Value::String(text) => string(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(escaped).collect();
            format!("[{}]", items.join(" , "))
        }
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{} : {}", string(name), escaped(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

/// A text as an event with a line of data for each line, and something around.
fn event(text: &str, end: &str, space: &str) -> String {
    let lines = text
        .split('\n')
        .map(|line| format!("data:{space}{line}{end}"));
    format!(": x{end}event: y{end}{}{end}", lines.collect::<String>())
}

proptest! {
    #[test]
    fn a_document_is_read_as_by_one_who_has_it_all(
        document in documents(), spelling in spellings(), size in 1_usize..40,
    ) {
        let text = spelled(&document, spelling);
        let mut reference = Reference::default();
        reference.document(&document);
        let (usage, is_final, passed) =
            read(Shape::Auto, Framing::Json, text.as_bytes().chunks(size));
        let is_container = document.is_object() || document.is_array();
        prop_assert_eq!(usage, reference.total());
        prop_assert_eq!(passed.text, reference.text);
        prop_assert_eq!(passed.readable, is_container);
        prop_assert_eq!(is_final, is_container || !document.is_number());
    }

    #[test]
    fn a_stream_is_read_as_its_documents(
        documents in prop::collection::vec((documents(), spellings()), 0..4),
        end in select(vec!["\n", "\r", "\r\n"]), space in select(vec!["", " "]),
        size in 1_usize..40,
    ) {
        let mut reference = Reference::default();
        let mut stream = String::new();
        for (document, spelling) in &documents {
            // An element of an array is a document of its own.
            reference.document(document);
            stream += &event(&spelled(document, *spelling), end, space);
        }
        let (usage, _, passed) =
            read(Shape::Auto, Framing::Events, stream.as_bytes().chunks(size));
        prop_assert_eq!(usage, reference.total());
        prop_assert_eq!(passed.text, reference.text);
        prop_assert_eq!(passed.events, documents.len() as u64);
    }

    /// Wherever else a usage stands.
    #[test]
    fn usage_counts_nowhere_else(
        path in prop::collection::vec(select(vec![
            "choices", "usage", "content", "data", "delta", "candidates", "output", "[]",
        ]), 1..6),
        spelling in spellings(),
    ) {
        let numbers = serde_json::json!({
            "prompt_tokens": 5, "total_tokens": 5, "promptTokenCount": 5,
        });
        let all = serde_json::json!({"usage": numbers, "usageMetadata": numbers});
        let document = path.iter().rev().fold(all, |inner, name| match *name {
            "[]" => serde_json::json!([inner]),
            name => serde_json::json!({name: inner}),
        });
        // But for the elements of the outermost array, which are documents.
        prop_assume!(path.len() > 1 || path[0] != "[]");
        let (usage, _, _) =
            read(Shape::Auto, Framing::Json, [spelled(&document, spelling).as_bytes()]);
        prop_assert!(usage.is_empty(), "{}", document);
    }

    #[test]
    fn a_request_is_read_as_by_one_who_has_it_all(
        document in documents(), spelling in spellings(), size in 1_usize..40,
    ) {
        let text = spelled(&document, spelling);
        let found = request_in(text.as_bytes().chunks(size));
        prop_assert_eq!(found.bytes(), text.len() as u64);
        if let Value::Object(members) = &document {
            let generation = &document["generationConfig"];
            let max = whole(&document["max_tokens"]).max(whole(&generation["maxOutputTokens"]));
            // Above all that there is room for.
            let huge = |value: &Value| value.as_f64() == Some(1e30);
            if !huge(&document["max_tokens"]) && !huge(&generation["maxOutputTokens"]) {
                prop_assert_eq!(found.max_output(), max);
            }
            if !huge(&document["n"]) {
                prop_assert_eq!(found.candidates(), whole(&document["n"]).unwrap_or(1).max(1));
            }
            prop_assert_eq!(found.streams(), document["stream"] == true);
            prop_assert_eq!(found.has_stream_options(), members.contains_key("stream_options"));
            let closing = found.closing_brace().unwrap();
            prop_assert_eq!(closing.at, text.len() as u64 - 1);
            prop_assert_eq!(closing.has_members, !members.is_empty());
            match &document["model"] {
                Value::String(name) if name.len() > 256 => {
                    prop_assert_eq!(found.model(), Model::Unreadable);
                }
                Value::String(name) => prop_assert_eq!(found.model(), Model::One(name.as_bytes())),
                _ => prop_assert_eq!(found.model(), Model::None),
            }
        } else {
            prop_assert_eq!(found.model(), Model::Unreadable);
            prop_assert_eq!(found.closing_brace(), None);
        }
    }
}
