//! What a model reported, in its API's own terms.

use super::usage::sum;
use super::{Shape, Usage};

/// The last number that was reported of each field.
#[derive(Debug, Default)]
pub(super) struct Reported([Option<u64>; FIELDS]);

/// A number of tokens in a `usage` or a `usageMetadata`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// What OpenAI and Gemini call the prompt, with what came out of a cache.
    Prompt,
    /// OpenAI's newer word for the same, and Anthropic's for what came neither
    /// out of a cache nor went into one.
    Input,
    /// Anthropic's input that went into a cache.
    CacheCreation,
    /// Anthropic's input that came out of a cache.
    CacheRead,
    /// Gemini's input from its own tools.
    ToolUse,
    /// What OpenAI calls the completion, and Gemini the candidates.
    Completion,
    /// OpenAI's newer word for the same, and Anthropic's.
    Output,
    /// Gemini's thoughts, which are not among its candidates.
    Thoughts,
    Total,
}

const FIELDS: usize = 9;

// === impl Reported ===

impl Reported {
    pub(super) fn set(&mut self, field: Field, tokens: u64) {
        if let Some(number) = self.0.get_mut(field as usize) {
            *number = Some(tokens);
        }
    }

    fn get(&self, field: Field) -> Option<u64> {
        self.0.get(field as usize).copied().flatten()
    }

    /// The numbers in everybody's terms. Some gateways send OpenAI's old and new
    /// words in one object, and zeros in those that they do not fill, or
    /// Anthropic's cache beside a prompt that includes it: so the larger counts,
    /// not both.
    pub(super) fn usage(&self) -> Usage {
        let cache = sum(self.get(Field::CacheCreation), self.get(Field::CacheRead));
        let input = self
            .get(Field::Prompt)
            .max(sum(self.get(Field::Input), cache));
        let output = self.get(Field::Completion).max(self.get(Field::Output));
        Usage {
            input: sum(input, self.get(Field::ToolUse)),
            output: sum(output, self.get(Field::Thoughts)),
            total: self.get(Field::Total),
        }
    }
}

// === impl Field ===

impl Field {
    /// A member of a `usage`.
    pub(super) fn of_usage(name: &[u8], shape: Shape) -> Option<Self> {
        let (openai, anthropic) = match shape {
            Shape::Auto => (true, true),
            Shape::OpenAi => (true, false),
            Shape::Anthropic => (false, true),
            Shape::Gemini => (false, false),
        };
        match name {
            b"prompt_tokens" if openai => Some(Self::Prompt),
            b"completion_tokens" if openai => Some(Self::Completion),
            b"total_tokens" if openai => Some(Self::Total),
            b"input_tokens" => Some(Self::Input),
            b"output_tokens" => Some(Self::Output),
            b"cache_creation_input_tokens" if anthropic => Some(Self::CacheCreation),
            b"cache_read_input_tokens" if anthropic => Some(Self::CacheRead),
            _ => None,
        }
    }

    /// A member of a `usageMetadata`. What came out of a cache is part of the
    /// prompt there.
    pub(super) fn of_metadata(name: &[u8]) -> Option<Self> {
        match name {
            b"promptTokenCount" => Some(Self::Prompt),
            b"toolUsePromptTokenCount" => Some(Self::ToolUse),
            b"candidatesTokenCount" => Some(Self::Completion),
            b"thoughtsTokenCount" => Some(Self::Thoughts),
            b"totalTokenCount" => Some(Self::Total),
            _ => None,
        }
    }
}
