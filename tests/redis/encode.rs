//! Calls as bridges read them.

use proptest::prelude::*;
use tollgate::limit::{Allowance, CalendarQuota, Period};
use tollgate::redis::{Ask, Bridge, Call, LeaseTerms, Operation, Script, Verb, LEASE_LENGTH_MS};

use crate::sha1::sha1;
use crate::{bucket, call, ns, quota, units};

const SOURCE: &str = include_str!("../../src/redis/script.lua");
const SHEBANG: &str = "#!lua flags=allow-key-locking\n";

/// The words of the command that a call stands for.
fn words(verb: Verb, script: &Script, call: &Call) -> Vec<String> {
    let mut words = vec![verb.as_str().to_owned()];
    words.push(match verb {
        Verb::EvalSha => script.sha().to_owned(),
        Verb::Eval => script.body().to_owned(),
    });
    words.push(call.asks.len().to_string());
    words.extend(call.keys().map(str::to_owned));
    words.extend(call.arguments());
    words
}

/// A percent-decoder that knows nothing of the encoder.
fn percent_decoded(part: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = part;
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte == b'%' {
            let digits = std::str::from_utf8(&after[..2]).unwrap();
            decoded.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &after[2..];
        } else {
            decoded.push(*byte);
        }
    }
    decoded
}

/// What Webdis takes for something else than a part of a word.
fn assert_no_trap(body: &[u8]) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_~-%/".contains(&byte);
    let trap = body.iter().find(|byte| !plain(**byte));
    assert_eq!(trap.map(|byte| char::from(*byte)), None);
}

/// Parses both bodies back, and holds them to the words.
fn assert_encoded(script: &Script, call: &Call) {
    for verb in [Verb::EvalSha, Verb::Eval] {
        let expected = words(verb, script, call);
        let json = Bridge::Upstash.encode(verb, script, call);
        let parsed: Vec<String> = serde_json::from_slice(&json).unwrap();
        assert_eq!(parsed, expected);

        let path = Bridge::Webdis.encode(verb, script, call);
        assert_no_trap(&path);
        let parts = path.split(|byte| *byte == b'/');
        let parsed: Vec<String> = parts
            .map(|part| String::from_utf8(percent_decoded(part)).unwrap())
            .collect();
        assert_eq!(parsed, expected);
        // Neither a leading slash nor digits, which would choose a database.
        assert!(path.starts_with(format!("{}/", verb.as_str()).as_bytes()));
    }
}

#[test]
fn both_bridges_get_the_very_words() {
    for keys in [1, 2, 32] {
        for authority in ["bridge", "eu1.upstash.io"] {
            assert_encoded(&Script::behind(authority), &call(90_000_000_000_000, keys));
        }
    }
}

#[test]
fn a_call_by_its_bytes() {
    let script = Script::behind("bridge");
    let expected = format!(
        r#"["EVALSHA","{}","1","tollgate:default:{{00}}:l0","7","2000","bucket","lease","10","1000000000","0","40","0","0","0","0","0"]"#,
        script.sha()
    );
    let json = Bridge::Upstash.encode(Verb::EvalSha, &script, &call(7, 1));
    assert_eq!(String::from_utf8(json).unwrap(), expected);
    let expected = format!(
        "EVALSHA/{}/1/tollgate%3Adefault%3A%7B00%7D%3Al0/7/2000/bucket/lease/10/1000000000/0/40/0/0/0/0/0",
        script.sha()
    );
    let path = Bridge::Webdis.encode(Verb::EvalSha, &script, &call(7, 1));
    assert_eq!(String::from_utf8(path).unwrap(), expected);
}

#[test]
fn each_bridge_is_told_the_type_of_the_body() {
    assert_eq!(Bridge::Upstash.content_type(), "application/json");
    assert_eq!(
        Bridge::Webdis.content_type(),
        "application/x-www-form-urlencoded"
    );
}

