//! What went wrong, by what the other side said: shapes recorded from Webdis
//! 0.1.9 and 0.1.23, the nginx bridge and SRH, and from Upstash's documentation.

use tollgate::redis::FailureClass::{
    self, Bridge as Bridged, BridgeAuth, Malformed, NoScript, NotWritable, RedisAuth, State,
    Timeout, Topology, Unreachable,
};
use tollgate::redis::{Bridge, Failure, Verb};

use crate::call;

fn failure(bridge: Bridge, status: Option<u16>, body: &str) -> Failure {
    let answer = bridge.decode(Verb::EvalSha, &call(77, 1), status, body.as_bytes());
    answer.expect_err(body)
}

#[track_caller]
fn assert_class(bridge: Bridge, status: u16, body: &str, class: FailureClass) {
    let failure = failure(bridge, Some(status), body);
    assert_eq!(failure.class, class, "{bridge:?} {status} {body}");
}

/// Both bridges hand on Redis' own words.
const REDIS: [(&str, FailureClass); 24] = [
    ("NOSCRIPT No matching script. Please use EVAL.", NoScript),
    ("NOAUTH Authentication required.", RedisAuth),
    (
        "WRONGPASS invalid username-password pair or user is disabled.",
        RedisAuth,
    ),
    (
        "NOPERM this user has no permissions to access one of the keys used as arguments",
        RedisAuth,
    ),
    (
        "ERR The user executing the script can't run this command or subcommand",
        RedisAuth,
    ),
    (
        "READONLY You can't write against a read only replica.",
        NotWritable,
    ),
    (
        "LOADING Redis is loading the dataset in memory",
        NotWritable,
    ),
    ("MASTERDOWN Link with MASTER is down", NotWritable),
    ("CLUSTERDOWN Hash slot not served", NotWritable),
    ("NOREPLICAS Not enough good replicas to write.", NotWritable),
    (
        "MISCONF Errors writing to the AOF file: No space left on device",
        NotWritable,
    ),
    (
        "TRYAGAIN Multiple keys request during rehashing of slot",
        NotWritable,
    ),
    ("BUSY Redis is busy running a script.", NotWritable),
    (
        "OOM command not allowed when used memory > 'maxmemory'. script: 5f, on @user_script:1.",
        NotWritable,
    ),
    ("MOVED 12182 127.0.0.1:16392", Topology),
    ("ASK 12182 127.0.0.1:16392", Topology),
    (
        "CROSSSLOT Keys in request don't hash to the same slot",
        Topology,
    ),
    (
        "ERR Script attempted to access a non local key in a cluster node",
        Topology,
    ),
    (
        "WRONGTYPE Operation against a key holding the wrong kind of value",
        State,
    ),
    ("TOLLGATE key 1: period", State),
    ("ERR unknown command 'EVALSHA'", State),
    ("OOMPH is another word", State),
    ("the word NOSCRIPT is not the first", State),
    ("ERR", State),
];

