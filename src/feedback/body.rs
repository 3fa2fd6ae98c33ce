//! The bodies of refusals.

use std::rc::Rc;

use serde::Serialize;

use super::reason::{Reason, ABOUT_BLANK};
use crate::limit::Limit;

/// The body of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// RFC 9457 problem details.
    Problem,
    /// One sentence.
    Text,
    /// OpenAI's error object (platform.openai.com/docs/guides/error-codes).
    OpenAi,
    /// Anthropic's error object (docs.claude.com/en/api/errors).
    Anthropic,
}

/// What a body says, before it is put into anybody's form.
pub(super) struct Message<'a> {
    pub(super) reason: Reason,
    pub(super) status: u32,
    /// The sentence.
    pub(super) detail: &'a str,
    /// The limits that denied.
    pub(super) violated: &'a [Rc<Limit>],
}

/// A problem's, with a short name of a limit or two.
const USUAL_BYTES: usize = 320;

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    status: u32,
    detail: &'a str,
    #[serde(rename = "violated-policies", skip_serializing_if = "Vec::is_empty")]
    violated_policies: Vec<&'a str>,
}

#[derive(Serialize)]
struct OpenAi<'a> {
    error: OpenAiError<'a>,
}

#[derive(Serialize)]
struct OpenAiError<'a> {
    message: &'a str,
    r#type: &'a str,
    /// The parameter that is wrong: always `null`, but never left out.
    param: Option<&'a str>,
    code: Option<&'a str>,
}

#[derive(Serialize)]
struct Anthropic<'a> {
    r#type: &'a str,
    error: AnthropicError<'a>,
}

#[derive(Serialize)]
struct AnthropicError<'a> {
    r#type: &'a str,
    message: &'a str,
}

// === impl Body ===

impl Body {
    /// The value of `content-type`, and the body.
    pub(super) fn write(self, message: &Message<'_>) -> (&'static str, String) {
        const JSON: &str = "application/json";
        let words = message.reason.words();
        let detail = message.detail;
        match self {
            Self::Problem => ("application/problem+json", json(&Problem::of(message))),
            Self::Text => ("text/plain; charset=utf-8", detail.to_owned()),
            Self::OpenAi => {
                let error = OpenAiError {
                    message: detail,
                    r#type: words.openai,
                    param: None,
                    code: words.openai_code,
                };
                (JSON, json(&OpenAi { error }))
            }
            Self::Anthropic => {
                let error = AnthropicError {
                    r#type: words.anthropic,
                    message: detail,
                };
                let r#type = "error";
                (JSON, json(&Anthropic { r#type, error }))
            }
        }
    }
}

/// Texts and numbers always serialize, as UTF-8.
fn json(body: &impl Serialize) -> String {
    let mut text = Vec::with_capacity(USUAL_BYTES);
    let written = serde_json::to_writer(&mut text, body).ok();
    let text = written.and_then(|()| String::from_utf8(text).ok());
    text.unwrap_or_default()
}

// === impl Problem ===

impl<'a> Problem<'a> {
    fn of(message: &Message<'a>) -> Self {
        let words = message.reason.words();
        // The title of a problem that is no more than its status is the status'
        // phrase, which nobody here has for each that an operator may choose.
        let is_titled = words.problem != ABOUT_BLANK || words.status == message.status;
        Self {
            r#type: words.problem,
            title: is_titled.then_some(words.title),
            status: message.status,
            detail: message.detail,
            violated_policies: message.violated.iter().map(|limit| &*limit.name).collect(),
        }
    }
}
