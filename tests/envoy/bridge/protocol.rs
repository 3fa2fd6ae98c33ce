//! What one may send, what comes back, and what is refused.

use super::{error, patient, result, Caller, WRITE};
use crate::harness::{raw, Client, Redis};

#[test]
fn every_reply_of_redis_is_json() {
    let redis = Redis::start();
    let bridge = patient(&redis);
    let caller = Caller::of(&bridge);
    let eval = |script: &str| caller.ask(&format!(r#"["EVAL","{script}",0]"#));

    assert_eq!(caller.ask(r#"["PING"]"#), result(r#""PONG""#));
    assert_eq!(caller.ask(r#"["ping"]"#), result(r#""PONG""#));
    assert_eq!(caller.ask(WRITE), result(r#""OK""#));
    assert_eq!(eval("return 9007199254740992"), result("9007199254740992"));
    assert_eq!(
        eval("return -1795314370064528"),
        result("-1795314370064528")
    );
    assert_eq!(eval("return false"), result("null"));
    assert_eq!(eval("return {}"), result("[]"));
    assert_eq!(eval("return ''"), result(r#""""#));
    assert_eq!(
        eval(r"return {1,'a\\r\\n\\34',false,{2,{3}},0}"),
        result(r#"[1,"a\r\n\"",null,[2,[3]],0]"#)
    );
    assert_eq!(
        eval("return redis.error_reply('RLSTATE key 1')"),
        error(400, "RLSTATE key 1")
    );
    // An error within an array is not hidden.
    assert_eq!(
        eval("return {1,redis.pcall('nope'),3}").0,
        400,
        "an error in the middle"
    );
    assert_eq!(
        caller.ask(&format!(r#"["EVALSHA","{:040}",0]"#, 0)),
        error(400, "NOSCRIPT No matching script. Please use EVAL.")
    );
}

#[test]
fn arguments_arrive_as_they_were_written() {
    let redis = Redis::start();
    let bridge = patient(&redis);
    let caller = Caller::of(&bridge);
    for (sent, arrived) in [
        (r#""""#, ""),
        (r#""a\r\n$1 \u00e9""#, r"a\r\n$1 é"),
        ("0", "0"),
        ("-7", "-7"),
        ("1e3", "1000"),
        ("0.1", "0.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("100000000000000", "100000000000000"),
        ("9007199254740991", "9007199254740991"),
        (r#""9007199254740993""#, "9007199254740993"),
    ] {
        let answer = caller.ask(&format!(r#"["EVAL","return ARGV[1]",0,{sent}]"#));
        assert_eq!(answer, result(&format!(r#""{arrived}""#)), "{sent}");
    }
    let big = "ERR a number of 2^53 or more must be sent as a string";
    for number in ["9007199254740992", "-9007199254740993", "1e300", "1e999"] {
        let answer = caller.ask(&format!(r#"["EVAL","return ARGV[1]",0,{number}]"#));
        assert_eq!(answer, error(400, big), "{number}");
    }
    for value in ["null", "true", "{}", "[]"] {
        let answer = caller.ask(&format!(r#"["EVAL","return ARGV[1]",0,{value}]"#));
        assert_eq!(answer.0, 400, "{value}: {}", answer.1);
        assert!(answer.1.contains(r#""error":"ERR "#), "{}", answer.1);
    }
}

#[test]
fn what_is_no_command_is_refused() {
    let redis = Redis::start();
    let bridge = patient(&redis);
    let caller = Caller::of(&bridge);
    for body in [
        "",
        "x",
        "[",
        "{}",
        "[]",
        "1",
        "null",
        "[null]",
        "[1]",
        "[[\"PING\"]]",
        "{\"a\":1}",
        "[\"PING\"] x",
        "[\"PING\"",
        "[\"EVAL\",NaN]",
        "\u{0}",
    ] {
        assert_eq!(
            caller.ask(body),
            error(400, "ERR failed to parse command"),
            "{body:?}"
        );
    }
    let deep = "[".repeat(100_000);
    assert_eq!(caller.ask(&deep), error(400, "ERR failed to parse command"));
    for verb in [
        "FLUSHALL",
        "CONFIG",
        "GET",
        "EVALSHA_RO",
        "",
        " EVAL",
        "EVAL\\r\\n",
        "AUTH",
    ] {
        let off = error(400, "NOPERM the bridge does not pass on this command");
        assert_eq!(caller.ask(&format!(r#"["{verb}","a",0]"#)), off, "{verb:?}");
    }
    // One wrong command in a pipeline, and none is sent.
    let pipeline = format!(r#"[{WRITE},["FLUSHALL"]]"#);
    assert_eq!(caller.post("/pipeline", &pipeline).status, 400);
    assert_eq!(redis.command(&["exists", "tollgate:k"]), "0");
}

#[test]
fn the_wall_behind_the_list_is_redis_own() {
    let redis = Redis::start();
    let bridge = patient(&redis);
    let caller = Caller::of(&bridge);
    for command in [
        r#"["EVAL","return redis.call('SET', KEYS[1], 'x')",1,"other:k"]"#,
        r#"["EVAL","return redis.call('GET', 'other:k')",0]"#,
        r#"["EVAL","return redis.call('FLUSHALL')",0]"#,
        r#"["EVAL","return redis.call('CONFIG', 'GET', '*')",0]"#,
        r#"["EVAL","return redis.call('PUBLISH', 'tollgate:c', 'x')",0]"#,
    ] {
        let (status, body) = caller.ask(command);
        assert_eq!(status, 400, "{command}: {body}");
        let refused = ["NOPERM", "can't ", "not allowed from script"];
        let refused = refused.iter().any(|words| body.contains(words));
        assert!(refused, "{command}: {body}");
    }
    // All that a script of ours needs is there.
    let all = "redis.call('SET', KEYS[1], 'x', 'PX', 60000); redis.call('GET', KEYS[1]); \
               redis.call('DEL', KEYS[1]); return #redis.call('TIME')";
    let all = format!(r#"["EVAL","{all}",1,"tollgate:k"]"#);
    assert_eq!(caller.ask(&all), result("2"));
}

#[test]
fn tokens_methods_and_paths() {
    let redis = Redis::start();
    let bridge = patient(&redis);
    let client = Client::new(bridge.address());
    let wrong = error(401, "WRONGPASS invalid or missing auth token");
    let token = bridge.token();
    for authorization in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        token.to_owned(),
        format!("Basic {token}"),
        format!("Bearer {token}x"),
        format!("Bearer {}", &token[1..]),
        format!("Bearer {}", token.to_uppercase()),
    ] {
        let answer = client.post("/", &[("authorization", &authorization)], WRITE);
        assert_eq!((answer.status, answer.text()), wrong, "{authorization:?}");
    }
    assert_eq!(client.post("/", &[], WRITE).status, 401);
    let in_url = client.post(&format!("/?_token={token}"), &[], WRITE);
    assert_eq!(in_url.status, 401, "a token in a URL ends in logs");
    assert_eq!(redis.command(&["exists", "tollgate:k"]), "0");
    let scheme = format!("bearer  {token}");
    assert_eq!(
        client
            .post("/", &[("authorization", &scheme)], WRITE)
            .status,
        200
    );

    let answer = client.get("/", &[]);
    assert_eq!(
        (answer.status, answer.text()),
        error(405, "ERR only POST is supported")
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let caller = Caller::of(&bridge);
    assert_eq!(caller.post("/multi-exec", "[]").status, 404);
    assert_eq!(caller.post("/EVAL/return%201/0", "").status, 404);
    let resp2 = caller.with("/", &[("upstash-response-format", "resp2")], WRITE);
    assert_eq!(resp2.status, 400);
    assert_eq!(
        caller
            .with("/", &[("upstash-encoding", "gzip")], WRITE)
            .status,
        400
    );
    assert_eq!(client.get("/healthz", &[]).text(), "ok\n");
}

#[test]
fn a_pipeline_answers_each_command_in_order() {
    let redis = Redis::start();
    let bridge = patient(&redis);
    let caller = Caller::of(&bridge);
    let commands = r#"[["ping"],["EVAL","return 7",0],["EVALSHA","00",0],["EVAL","return 8",0]]"#;
    let answer = caller.post("/pipeline", commands);
    assert_eq!(answer.status, 200);
    let replies = answer.json();
    assert_eq!(replies[0]["result"], "PONG");
    assert_eq!(replies[1]["result"], 7);
    assert!(replies[2]["error"]
        .as_str()
        .unwrap()
        .starts_with("NOSCRIPT "));
    assert_eq!(replies[3]["result"], 8);
    assert_eq!(caller.post("/pipeline", "[]").status, 400);
    assert_eq!(caller.post("/pipeline", r#"["PING"]"#).status, 400);
}

#[test]
fn texts_are_in_base64_where_that_was_asked() {
    let redis = Redis::start();
    let bridge = patient(&redis);
    let caller = Caller::of(&bridge);
    let ask = |body: &str| {
        caller
            .with("/", &[("upstash-encoding", "base64")], body)
            .text()
    };
    // OK alone is not encoded, as the protocol has it.
    assert_eq!(ask(WRITE), r#"{"result":"OK"}"#);
    assert_eq!(ask(r#"["PING"]"#), r#"{"result":"UE9ORw=="}"#);
    assert_eq!(
        ask(r#"["EVAL","return {'\\255', 'OK', 5, false}",0]"#),
        r#"{"result":["/w==","T0s=",5,null]}"#.replace('/', r"\/")
    );
    assert!(
        ask(r#"["EVALSHA","00",0]"#).contains("NOSCRIPT "),
        "errors are plain"
    );
}

#[test]
fn a_body_has_a_bound() {
    let redis = Redis::start();
    let bridge = patient(&redis);
    let caller = Caller::of(&bridge);
    let body = |size: usize| format!(r#"["EVAL","return #ARGV[1]",0,"{}"]"#, "x".repeat(size));
    assert_eq!(caller.ask(&body(250_000)), result("250000"));
    let large = error(413, "ERR a body has at most 256 KiB");
    assert_eq!(caller.ask(&body(1_000_000)), large);

    // Without a length beforehand, it is found out on the way.
    let head = format!(
        "POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n",
        bridge.token()
    );
    let chunk = format!("{:x}\r\n{}\r\n", 100_000, "x".repeat(100_000));
    let request = format!(
        "{head}transfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
        chunk.repeat(10)
    );
    let answer = raw(bridge.address(), request.as_bytes()).expect("an answer");
    assert_eq!((answer.status, answer.text()), large);
    assert_eq!(caller.echo(5), result("5"));
}
