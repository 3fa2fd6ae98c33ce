//! Where a model says what it took.

use super::{asking, chat, gateway, left, SLOW};
use crate::host::Request;

#[test]
fn a_header_of_the_response_may_say_it() {
    let gateway = gateway(&format!(
        r#""limits": {{"tpm": {{{SLOW}}}}}, "status": {{"path": "/status"}},
           "routes": [{{"match": {{}}, "limits": ["tpm"],
                        "tokens": {{"usage": {{"response_header": "X-Usage-Tokens"}}}}}}]"#
    ));
    let mut call = chat(&gateway, &asking(100));
    call.respond(200, &[("x-usage-tokens", " 77 ")]);
    call.receive("anything", false);
    call.reset();
    assert_eq!(left(&gateway, "tpm"), 10_000 - 77);
    assert_eq!(gateway.counter("tollgate.tokens.unreported"), 0);
    for nonsense in ["", "many", "-4", "1.5", "99999999999999999999999"] {
        let before = left(&gateway, "tpm");
        let mut call = chat(&gateway, "{}");
        call.respond_to_end(200, &[("x-usage-tokens", nonsense)], true);
        call.end();
        assert_eq!(left(&gateway, "tpm"), before - 513, "{nonsense}");
    }
}

#[test]
fn a_response_that_can_be_read_is_asked_for() {
    let with = |tokens: &str| {
        let gateway = gateway(&format!(
            r#""limits": {{"tpm": {{{SLOW}}}, "rpm": {{"rate": "9/s"}}}},
               "routes": [{{"match": {{"prefix": "/v1/"}}, "limits": ["tpm"], "tokens": {tokens}}},
                          {{"match": {{}}, "limits": ["rpm"]}}]"#
        ));
        let request = Request::chat("alice").header("accept-encoding", "gzip, br");
        let call = gateway.exchange(&request);
        let counted = call.forwarded("accept-encoding");
        call.reset();
        let other = gateway.exchange(&request.with(":path", "/other"));
        assert_eq!(other.forwarded("accept-encoding").unwrap(), "gzip, br");
        other.reset();
        counted
    };
    assert_eq!(with("{}"), None);
    assert_eq!(
        with(r#"{"usage": {"response_header": "x"}}"#).unwrap(),
        "gzip, br"
    );
}

#[test]
fn headers_show_tokens_in_every_dialect() {
    let gateway = gateway(
        r#""limits": {"rpm": {"rate": "1/s", "burst": 100},
                      "tpm": {"rate": "10/s", "burst": 1000, "unit": "tokens"},
                      "itpm": {"rate": "10/s", "burst": 2000, "unit": "input_tokens"},
                      "otpm": {"rate": "10/s", "burst": 3000, "unit": "output_tokens"}},
           "feedback": {"headers": ["ratelimit", "openai", "anthropic"]}"#,
    );
    let answer = gateway.call(&Request::chat("alice"), r#"{"max_tokens":588}"#, "{}");
    let header = |name: &str| answer.header(name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(
        header("ratelimit-policy"),
        r#""rpm";q=100;w=100, "tpm";q=1000;qu="tokens";w=100, "itpm";q=2000;qu="input_tokens";w=200, "otpm";q=3000;qu="output_tokens";w=300"#
    );
    assert_eq!(header("ratelimit"), r#""tpm";r=407;t=60;qu="tokens""#);
    assert_eq!(header("x-ratelimit-remaining-requests"), "99");
    assert_eq!(header("x-ratelimit-limit-tokens"), "1000");
    assert_eq!(header("x-ratelimit-remaining-tokens"), "407");
    assert_eq!(header("x-ratelimit-reset-tokens"), "1m0s");
    assert_eq!(header("anthropic-ratelimit-tokens-remaining"), "407");
    assert_eq!(header("anthropic-ratelimit-input-tokens-remaining"), "1995");
    assert_eq!(
        header("anthropic-ratelimit-output-tokens-remaining"),
        "2412"
    );
    assert_eq!(header("anthropic-ratelimit-output-tokens-limit"), "3000");
}
