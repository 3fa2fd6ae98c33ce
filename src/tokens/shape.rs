//! Whose responses are understood.

/// Whose shapes of a response are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// All of them: their members have names of their own.
    Auto,
    /// `usage` of chat completions, completions, embeddings and responses, as
    /// OpenAI, Azure, vLLM, Ollama, TGI, Mistral and others say it.
    OpenAi,
    /// `usage` of messages.
    Anthropic,
    /// `usageMetadata` of Gemini, on Vertex AI too.
    Gemini,
}
