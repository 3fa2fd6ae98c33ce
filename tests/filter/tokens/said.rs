//! What is asked of a model and what it says it took, for the host double and a real Envoy alike.

/// The body of a chat that asks for at most so many tokens.
pub(super) fn asking(max_tokens: u32) -> String {
    format!(r#"{{"model":"m","max_tokens":{max_tokens},"messages":[]}}"#)
}

/// Tokens that a body is taken to have.
pub(super) fn input(body: &str) -> u64 {
    body.len().div_ceil(4) as u64
}

/// What a model says that has read and written so many.
pub(super) fn usage(input: u64, output: u64) -> String {
    let total = input + output;
    format!(
        r#"{{"choices":[],"usage":{{"prompt_tokens":{input},"completion_tokens":{output},"total_tokens":{total}}}}}"#
    )
}
