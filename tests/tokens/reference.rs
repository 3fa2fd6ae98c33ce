//! What a reader says that has the whole document at hand.

use serde_json::{Map, Value};
use tollgate::tokens::Usage;

type Object = Map<String, Value>;

/// The last number of each name.
#[derive(Default)]
pub(crate) struct Reference {
    fields: Map<String, Value>,
    pub(crate) text: u64,
}

impl Reference {
    /// Takes the next document.
    pub(crate) fn document(&mut self, document: &Value) {
        match document {
            Value::Object(object) => {
                self.object(object);
                let kind = object.get("type").and_then(Value::as_str);
                if !kind.is_some_and(|k| k.starts_with("response.") && !k.ends_with(".delta")) {
                    self.text += text(document);
                }
            }
            Value::Array(elements) => {
                for element in elements.iter().filter_map(Value::as_object) {
                    self.metadata(element);
                }
                self.text += text(document);
            }
            _ => {}
        }
    }

    fn object(&mut self, object: &Object) {
        for (name, value) in object {
            match name.as_str() {
                "response" | "message" => self.usage(value.get("usage")),
                "usage" => self.usage(Some(value)),
                _ => {}
            }
        }
        self.metadata(object);
    }

    fn usage(&mut self, usage: Option<&Value>) {
        self.numbers(
            usage,
            &[
                ("prompt_tokens", "prompt"),
                ("completion_tokens", "completion"),
                ("total_tokens", "total"),
                ("input_tokens", "input"),
                ("output_tokens", "output"),
                ("cache_creation_input_tokens", "created"),
                ("cache_read_input_tokens", "cached"),
            ],
        );
    }

    fn metadata(&mut self, object: &Object) {
        self.numbers(
            object.get("usageMetadata"),
            &[
                ("promptTokenCount", "prompt"),
                ("candidatesTokenCount", "completion"),
                ("totalTokenCount", "total"),
                ("toolUsePromptTokenCount", "tools"),
                ("thoughtsTokenCount", "thoughts"),
            ],
        );
    }

    fn numbers(&mut self, usage: Option<&Value>, names: &[(&str, &str)]) {
        for (theirs, ours) in names {
            if let Some(number) = usage.and_then(|usage| whole(usage.get(theirs)?)) {
                self.fields.insert((*ours).into(), number.into());
            }
        }
    }

    pub(crate) fn total(&self) -> Usage {
        let get = |name: &str| self.fields.get(name).and_then(Value::as_u64);
        let sum = |names: &[&str]| {
            let there: Vec<u64> = names.iter().filter_map(|name| get(name)).collect();
            (!there.is_empty()).then(|| there.iter().fold(0, |a: u64, b| a.saturating_add(*b)))
        };
        let plus = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            _ => a.or(b),
        };
        let input = get("prompt").max(sum(&["input", "created", "cached"]));
        Usage {
            input: plus(input, get("tools")),
            output: plus(get("completion").max(get("output")), get("thoughts")),
            total: get("total"),
        }
    }
}

/// A whole number, also one that was written as a float.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    let float = value.as_f64()?;
    let is_whole = float.fract() == 0.0 && (0.0..1e15).contains(&float);
    value.as_u64().or(is_whole.then_some(float as u64))
}

const TEXT: [&str; 12] = [
    "content",
    "text",
    "delta",
    "reasoning",
    "reasoning_content",
    "thinking",
    "arguments",
    "partial_json",
    "refusal",
    "transcript",
    "generated_text",
    "completion",
];

fn text(value: &Value) -> u64 {
    match value {
        Value::Array(items) => items.iter().map(text).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| match value {
                Value::String(string) if TEXT.contains(&name.as_str()) => string.len() as u64,
                _ => text(value),
            })
            .sum(),
        _ => 0,
    }
}
