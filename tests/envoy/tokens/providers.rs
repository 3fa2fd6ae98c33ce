//! What providers have sent, through a real Envoy: unaltered, and settled to the token.

use super::*;

macro_rules! transcript {
    ($name:literal, $used:literal) => {
        (
            $name,
            include_bytes!(concat!("../../tokens/transcripts/", $name)).as_slice(),
            $used,
        )
    };
}

/// With the tokens that each of them reports.
const ALL: [(&str, &[u8], u64); 15] = [
    transcript!("openai-chat.json", 1_129),
    transcript!("openai-chat.sse", 21),
    transcript!("openai-completions.json", 12),
    transcript!("openai-embeddings.json", 8),
    transcript!("openai-responses.json", 380),
    transcript!("openai-responses.sse", 48),
    transcript!("azure.sse", 17),
    transcript!("anthropic-messages.json", 2_602),
    transcript!("anthropic-messages.sse", 1_114),
    transcript!("gemini.json", 145),
    transcript!("gemini.sse", 34),
    transcript!("gemini-array.json", 34),
    transcript!("vllm-continuous.sse", 20),
    transcript!("ollama.sse", 34),
    transcript!("tgi.sse", 42),
];

#[test]
fn each_is_settled_to_what_it_reports() {
    let play = Play::start(TPM, "", false);
    for (name, body, used) in ALL {
        let exchange = play.send(&post(CHAT, name, b"{}"));
        let mut upstream = play.upstream.accept();
        upstream.request();
        let kind = match name.ends_with(".sse") {
            true => EVENTS,
            false => JSON,
        };
        upstream.answer(200, &format!("{kind}\r\nconnection: close"), body);
        let answer = exchange.answer().expect("an answer");
        assert!(answer.body == body, "{name} is altered");
        play.spent(name, used);
    }
    assert_eq!(play.counted("tokens.unreported"), 0);
    play.envoy.assert_vm_lives();
}