/// src/redis/script.lua: `ARGV[1]`, `ARGV[2]`, then ten for each key.
#[test]
fn arguments_are_the_scripts() {
    let terms = LeaseTerms {
        wanted: 50,
        generation: 898_647_000,
        held: 40,
        unspent: 3,
    };
    let of = |allowance| {
        move |key: &str, operation| Ask {
            key: key.into(),
            allowance,
            operation,
        }
    };
    let ask = of(bucket(4_294_967_295, 1_000));
    let weekly = CalendarQuota::weekly(units(1_000), -7_200).unwrap();
    let call = Call {
        nonce: 89_999_999_999_999,
        asks: vec![
            ask("a", Operation::Charge(9)),
            ask("b", Operation::Lease(terms)),
            ask("c", Operation::Lease(LeaseTerms::default())),
            ask("d", Operation::Try(2)),
            ask("e", Operation::Peek),
            of(quota(500, Period::Month, -7_200))("f", Operation::Charge(1)),
            of(quota(7, Period::Fixed(ns(90)), 100))("g", Operation::Lease(terms)),
            of(Allowance::Quota(weekly))("h", Operation::Try(3)),
        ],
    };
    assert_eq!(
        call.keys().collect::<Vec<_>>(),
        ["a", "b", "c", "d", "e", "f", "g", "h"]
    );
    let arguments: Vec<String> = call.arguments().collect();
    assert_eq!(arguments.len(), 2 + 11 * 8);
    assert_eq!(LEASE_LENGTH_MS, 2_000);
    assert_eq!(
        arguments.join(" "),
        "89999999999999 2000 \
         bucket charge 4294967295 1000 0 9 0 0 0 0 0 \
         bucket lease 4294967295 1000 0 50 0 898647000 40 3 0 \
         bucket lease 4294967295 1000 0 0 0 0 0 0 0 \
         bucket try 4294967295 1000 0 2 0 0 0 0 0 \
         bucket peek 4294967295 1000 0 0 0 0 0 0 0 \
         month charge 500 0 -7200 1 0 0 0 0 0 \
         window lease 7 90 10 50 0 898647000 40 3 0 \
         window try 1000 604800 338400 3 0 0 0 0 0"
    );
}

#[test]
fn redis_knows_the_script_by_its_sha1() {
    let plain = Script::behind("bridge");
    assert_eq!(plain.body(), SOURCE);
    assert_eq!(plain.sha(), sha1(SOURCE.as_bytes()));
    let hosted = Script::behind("eu1.upstash.io");
    assert_eq!(hosted.body(), [SHEBANG, SOURCE].concat());
    assert_eq!(hosted.sha(), sha1(hosted.body().as_bytes()));
    assert_ne!(hosted.sha(), plain.sha());
}

/// A plain Redis refuses the line, and without it the hosted one locks everything.
#[test]
fn the_hosted_upstash_alone_gets_its_line() {
    for hosted in [
        "eu1-example-12345.upstash.io",
        "eu1.upstash.io:443",
        "EU1.Upstash.IO",
        "Eu1.UPSTASH.io:6379",
        "a.b.upstash.io",
    ] {
        assert!(
            Script::behind(hosted).body().starts_with(SHEBANG),
            "{hosted}"
        );
    }
    for plain in [
        "",
        "tollgate_redis",
        "localhost:8080",
        "[::1]:8080",
        "upstash.io.example.com",
        "notupstash.io",
        "eu1.upstash.io.example.com:443",
        "bridge:443.upstash.io",
    ] {
        assert_eq!(Script::behind(plain).body(), SOURCE, "{plain}");
    }
}

proptest! {
    /// Keys hold only hashes and names today; whatever they come to hold, it
    /// stays one word. An empty last word is one as well.
    #[test]
    fn any_word_stays_one_word(
        keys in prop::collection::vec("\\PC{0,12}|[+?./%:{}\" \\\\\n-]{0,8}|(3|a|EVAL)(/|\\.txt|%2F|\\.json)", 1..4),
        nonce in any::<u64>(),
        charge in any::<u32>(),
    ) {
        let ask = |key: &String| Ask {
            key: key.as_str().into(),
            allowance: bucket(10, 1),
            operation: Operation::Charge(charge),
        };
        let call = Call { nonce, asks: keys.iter().map(ask).collect() };
        assert_encoded(&Script::behind("bridge"), &call);
    }
}
