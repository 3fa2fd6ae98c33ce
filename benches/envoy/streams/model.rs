//! What the model says, prepared beforehand, in the chunks of HTTP/1.1 that it says it in.

/// What a model sends, and says of itself.
pub const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n\
    content-type: text/event-stream; charset=utf-8\r\n\
    cache-control: no-cache\r\n\
    openai-processing-ms: 312\r\n\
    x-request-id: req_3f9a1c0b7d5e4a2f8c6b1d0e9f7a5c3b\r\n\
    transfer-encoding: chunked\r\n\r\n";

/// What ends a body in chunks.
pub const END: &[u8] = b"0\r\n\r\n";

/// Tokens that the model reports of each stream.
pub const TOKENS: u64 = 2_345;

/// One token of text, as OpenAI's chat completions send it.
pub fn token() -> Vec<u8> {
    chunk(concat!(
        r#"data: {"id":"chatcmpl-Bq3vXkQm2ZpL8sTn1YwJ4hRd","object":"chat.completion.chunk","#,
        r#""created":1764500000,"model":"gpt-4o-mini-2024-07-18","#,
        r#""choices":[{"index":0,"delta":{"content":" token"},"finish_reason":null}],"#,
        r#""usage":null}"#,
        "\n\n",
    ))
}

/// What follows the last of them: the usage, and that this is all.
pub fn farewell() -> Vec<u8> {
    chunk(&format!(
        concat!(
            r#"data: {{"id":"chatcmpl-Bq3vXkQm2ZpL8sTn1YwJ4hRd","object":"chat.completion.chunk","#,
            r#""created":1764500000,"model":"gpt-4o-mini-2024-07-18","choices":[],"#,
            r#""usage":{{"prompt_tokens":345,"completion_tokens":2000,"total_tokens":{}}}}}"#,
            "\n\ndata: [DONE]\n\n",
        ),
        TOKENS
    ))
}

fn chunk(events: &str) -> Vec<u8> {
    format!("{:x}\r\n{events}\r\n", events.len()).into_bytes()
}
