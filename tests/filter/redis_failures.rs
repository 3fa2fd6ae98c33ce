//! Where Redis does not answer, what the operator has chosen decides.

use crate::cluster::{config, UPSTASH};
use crate::host::{reply, Answer, Call, Gateway, Refused, Request, Response};
use tollgate::limit::Answer::{Allowed, Denied};

/// A gateway with a limit of its own beside a shared one of ten.
fn gateway(on_failure: &str) -> Gateway {
    let limits = r#""own": {"rate": "1/d", "burst": 90},
                    "ten": {"rate": "1/d", "burst": 10, "scope": "cluster"}"#;
    let redis = format!(r#"{UPSTASH}, "on_failure": "{on_failure}""#);
    let routes = r#"{"routes": [{"match": {"path": "/own"}, "limits": ["own"]}, {"match": {}, "limits": ["own", "ten"]}],"#;
    let gateway = Gateway::start(&config(limits, &redis).replacen('{', routes, 1)).unwrap();
    gateway.logs();
    gateway
}

/// What is left of the gateway's own limit, but for this very request.
fn own_left(gateway: &Gateway) -> u32 {
    let answer = gateway.send(&Request::of("a").with(":path", "/own"));
    let left = answer.header("ratelimit").unwrap();
    let left = left.trim_start_matches(r#""own";r="#);
    left.split(';').next().unwrap().parse().unwrap()
}

/// The script's numbers for one key that passes, but with these changed.
fn changed(call: &Call, changes: &[(usize, &str)]) -> Response {
    let nonce = call.nonce().to_string();
    let mut numbers = [
        "1",
        &nonce,
        "1700000000000",
        "1",
        "1",
        "1",
        "9",
        "0",
        "9",
        "0",
        "0",
    ];
    for (place, number) in changes {
        numbers[*place] = number;
    }
    Response::new("200", format!(r#"{{"result": [{}]}}"#, numbers.join(",")))
}

/// Everything that is no answer of the script's to this call, and what is said
/// of it.
fn failures(call: &Call) -> Vec<(Response, &'static str)> {
    let text = |status: &str, body: &str| Response::new(status, body);
    let error = Response::error;
    let malformed = "unreadable answer: ";
    let other = (call.nonce() + 1).to_string();
    let list = |numbers: &[i64]| Response::numbers(numbers);
    let allowed = Allowed {
        remaining: 9,
        reset_in: 0,
    };
    let denied = Denied {
        remaining: 0,
        retry_after: Some(1_000_000.try_into().unwrap()),
    };
    vec![
        (Response::cut_off(), "unreachable: cut off"),
        (
            text("503", "upstream connect error"),
            "unreachable: status 503, upstream connect error",
        ),
        (text("502", ""), "unreachable: "),
        (Response::timeout(), "no answer in time: "),
        (
            text("401", r#"{"error": "Unauthorized"}"#),
            "the bridge refuses the credentials: ",
        ),
        (text("403", ""), "the bridge refuses the credentials: "),
        (text("404", "nginx"), "the bridge failed: status 404"),
        (text("302", ""), "the bridge failed: "),
        (text("", "{}"), "unreachable: "),
        (text("abc", "{}"), "unreachable: "),
        (text("200", ""), malformed),
        (text("200", "\u{0}\u{ff} nonsense"), malformed),
        (Response::new("200", &b"\xff\xfe{\"result\""[..]), malformed),
        (text("200", &"[".repeat(60_000)), malformed),
        (
            text("200", &"x".repeat(1 << 20)),
            "unreadable answer: too long",
        ),
        (text("200", r#"{"result": null}"#), malformed),
        (text("200", r#"{"result": "OK"}"#), malformed),
        (text("200", r#"{"result": []}"#), malformed),
        (text("200", r#"{"error": 5}"#), malformed),
        (text("200", r#"[{"result": 1}]"#), malformed),
        (list(&[1, call.nonce() as i64, 5, 1, 0]), malformed),
        (reply(call, &[]), malformed),
        (reply(call, &[allowed, allowed]), malformed),
        (reply(call, &[allowed, denied]), malformed),
        (changed(call, &[(0, "2")]), malformed),
        (
            changed(call, &[(1, &other)]),
            "an answer to somebody else: ",
        ),
        (changed(call, &[(1, "-1")]), "an answer to somebody else: "),
        (changed(call, &[(2, "-1")]), malformed),
        (changed(call, &[(3, "0")]), malformed),
        (changed(call, &[(3, "2")]), malformed),
        (changed(call, &[(4, "2")]), malformed),
        (changed(call, &[(5, "0")]), malformed),
        (changed(call, &[(3, "0"), (5, "0")]), malformed),
        (changed(call, &[(3, "0"), (5, "0"), (7, "-1")]), malformed),
        (
            changed(call, &[(3, "0"), (5, "0"), (7, "9223372036854775807")]),
            malformed,
        ),
        (changed(call, &[(6, "-1")]), malformed),
        (changed(call, &[(6, "4294967296")]), malformed),
        (changed(call, &[(6, "18446744073709551616")]), malformed),
        (changed(call, &[(6, "9.0")]), malformed),
        (changed(call, &[(6, "1e1")]), malformed),
        (changed(call, &[(6, "\"9\"")]), malformed),
        (changed(call, &[(8, "-5")]), malformed),
        (changed(call, &[(8, "9223372036854775807")]), malformed),
        (changed(call, &[(9, "-1")]), malformed),
        (changed(call, &[(10, "-1")]), malformed),
        (
            error("READONLY You can't write against a read only replica."),
            "takes no writes for now: READONLY",
        ),
        (
            error("OOM command not allowed when used memory > 'maxmemory'."),
            "takes no writes for now: OOM",
        ),
        (
            error("LOADING Redis is loading the dataset in memory"),
            "takes no writes for now: LOADING",
        ),
        (
            error("NOAUTH Authentication required."),
            "Redis refuses the bridge: NOAUTH",
        ),
        (
            error("MOVED 3999 127.0.0.1:6381"),
            "keys are in another place: MOVED",
        ),
        (
            error("TOLLGATE key 1: size"),
            "the script refused: TOLLGATE",
        ),
        (
            error("\u{7}\r\nstart refused: fake"),
            "the script refused:    start refused",
        ),
        (error(""), "the script refused: "),
    ]
}

/// Sends a request of `a` for each failure, each to a gateway of its own.
fn each_failure(on_failure: &str, check: impl Fn(&Gateway, Answer, &str)) {
    let mut case = 0;
    loop {
        let gateway = gateway(on_failure);
        let pending = gateway.begin(&Request::of("a")).asks();
        let mut failures = failures(pending.call());
        if case == failures.len() {
            return;
        }
        let (response, said) = failures.swap_remove(case);
        let shown = format!("{response:?}")
            .chars()
            .take(300)
            .collect::<String>();
        let answer = pending.answer(response).done();
        let log = gateway.logs().join("\n");
        let start = format!("Redis through redis: {said}");
        assert!(log.starts_with(&start), "{shown}: {log}");
        assert!(!log.contains('\n') && log.len() < 300, "{shown}: {log}");
        for counter in ["calls", "errors", "fallbacks"] {
            let name = format!("tollgate.redis.{counter}");
            assert_eq!(gateway.counter(&name), 1, "{shown}: {name}");
        }
        check(&gateway, answer, &shown);
        case += 1;
    }
}

#[test]
fn allow_lets_requests_pass() {
    each_failure("allow", |gateway, answer, shown| {
        assert!(answer.passed(), "{shown}");
        let left = r#""own";r=89;t=86400"#;
        assert_eq!(
            answer.header("ratelimit"),
            Some(left),
            "{shown}: what is known"
        );
        assert_eq!(own_left(gateway), 88);
    });
}

#[test]
fn deny_lets_none_pass_and_charges_none() {
    each_failure("deny", |gateway, answer, shown| {
        assert_eq!(answer.status, 503, "{shown}");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.details, "tollgate_refused:unavailable");
        assert_eq!(own_left(gateway), 89, "{shown}");
        assert_eq!(gateway.counter("tollgate.limit.own.allowed"), 1);
    });
}

#[test]
fn local_counts_this_gateways_share() {
    each_failure("local", |gateway, answer, shown| {
        assert!(answer.passed(), "{shown}");
        let left = answer.header("ratelimit").unwrap();
        assert!(left.starts_with(r#""ten";r=4;"#), "{shown}: {left}");
        gateway.refuse_calls(Some(Refused::NoEndpoint));
        for _ in 0..4 {
            assert!(gateway.send(&Request::of("a")).passed(), "{shown}");
        }
        assert_eq!(own_left(gateway), 84);
        let denied = gateway.send(&Request::of("a"));
        assert_eq!(
            (denied.status, &*denied.details),
            (429, "tollgate_ten"),
            "{shown}"
        );
        assert_eq!(own_left(gateway), 83, "given back");
        assert!(
            gateway.send(&Request::of("b")).passed(),
            "a share for each client"
        );
        assert_eq!(gateway.counter("tollgate.limit.own.allowed"), 8);
    });
}
