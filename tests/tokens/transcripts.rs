//! What providers send, cut anywhere.

use tollgate::tokens::{Framing, Shape, Usage};

use crate::{read, usage};

struct Transcript {
    name: &'static str,
    body: &'static [u8],
    shape: Shape,
    usage: Usage,
    /// Bytes of text, and events.
    text: u64,
    events: u64,
    /// What follows the byte with which the last word on usage has come.
    behind: &'static str,
}

macro_rules! transcript {
    ($name:literal, $shape:ident, $usage:expr, $text:literal, $events:literal, $behind:literal) => {
        Transcript {
            name: $name,
            body: include_bytes!(concat!("transcripts/", $name)),
            shape: Shape::$shape,
            usage: $usage,
            text: $text,
            events: $events,
            behind: $behind,
        }
    };
}

const fn no_output(tokens: u64) -> Usage {
    Usage {
        input: Some(tokens),
        output: None,
        total: Some(tokens),
    }
}

const fn no_total(input: u64, output: u64) -> Usage {
    Usage {
        input: Some(input),
        output: Some(output),
        total: None,
    }
}

const THEN_DONE: &str = "\n\ndata: [DONE]\n\n";

fn all() -> Vec<Transcript> {
    let mut all = vec![
        transcript!(
            "openai-chat.json",
            OpenAi,
            usage(1019, 110, 1129),
            106,
            0,
            "\n"
        ),
        transcript!("openai-chat.sse", OpenAi, usage(9, 12, 21), 18, 8, ""),
        transcript!(
            "openai-completions.json",
            OpenAi,
            usage(5, 7, 12),
            23,
            0,
            "\n"
        ),
        transcript!(
            "openai-responses.json",
            OpenAi,
            usage(328, 52, 380),
            30,
            0,
            "\n"
        ),
        transcript!(
            "openai-responses.sse",
            OpenAi,
            usage(37, 11, 48),
            9,
            7,
            "\n\n"
        ),
        transcript!("openai-embeddings.json", OpenAi, no_output(8), 0, 0, "\n"),
        transcript!("azure.sse", OpenAi, usage(14, 3, 17), 4, 5, ""),
        transcript!(
            "anthropic-messages.json",
            Anthropic,
            no_total(2209, 393),
            17,
            0,
            "\n"
        ),
        transcript!(
            "anthropic-messages.sse",
            Anthropic,
            no_total(1025, 89),
            38,
            11,
            ""
        ),
        transcript!("gemini.json", Gemini, usage(85, 60, 145), 20, 0, "\n"),
        transcript!("gemini.sse", Gemini, usage(8, 26, 34), 10, 2, "\r\n\r\n"),
        transcript!("gemini-array.json", Gemini, usage(8, 26, 34), 10, 0, "\n"),
        transcript!("vllm-continuous.sse", OpenAi, usage(17, 3, 20), 6, 5, ""),
        transcript!("ollama.sse", OpenAi, usage(26, 8, 34), 2, 3, ""),
        transcript!("tgi.sse", OpenAi, usage(40, 2, 42), 9, 3, ""),
    ];
    for transcript in &mut all {
        if transcript.body.ends_with(THEN_DONE.as_bytes()) {
            transcript.behind = THEN_DONE;
        }
    }
    let anthropic = all.iter_mut().find(|t| t.name == "anthropic-messages.sse");
    anthropic.unwrap().behind = concat!(
        "\n\nevent: message_stop\n",
        "data: {\"type\":\"message_stop\"}\n\n"
    );
    all
}

impl Transcript {
    fn framing(&self) -> Framing {
        if self.name.ends_with(".sse") {
            Framing::Events
        } else {
            Framing::Json
        }
    }
}

#[test]
fn usage_is_read_of_every_provider() {
    for transcript in all() {
        for shape in [Shape::Auto, transcript.shape] {
            let (usage, is_final, passed) = read(shape, transcript.framing(), [transcript.body]);
            assert_eq!(usage, transcript.usage, "{} {shape:?}", transcript.name);
            assert!(is_final && passed.readable, "{}", transcript.name);
            let found = (passed.text, passed.events, passed.bytes);
            let bytes = transcript.body.len() as u64;
            let expected = (transcript.text, transcript.events, bytes);
            assert_eq!(found, expected, "{}", transcript.name);
        }
    }
}

#[test]
fn nobody_elses_usage_is_read() {
    for transcript in all() {
        for shape in [Shape::OpenAi, Shape::Anthropic, Shape::Gemini] {
            // Both call it `usage`, and the same in part.
            let alike = matches!(shape, Shape::OpenAi | Shape::Anthropic)
                && transcript.shape != Shape::Gemini;
            if alike {
                continue;
            }
            let (usage, _, _) = read(shape, transcript.framing(), [transcript.body]);
            let is_read = shape == transcript.shape;
            assert_eq!(usage.is_empty(), !is_read, "{} {shape:?}", transcript.name);
        }
    }
}

#[test]
fn a_cut_changes_nothing() {
    for transcript in all() {
        let (framing, body) = (transcript.framing(), transcript.body);
        let whole = read(Shape::Auto, framing, [body]);
        for at in 0..=body.len() {
            let (before, behind) = body.split_at(at);
            let cut = read(Shape::Auto, framing, [before, behind]);
            assert_eq!(cut, whole, "{} cut at {at}", transcript.name);
        }
        let bytes = read(Shape::Auto, framing, body.chunks(1));
        assert_eq!(bytes, whole, "{} byte by byte", transcript.name);
    }
}

#[test]
fn the_last_word_comes_with_one_byte() {
    for transcript in all() {
        let body = transcript.body;
        assert!(
            body.ends_with(transcript.behind.as_bytes()),
            "{}",
            transcript.name
        );
        let last = body.len() - transcript.behind.len();
        for end in 0..=body.len() {
            let (usage, is_final, _) = read(Shape::Auto, transcript.framing(), [&body[..end]]);
            assert_eq!(is_final, end >= last, "{} up to {end}", transcript.name);
            if is_final {
                assert_eq!(usage, transcript.usage, "{} up to {end}", transcript.name);
            }
        }
    }
}
