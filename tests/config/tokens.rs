//! Limits in tokens, how a route counts them, and what is decided by the model's name.

use std::num::NonZeroU32;
use std::rc::Rc;

use tollgate::config::Config;
use tollgate::tokens::{Policy, Reserve, Shape, UsageFrom};

use crate::errors::only;
use crate::{errors, with_limit, with_routes, with_source, with_top};

/// `tokens` of the only route, which has a limit in this unit.
fn policy(unit: &str, tokens: &str) -> Option<Rc<Policy>> {
    let json = counting(unit, tokens);
    let config =
        Config::parse(json.as_bytes()).unwrap_or_else(|errors| panic!("{json}: {errors:?}"));
    config.routes.last().tokens.clone()
}

fn counting(unit: &str, tokens: &str) -> String {
    format!(
        r#"{{"client_from": [{{"ip": {{}}}}], "limits": {{"tpm": {{"rate": "9/s", "unit": "{unit}"}}}},
            "routes": [{{"match": {{}}, "limits": ["tpm"]{tokens}}}]}}"#
    )
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

#[test]
fn rates_and_quotas_count_in_any_unit() {
    for unit in ["requests", "tokens", "input_tokens", "output_tokens"] {
        for fields in [
            r#""rate": "1/m""#,
            r#""quota": 9, "per": "day""#,
            r#""rate": "1/m", "mode": "shadow""#,
        ] {
            let json = with_limit(&format!(r#"{fields}, "unit": "{unit}""#));
            assert_eq!(errors(&json), [""; 0], "{json}");
        }
    }
}

#[test]
fn units() {
    let all = r#""requests", "tokens", "input_tokens" or "output_tokens""#;
    for (fields, expected) in [
        (
            r#""rate": "1/m", "unit": "token""#,
            format!("expected {all}, found \"token\""),
        ),
        (
            r#""rate": "1/m", "unit": "Tokens""#,
            format!("expected {all}, found \"Tokens\""),
        ),
        (
            r#""rate": "1/m", "unit": null"#,
            format!("expected {all}, found null"),
        ),
        (
            r#""concurrency": 4, "unit": "tokens""#,
            "expected no unit, since slots are counted, found one".into(),
        ),
    ] {
        only(&with_limit(fields), &format!("limits.rpm.unit: {expected}"));
    }
    // What a limit counts is the same in every plan.
    let plan = r#""client_from": [{"ip": {}}], "plan_from": [{"constant": "pro"}],
                  "limits": {"tpm": {"rate": "9/s"}}, "plans": {"pro": {"tpm": {"unit": "tokens"}}}"#;
    only(
        &format!("{{{plan}}}"),
        "plans.pro.tpm: expected only the fields \"rate\", \"burst\", \"quota\", \"concurrency\", \"mode\", found an unknown field \"unit\"",
    );
}

#[test]
fn the_defaults_hold_where_some_limit_counts_tokens() {
    assert_eq!(policy("tokens", ""), Some(Rc::default()));
    assert_eq!(policy("tokens", r#", "tokens": {}"#), Some(Rc::default()));
    assert_eq!(policy("requests", ""), None);
    let reserve = Reserve::default();
    assert_eq!(
        [
            reserve.bytes_per_token,
            reserve.max_input,
            reserve.output,
            reserve.max_output
        ],
        [4, 32_768, 512, 8_192].map(number)
    );
    assert_eq!(Policy::default().max_body, number(65_536));
}

#[test]
fn all_of_it_may_be_said() {
    let tokens = r#", "tokens": {
        "usage": "anthropic", "max_body": 1024, "hold": true, "include_usage": true,
        "reserve": {"bytes_per_token": 3, "max_input": 1e3, "output": 10, "max_output": 4294967295}}"#;
    let expected = Policy {
        usage: UsageFrom::Body(Shape::Anthropic),
        reserve: Reserve {
            bytes_per_token: number(3),
            max_input: number(1_000),
            output: number(10),
            max_output: number(u32::MAX),
        },
        max_body: number(1_024),
        hold: true,
        include_usage: true,
    };
    assert_eq!(policy("tokens", tokens).as_deref(), Some(&expected));
    let header = r#", "tokens": {"usage": {"response_header": "X-Usage-Tokens"}}"#;
    let found = policy("tokens", header).unwrap();
    assert_eq!(found.usage, UsageFrom::Header("x-usage-tokens".into()));
}

#[test]
fn tokens_of_a_route() {
    let usage = r#"expected "auto", "openai", "anthropic", "gemini" or an object such as {"response_header": "x-usage-tokens"}"#;
    let least = "expected a whole number of at least 1";
    for (tokens, expected) in [
        ("5", ": expected an object, such as {\"max_body\": 65536}, found 5".to_owned()),
        (r#"{"reserv": {}}"#, ": expected only the fields \"usage\", \"reserve\", \"max_body\", \"hold\", \"include_usage\", found an unknown field \"reserv\"".into()),
        (r#"{"usage": "vllm"}"#, format!(".usage: {usage}, found \"vllm\"")),
        (r#"{"usage": null}"#, format!(".usage: {usage}, found null")),
        (r#"{"usage": {}}"#, ".usage.response_header: expected the name of a header, found nothing".into()),
        (r#"{"usage": {"header": "x"}}"#, ".usage.response_header: expected the name of a header, found nothing".into()),
        (r#"{"usage": {"response_header": "a b"}}"#, ".usage.response_header: expected the name of a header, such as \"x-usage-tokens\", found \"a b\"".into()),
        (r#"{"reserve": 5}"#, ".reserve: expected an object, such as {\"output\": 512}, found 5".into()),
        (r#"{"reserve": {"input": 5}}"#, ".reserve: expected only the fields \"bytes_per_token\", \"max_input\", \"output\", \"max_output\", found an unknown field \"input\"".into()),
        (r#"{"reserve": {"bytes_per_token": 0}}"#, format!(".reserve.bytes_per_token: {least}, found 0")),
        (r#"{"reserve": {"bytes_per_token": 3.5}}"#, format!(".reserve.bytes_per_token: {least}, found 3.5")),
        (r#"{"reserve": {"max_input": 0}}"#, format!(".reserve.max_input: {least}, found 0")),
        (r#"{"reserve": {"output": "512"}}"#, format!(".reserve.output: {least}, found \"512\"")),
        (r#"{"reserve": {"max_output": -1}}"#, format!(".reserve.max_output: {least}, found -1")),
        (r#"{"max_body": 4294967296}"#, ".max_body: expected a whole number from 1 to 4294967295, found 4294967296".into()),
        (r#"{"hold": "yes"}"#, ".hold: expected true or false, found \"yes\"".into()),
        (r#"{"include_usage": 1}"#, ".include_usage: expected true or false, found 1".into()),
    ] {
        let json = counting("tokens", &format!(r#", "tokens": {tokens}"#));
        let found = errors(&json);
        let expected = format!("routes[0].tokens{expected}");
        assert!(found.contains(&expected), "{tokens}: {found:?}");
    }
}

#[test]
fn a_header_tells_no_parts() {
    for unit in ["input_tokens", "output_tokens"] {
        let tokens = r#", "tokens": {"usage": {"response_header": "x"}}"#;
        let expected = "limits in tokens beside a header, which tells both together";
        only(
            &counting(unit, tokens),
            &format!("routes[0].tokens.usage: expected {expected}, found \"tpm\" (in {unit})"),
        );
    }
}

#[test]
fn every_error_of_tokens_at_once() {
    let tokens = r#", "tokens": {"usage": 5, "hold": 5, "reserve": {"output": 0, "max_input": 0}}"#;
    assert_eq!(errors(&counting("tokens", tokens)).len(), 4);
}

#[test]
fn models() {
    let name = "a model's name, or how several begin, such as \"gpt-4o\" or \"gpt-*\"";
    for (model, found) in [
        (r#""""#, r#""""#),
        (r#""*""#, r#""*""#),
        (r#""gpt-*-mini""#, r#""gpt-*-mini""#),
        (r#""gpt**""#, r#""gpt**""#),
        ("5", "5"),
        (r#"["gpt"]"#, "a list"),
    ] {
        let routes = format!(
            r#"[{{"match": {{"model": {model}}}, "limits": []}}, {{"match": {{}}, "limits": []}}]"#
        );
        only(
            &with_routes(&routes),
            &format!("routes[0].match.model: expected {name}, found {found}"),
        );
    }
    for model in ["gpt-4o", "gpt-*", "meta/Llama 3.1:8b"] {
        let routes = format!(
            r#"[{{"match": {{"model": "{model}"}}, "limits": []}}, {{"match": {{}}, "limits": ["rpm"]}}]"#
        );
        assert_eq!(errors(&with_routes(&routes)), [""; 0], "{model}");
    }
    only(
        &with_routes(r#"[{"match": {"model": "gpt-*"}, "limits": []}]"#),
        "routes[0].match: expected {} in the last route, so that every request has one, found conditions",
    );
}

#[test]
fn a_body_as_a_source() {
    for (source, expected) in [
        (
            r#"{"body": "user"}"#,
            "client_from[0].body: expected \"model\", found \"user\"",
        ),
        (
            r#"{"body": {}}"#,
            "client_from[0].body: expected \"model\", found an object",
        ),
    ] {
        only(&with_source(source), expected);
    }
    let all = r#"{"all": [{"header": "x-api-key"}, {"body": "model"}]}"#;
    for source in [r#"{"body": "model"}"#, all] {
        assert_eq!(errors(&with_source(source)), [""; 0], "{source}");
    }
    // The kind of its id, as of every source that is no credential.
    let listed = r#""client_from": [{"body": "model"}], "limits": {"rpm": {"rate": "9/s"}},
        "plans": {"pro": {"rpm": {"rate": "1/m"}}}, "clients": {"body:gpt-4o": {"plan": "pro"}}"#;
    assert_eq!(errors(&format!("{{{listed}}}")), [""; 0]);
    only(
        &with_top(r#""plans": {"pro": {}}, "clients": {"body:gpt-4o": {"plan": "pro"}}"#),
        "clients (entry 1): expected a source \"body\" in client_from, which could yield this id, found none",
    );
}
