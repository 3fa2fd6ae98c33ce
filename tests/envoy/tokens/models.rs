//! Routes by the model that a body names: the right limits, whatever the body looks like.

use super::*;

const LIMITS: &str = r#"
  "gpt": {"rate": "2/h", "burst": 100000, "unit": "tokens"},
  "claude": {"rate": "2/h", "burst": 100000, "unit": "tokens"},
  "each": {"rate": "2/h", "burst": 100000, "unit": "tokens", "client_from": [{"body": "model"}]},
  "rest": {"rate": "2/h", "burst": 100000, "unit": "tokens"}"#;

fn routes(tokens: &str) -> String {
    format!(
        r#", "routes": [
    {{"match": {{"model": "gpt-*"}}, "limits": ["gpt", "each"], "tokens": {{{tokens}}}}},
    {{"match": {{"model": "claude"}}, "limits": ["claude", "each"], "tokens": {{{tokens}}}}},
    {{"match": {{}}, "limits": ["rest"], "tokens": {{{tokens}}}}}]"#
    )
}

/// Without and with the flag, and with what the flag makes possible.
const WAYS: [(&str, bool); 3] = [("", false), ("", true), (r#""hold": true"#, true)];

const CLOSE: &str = "application/json\r\nconnection: close";

/// Which limits a body is charged to, once 27 tokens are settled.
fn charged(play: &Play, key: &str, body: &[u8]) -> Vec<&'static str> {
    let exchange = play.send(&post(CHAT, key, body));
    let mut upstream = play.upstream.accept();
    assert!(upstream.request().body == body);
    upstream.answer(200, CLOSE, usage(7, 20).as_bytes());
    let answer = exchange.answer().expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let names = ["gpt", "claude", "rest"];
    let mut charged = Vec::new();
    let settled = eventually(PATIENCE, || {
        let spent = names.map(|name| BUDGET - left(&play.envoy, key, name));
        charged = names.into_iter().zip(spent).collect();
        charged.retain(|(_, spent)| *spent > 0);
        charged.iter().all(|(_, spent)| *spent == 27).then_some(())
    });
    assert!(settled.is_some(), "{charged:?}");
    charged.into_iter().map(|(name, _)| name).collect()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_body_is_charged_to_its_model_s_limits() {
    let filler = "x".repeat(100_000);
    let last =
        format!(r#"{{"messages":[{{"model":"claude","content":"{filler}"}}],"model":"gpt-5"}}"#);
    for (tokens, flag) in WAYS {
        let play = Play::start(LIMITS, &routes(tokens), flag);
        let cases: [(&[u8], &str); 13] = [
            (br#"{"model":"gpt-5","n":1}"#, "gpt"),
            (br#"{"model":"claude"}"#, "claude"),
            (br#"{"model":"claude-2"}"#, "rest"),
            (br#"{"model":"other"}"#, "rest"),
            (br#"{"n":1,"m":{"model":"claude"},"model":"gpt-5"}"#, "gpt"),
            (br#"{"mo\u0064el":"gp\u0074-5"}"#, "gpt"),
            (b" \r\n {\"model\" : \"claude\" } \n", "claude"),
            (br#"{"model":"claude","model":"claude"}"#, "claude"),
            (last.as_bytes(), "gpt"),
            (&utf16(r#"{"model":"claude"}"#), "rest"),
            (b"\x80\x81 garbage", "rest"),
            (br#"{"model":"claude""#, "rest"),
            (br#"["model","claude"]"#, "rest"),
        ];
        for (number, (body, limit)) in cases.into_iter().enumerate() {
            let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            let key = format!("key-{number}");
            assert_eq!(
                charged(&play, &key, body),
                [limit],
                "{shown} {tokens} {flag}"
            );
        }
        play.envoy.assert_vm_lives();
    }
}

#[test]
fn two_models_in_one_body_are_refused() {
    for (tokens, flag) in WAYS {
        let play = Play::start(LIMITS, &routes(tokens), flag);
        for body in [
            r#"{"model":"gpt-5","model":"claude"}"#,
            r#"{"model":"gpt-5","mod\u0065l":"claude"}"#,
            r#"{"Model":"gpt-5","model":"claude"}"#,
        ] {
            let answer = play.send(&post(CHAT, "alice", body.as_bytes())).answer();
            assert_eq!(answer.expect("an answer").status, 400, "{body}");
        }
        for name in ["gpt", "claude", "rest"] {
            assert_eq!(left(&play.envoy, "alice", name), BUDGET);
        }
        play.envoy.assert_vm_lives();
    }
}

/// Nobody's answer is for nothing because it came before the route was known.
#[test]
fn an_answer_before_the_model_is_named_is_charged() {
    for flag in BOTH {
        let play = Play::start(LIMITS, &routes(""), flag);
        let mut exchange = play.send(&head(
            CHAT,
            "alice",
            "content-length: 1000\r\nconnection: close\r\n",
        ));
        exchange.write(b"{\"mod");
        let mut upstream = play.upstream.accept();
        upstream.until_body(5);
        upstream.answer(200, CLOSE, usage(7, 20).as_bytes());
        assert_eq!(exchange.answer().expect("an answer").status, 200);
        let mut spent = 0;
        let settled = eventually(PATIENCE, || {
            spent = BUDGET - left(&play.envoy, "alice", "rest");
            (spent == 27).then_some(())
        });
        assert!(settled.is_some(), "{spent}");
        play.envoy.assert_vm_lives();
    }
}

/// With `hold` the upstream has seen nothing when the body decides.
#[test]
fn a_held_request_is_unseen_until_its_body_is_read() {
    let tagged = r#""tpm": {"rate": "1/d", "burst": 600, "unit": "tokens", "mode": "tag"}"#;
    let more = r#", "routes": [{"match": {}, "limits": ["tpm"], "tokens": {"hold": true}}]"#;
    let play = Play::start(tagged, more, true);
    for (turn, over) in [None, Some("tpm")].into_iter().enumerate() {
        let body = r#"{"model":"m","max_tokens":590}"#;
        let lines = format!(
            "x-tollgate-over: mine\r\ncontent-length: {}\r\n",
            body.len()
        );
        let mut exchange = play.send(&head(CHAT, "alice", &lines));
        exchange.write(&body.as_bytes()[..20]);
        std::thread::sleep(Duration::from_millis(60));
        assert!(play.upstream.accepted().is_none(), "seen in turn {turn}");
        exchange.write(&body.as_bytes()[20..]);
        let mut upstream = play.upstream.accept();
        let seen = upstream.request();
        assert_eq!(seen.header("x-tollgate-over"), over, "{}", seen.head);
        assert_eq!(seen.text(), body);
        upstream.answer(200, CLOSE, usage(500, 90).as_bytes());
        assert_eq!(exchange.answer().expect("an answer").status, 200);
    }
    play.envoy.assert_vm_lives();
}

#[test]
fn a_held_request_that_is_denied_is_never_seen() {
    let limit = r#""tpm": {"rate": "1/d", "burst": 600, "unit": "tokens"}"#;
    let more = r#", "routes": [{"match": {}, "limits": ["tpm"], "tokens": {"hold": true}}]"#;
    let play = Play::start(limit, more, true);
    let body = r#"{"max_tokens":300}"#;
    let first = play.send(&post(CHAT, "alice", body.as_bytes()));
    let mut upstream = play.upstream.accept();
    upstream.request();
    let mut denied = play.send(&post(CHAT, "alice", body.as_bytes()));
    assert_eq!(denied.next().expect("an answer").status, 429);
    denied.write(b"GET /status HTTP/1.1\r\nhost: x\r\nx-api-key: alice\r\n\r\n");
    let status = denied.next().expect("a connection that goes on");
    assert_eq!(status.json()["limits"][0]["remaining"], 600 - 305);
    assert!(play.upstream.accepted().is_none(), "seen");
    upstream.answer(200, CLOSE, usage(1, 1).as_bytes());
    assert_eq!(first.answer().expect("an answer").status, 200);
    play.envoy.assert_vm_lives();
}
