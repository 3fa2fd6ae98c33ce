//! How a stream of events is taken apart (WHATWG HTML, section 9.2.6).

use crate::{events, usage};

const DOCUMENT: &str = r#"{"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#;

/// The document over several lines, as several lines of data are joined.
const LINES: [&str; 3] = [
    r#"{"usage":{"prompt_tokens":1,"#,
    r#""completion_tokens":2"#,
    r#","total_tokens":3}}"#,
];

#[test]
fn an_event_is_understood_in_all_its_spellings() {
    for body in [
        format!("data: {DOCUMENT}\n\n"),
        format!("data:{DOCUMENT}\n\n"),
        format!("data:   {DOCUMENT}\n\n"),
        format!("data: {DOCUMENT}\r\n\r\n"),
        format!("data: {DOCUMENT}\r\r"),
        format!("\u{FEFF}data: {DOCUMENT}\n\n"),
        format!("\r\ndata: {DOCUMENT}\r\n\n"),
        format!(": comment\ndata: {DOCUMENT}\n\n"),
        format!(":\n\nevent: x\nid: 7\nretry: 10\ndata: {DOCUMENT}\nid\n\n"),
        format!("data\ndata: {DOCUMENT}\n\n"),
        format!(
            "data: {}\ndata: {}\r\nevent: x\rdata: {}\n\n",
            LINES[0], LINES[1], LINES[2]
        ),
        format!("data: {}\nda\ndata: {}{}\n\n", LINES[0], LINES[1], LINES[2]),
        // Without the blank line: what was complete counts.
        format!("data: {DOCUMENT}\n"),
        format!("data: {DOCUMENT}"),
        // What came before has no part in it.
        format!("data: {{\"a\":[\"\n\ndata: {DOCUMENT}\n\n"),
        format!("data: \"\\\n\ndata: {DOCUMENT}\n\n"),
        format!("data: \0\u{1}<html>\n\ndata: {DOCUMENT}\n\n"),
        format!("{{\"garbage\n\ndata: {DOCUMENT}\n\n"),
    ] {
        let (found, _, passed) = events(&body);
        assert_eq!(found, usage(1, 2, 3), "{body:?}");
        assert!(passed.readable, "{body:?}");
    }
}

#[test]
fn what_is_no_data_does_not_count() {
    for body in [
        format!("event: {DOCUMENT}\n\n"),
        format!(": {DOCUMENT}\n\n"),
        format!(" data: {DOCUMENT}\n\n"),
        format!("Data: {DOCUMENT}\n\n"),
        format!("data : {DOCUMENT}\n\n"),
        format!("datas: {DOCUMENT}\n\n"),
        format!("dat\na: {DOCUMENT}\n\n"),
        format!("data\r: {DOCUMENT}\n\n"),
        format!("{DOCUMENT}\n\n"),
        format!("\u{FEFF}\u{FEFF}data: {DOCUMENT}\n\n"),
        format!("data: \"\n\ndata: x\ndata: {DOCUMENT}\n\n"),
    ] {
        assert!(events(&body).0.is_empty(), "{body:?}");
    }
}

/// The line feed between two lines of data ends a number.
#[test]
fn a_number_does_not_go_on_in_the_next_line() {
    let (found, _, _) = events("data: {\"usage\":{\"total_tokens\":12\ndata: 34}}\n\n");
    assert_eq!(found.total, Some(12));
}

#[test]
fn events_with_data_are_counted() {
    for (body, count) in [
        ("", 0),
        ("\n\n\n\n", 0),
        (": ping\n\n", 0),
        ("event: ping\n\n", 0),
        ("data: [DONE]\n\n", 0),
        ("data:[DONE]", 0),
        ("data: {}\n\n", 1),
        ("data: {}", 1),
        ("data: {}\n\n\n\ndata: {}\n\n", 2),
        ("data: {\ndata: }\n\n", 1),
        ("data: {}\r\n\r\ndata: {}\r\n\r\ndata: [DONE]\r\n\r\n", 2),
        ("data: [DO\n\n", 1),
        ("data: [DONE]]\n\n", 1),
        ("data: [DO\ndata: NE]\n\n", 1),
        ("data:\n\n", 0),
    ] {
        assert_eq!(events(body).2.events, count, "{body:?}");
    }
}

#[test]
fn only_events_of_json_are_readable() {
    for (body, readable) in [
        ("", false),
        ("data: [DONE]\n\n", false),
        ("data: hello\n\n", false),
        ("data: 12\n\n", false),
        ("event: x\n\n", false),
        ("{}\n\n", false),
        ("data: {", true),
        ("data: {}\n\ndata: nonsense\n\n", true),
        ("data: {\"a\":\n\n", false),
    ] {
        assert_eq!(events(body).2.readable, readable, "{body:?}");
    }
}