#[test]
fn redis_errors_are_told_apart_by_their_first_word() {
    for (message, class) in REDIS {
        let shown = serde_json::to_string(message).unwrap();
        let upstash = format!(r#"{{"error":{shown}}}"#);
        // The nginx bridge says 400; in a pipeline it is 200.
        assert_class(Bridge::Upstash, 400, &upstash, class);
        assert_class(Bridge::Upstash, 200, &upstash, class);
        let webdis = format!(r#"{{"EVALSHA":[false,{shown}]}}"#);
        assert_class(Bridge::Webdis, 200, &webdis, class);
        let kept = failure(Bridge::Webdis, Some(200), &webdis).message;
        assert_eq!(kept, message);
    }
}

/// Only one of the two says so with `false`.
#[test]
fn an_error_of_the_other_dialect_is_none() {
    assert_class(
        Bridge::Upstash,
        200,
        r#"{"result":[false,"NOSCRIPT No"]}"#,
        Malformed,
    );
    assert_class(Bridge::Webdis, 200, r#"{"error":"NOSCRIPT No"}"#, Malformed);
    assert_class(
        Bridge::Webdis,
        400,
        r#"{"EVALSHA":[false,"NOSCRIPT No"]}"#,
        Bridged,
    );
    for list in [
        r#"[true,"NOSCRIPT"]"#,
        r#"[false]"#,
        "[false,5]",
        r#"[false,"NOSCRIPT",1]"#,
    ] {
        assert_class(
            Bridge::Webdis,
            200,
            &format!(r#"{{"EVALSHA":{list}}}"#),
            Malformed,
        );
    }
}

#[test]
fn statuses() {
    let html = "<html><head><title>413 Request Entity Too Large</title></head></html>";
    for bridge in [Bridge::Upstash, Bridge::Webdis] {
        for (status, body, class) in [
            (401, "", BridgeAuth),
            (
                401,
                r#"{"error":"WRONGPASS invalid or missing auth token"}"#,
                BridgeAuth,
            ),
            (403, "", BridgeAuth),
            (500, "", Unreachable),
            (
                500,
                r#"{"error":"SRH: Unable to connect to the Redis server"}"#,
                Unreachable,
            ),
            (502, html, Unreachable),
            (503, "", Unreachable),
            (
                503,
                "upstream connect error or disconnect/reset before headers",
                Unreachable,
            ),
            (
                503,
                r#"{"error":"BRIDGE connect connection refused"}"#,
                Unreachable,
            ),
            (504, "", Timeout),
            (504, "upstream request timeout", Timeout),
            (504, r#"{"error":"BRIDGE read timeout"}"#, Timeout),
            (400, "", Bridged),
            (400, html, Bridged),
            (404, html, Bridged),
            (405, r#"{"error":"ERR method not allowed"}"#, Bridged),
            (413, html, Bridged),
            (429, "", Bridged),
            (501, "", Bridged),
            (302, "", Bridged),
            (204, "", Bridged),
            (0, "", Bridged),
            (65_535, "", Bridged),
            // Of a success that was not one.
            (200, "", Malformed),
            (200, html, Malformed),
            (200, "{}", Malformed),
            (200, "[]", Malformed),
            (200, "null", Malformed),
            (200, "{\"EVALSHA\":null,\"result\":null}", Malformed),
            (200, "{\"EVALSHA\":[1,77", Malformed),
            (200, "\u{0}", Malformed),
            (200, r#"[{"result":[1,77,5,1,1,1,9,0,1,0,0]}]"#, Malformed),
        ] {
            assert_class(bridge, status, body, class);
        }
        assert_eq!(failure(bridge, None, "").class, Unreachable);
        let answer = r#"{"EVALSHA":[1,77,5,1,1,1,9,0,1,0,0],"result":[1,77,5,1,1,1,9,0,1,0,0]}"#;
        assert_eq!(failure(bridge, None, answer).class, Unreachable);
        // Nothing that is not a success is one for its body.
        for status in [201, 206, 400, 500] {
            failure(bridge, Some(status), answer);
        }
        // Deeper than any reader should follow.
        let deep = format!("{{\"EVALSHA\":{0},\"result\":{0}}}", "[".repeat(20_000));
        assert_class(bridge, 200, &deep, Malformed);
    }
}

#[test]
fn what_only_upstash_says() {
    for (status, body, class) in [
        (
            400,
            r#"{"error":"ERR max daily request limit exceeded. Limit: 10000"}"#,
            Unreachable,
        ),
        (
            400,
            r#"{"error":"ERR max requests limit exceeded"}"#,
            Unreachable,
        ),
        (
            400,
            r#"{"error":"BRIDGE connect connection refused"}"#,
            Unreachable,
        ),
        // SRH's word for a token that is not there or not its own.
        (
            400,
            r#"{"error":"Missing/Invalid authorization header"}"#,
            BridgeAuth,
        ),
        (
            200,
            r#"{"result":[1,77,5,1,1,1,9,0,1,0,0],"error":"OOM no"}"#,
            NotWritable,
        ),
        (200, r#"{"error":5}"#, Malformed),
        (400, r#"{"error":{"NOSCRIPT":1}}"#, Bridged),
        (400, r#"{"result":[1,77,5,1,1,1,9,0,1,0,0]}"#, Bridged),
    ] {
        assert_class(Bridge::Upstash, status, body, class);
    }
}

/// An answer goes into the operator's log.
#[test]
fn a_message_is_short_and_breaks_no_line() {
    let body = format!(
        r#"{{"error":"OOM a\nb\u001b[31m\u0085{}"}}"#,
        "é".repeat(1000)
    );
    let failure = failure(Bridge::Upstash, Some(400), &body);
    assert_eq!(failure.message.chars().count(), 160);
    assert!(!failure.message.contains(char::is_control));
    assert!(failure
        .to_string()
        .starts_with("takes no writes for now: OOM a b [31m é"));
    let bytes = Bridge::Webdis.decode(Verb::EvalSha, &call(1, 1), Some(500), b"\xff\n\xfe");
    assert_eq!(bytes.unwrap_err().message, "status 500, \u{fffd} \u{fffd}");
}

#[test]
fn each_class_has_its_own_number_and_words() {
    let all = FailureClass::ALL;
    for (index, class) in all.iter().enumerate() {
        assert_eq!(class.index(), index);
    }
    let words: std::collections::BTreeSet<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), all.len());
}
