//! Answers of every shape, well-formed or not.

use std::num::NonZeroU64;

use proptest::prelude::*;
use tollgate::limit::Answer;
use tollgate::redis::{Bridge, FailureClass, KeyReply, Reply, Verb, MAX_BODY};

use crate::{call, ns, MILLI};

const BRIDGES: [Bridge; 2] = [Bridge::Upstash, Bridge::Webdis];
const NONCE: u64 = 77;

/// A list as the bridge hands it on.
fn wrapped(bridge: Bridge, list: &str) -> String {
    match bridge {
        Bridge::Upstash => format!(r#"{{"result":{list}}}"#),
        Bridge::Webdis => format!(r#"{{"EVALSHA":{list}}}"#),
    }
}

fn decode(bridge: Bridge, keys: usize, body: &str) -> Result<Reply, FailureClass> {
    bridge
        .decode(
            Verb::EvalSha,
            &call(NONCE, keys),
            Some(200),
            body.as_bytes(),
        )
        .map_err(|failure| failure.class)
}

/// What a list of numbers says to a call about one key.
fn one(bridge: Bridge, list: &str) -> Result<Reply, FailureClass> {
    decode(bridge, 1, &wrapped(bridge, list))
}

#[test]
fn what_the_script_says_is_understood() {
    for bridge in BRIDGES {
        let allowed = one(bridge, "[1,77,1795294686774,1,1, 1,9,0,1001,0,0]").unwrap();
        let answer = Answer::Allowed {
            remaining: 9,
            reset_in: 1_001 * MILLI,
        };
        let key = KeyReply {
            answer,
            granted: 0,
            generation: 0,
        };
        assert_eq!((allowed.now, allowed.allowed), (1_795_294_686_774, true));
        assert_eq!(allowed.keys, [key]);

        let body = wrapped(
            bridge,
            "[1,77,5,0,2, 0,3,1500,9000,0,0, 1,10,0,0,40,898647000]",
        );
        let denied = decode(bridge, 2, &body).unwrap();
        assert!(!denied.allowed);
        assert_eq!(
            denied.keys[0].answer,
            Answer::Denied {
                remaining: 3,
                retry_after: Some(ns(1_500 * MILLI))
            }
        );
        assert_eq!(
            (denied.keys[1].granted, denied.keys[1].generation),
            (40, 898_647_000)
        );
    }
}

/// The name of the answer's member is the verb, as it was sent.
#[test]
fn webdis_answers_under_the_verb() {
    let decode = |verb, body: &str| {
        let answer = Bridge::Webdis.decode(verb, &call(NONCE, 1), Some(200), body.as_bytes());
        answer.map_err(|failure| failure.class)
    };
    let by_sha = r#"{"EVALSHA":[1,77,5,1,1,1,9,0,1,0,0]}"#;
    let by_body = r#"{"EVAL":[1,77,5,1,1,1,9,0,1,0,0]}"#;
    assert!(decode(Verb::EvalSha, by_sha).is_ok());
    assert!(decode(Verb::Eval, by_body).is_ok());
    assert_eq!(decode(Verb::Eval, by_sha), Err(FailureClass::Malformed));
    assert_eq!(decode(Verb::EvalSha, by_body), Err(FailureClass::Malformed));
}

#[test]
fn lists_that_are_not_the_scripts_answer_to_this_call() {
    use FailureClass::{Foreign, Malformed};
    for (list, class) in [
        // Shape.
        ("null", Malformed),
        ("1", Malformed),
        ("\"OK\"", Malformed),
        ("{}", Malformed),
        ("[]", Malformed),
        ("[true,\"OK\"]", Malformed),
        ("[[1,77,5,1,1,1,9,0,1,0,0]]", Malformed),
        // Items that are no whole numbers.
        ("[1,77,5,1,1,null,9,0,1,0,0]", Malformed),
        ("[1,77,5,1,1,1,9.0,0,1,0,0]", Malformed),
        ("[1,77,5,1,1,1,9,0,1e3,0,0]", Malformed),
        ("[1,77,1.7952946867742e+15,1,1,1,9,0,1,0,0]", Malformed),
        ("[1,\"77\",5,1,1,1,9,0,1,0,0]", Malformed),
        ("[1,77,5,true,1,1,9,0,1,0,0]", Malformed),
        ("[1,77,5,1,1,[1],9,0,1,0,0]", Malformed),
        ("[1,77,5,1,1,1,9,0,1,0,18446744073709551616]", Malformed),
        ("[1,77,18446744073709551615,1,1,1,9,0,1,0,0]", Malformed),
        // Length.
        ("[1]", Malformed),
        ("[1,77,5,1]", Malformed),
        ("[1,77,5,1,0]", Malformed),
        ("[1,77,5,1,1]", Malformed),
        ("[1,77,5,1,1,1,9,0,1,0]", Malformed),
        ("[1,77,5,1,1,1,9,0,1,0,0,0]", Malformed),
        ("[1,77,5,1,2,1,9,0,1,0,0,1,9,0,1,0,0]", Malformed),
        // Version, nonce, count.
        ("[0,77,5,1,1,1,9,0,1,0,0]", Malformed),
        ("[2,77,5,1,1,1,9,0,1,0,0]", Malformed),
        ("[1,78,5,1,1,1,9,0,1,0,0]", Foreign),
        ("[1,-77,5,1,1,1,9,0,1,0,0]", Foreign),
        ("[1,78,5,1,2,1,9,0,1,0,0,1,9,0,1,0,0]", Foreign),
        ("[1,77,5,1,0,1,9,0,1,0,0]", Malformed),
        ("[1,77,5,1,2,1,9,0,1,0,0]", Malformed),
        ("[1,77,5,1,-1,1,9,0,1,0,0]", Malformed),
        // Flags that contradict each other, or are none.
        ("[1,77,5,0,1,1,9,0,1,0,0]", Malformed),
        ("[1,77,5,1,1,0,9,1,1,0,0]", Malformed),
        ("[1,77,5,2,1,0,9,1,1,0,0]", Malformed),
        ("[1,77,5,-1,1,0,9,1,1,0,0]", Malformed),
        ("[1,77,5,2,1,1,9,0,1,0,0]", Malformed),
        ("[1,77,5,1,1,2,9,0,1,0,0]", Malformed),
        ("[1,77,5,1,1,-1,9,0,1,0,0]", Malformed),
        // Numbers that no script would say.
        ("[1,77,-5,1,1,1,9,0,1,0,0]", Malformed),
        ("[1,77,5,1,1,1,-1,0,1,0,0]", Malformed),
        ("[1,77,5,1,1,1,4294967296,0,1,0,0]", Malformed),
        ("[1,77,5,1,1,1,9,0,-1,0,0]", Malformed),
        ("[1,77,5,1,1,1,9,0,9223372036854775807,0,0]", Malformed),
        ("[1,77,5,1,1,1,9,0,1,-1,0]", Malformed),
        ("[1,77,5,1,1,1,9,0,1,4294967296,0]", Malformed),
        ("[1,77,5,1,1,1,9,0,1,0,-1]", Malformed),
        // A denial that lasts no time, or for ever, or too long to count.
        ("[1,77,5,0,1,0,9,0,1,0,0]", Malformed),
        ("[1,77,5,0,1,0,9,-1,1,0,0]", Malformed),
        ("[1,77,5,0,1,0,9,9223372036854775807,1,0,0]", Malformed),
    ] {
        for bridge in BRIDGES {
            assert_eq!(one(bridge, list), Err(class), "{bridge:?} {list}");
        }
    }
}

/// A bridge that lies, or another script under the same name, lends nothing.
#[test]
fn more_than_there_can_be_is_not_believed() {
    for list in [
        "[1,77,5,1,1, 1,11,0,0,0,0]",
        "[1,77,5,0,1, 0,11,9,9,0,0]",
        "[1,77,5,1,1, 1,9,0,0,41,1]",
    ] {
        for bridge in BRIDGES {
            assert_eq!(one(bridge, list), Err(FailureClass::Malformed), "{list}");
        }
    }
}

#[test]
fn no_more_than_64_kib_are_read() {
    for bridge in BRIDGES {
        let body = wrapped(bridge, "[1,77,5,1,1,1,9,0,1,0,0]");
        let padded = |length: usize| format!("{body}{}", " ".repeat(length - body.len()));
        assert!(decode(bridge, 1, &padded(MAX_BODY)).is_ok());
        let longer = decode(bridge, 1, &padded(MAX_BODY + 1));
        assert_eq!(longer, Err(FailureClass::Malformed));
    }
    // The longest that the script may say, a bucket of ten years with ten in
    // debt, fits many times over.
    let item = [",1,10,3468960000000,3468960000000,40,99999999999999"; 32];
    let longest = format!("[1,77,99999999999999,1,32{}]", item.concat());
    assert!(longest.len() < MAX_BODY / 10);
    for bridge in BRIDGES {
        let body = wrapped(bridge, &longest);
        assert!(decode(bridge, 32, &body).is_ok(), "{body}");
    }
}

/// A key's six numbers as the script says them.
fn said(key: &KeyReply) -> [u64; 6] {
    let (granted, generation) = (key.granted.into(), key.generation);
    match key.answer {
        Answer::Allowed {
            remaining,
            reset_in,
        } => [
            1,
            remaining.into(),
            0,
            reset_in / MILLI,
            granted,
            generation,
        ],
        Answer::Denied {
            remaining,
            retry_after,
        } => [
            0,
            remaining.into(),
            retry_after.unwrap().get() / MILLI,
            5,
            granted,
            generation,
        ],
    }
}

fn key_reply() -> impl Strategy<Value = KeyReply> {
    let answer = prop_oneof![
        (0_u32..=10, 0_u64..1 << 40).prop_map(|(remaining, ms)| Answer::Allowed {
            remaining,
            reset_in: ms * MILLI,
        }),
        (0_u32..=10, 1_u64..1 << 40).prop_map(|(remaining, ms)| Answer::Denied {
            remaining,
            retry_after: NonZeroU64::new(ms * MILLI),
        }),
    ];
    (answer, 0_u32..=40, 0_u64..1 << 46).prop_map(|(answer, granted, generation)| KeyReply {
        answer,
        granted,
        generation,
    })
}

/// JSON that is nearly an answer.
fn nearly() -> impl Strategy<Value = String> {
    let item = prop_oneof![
        4 => (-2_i64..80).prop_map(|number| number.to_string()),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => Just("77".to_owned()),
        1 => prop::sample::select(vec!["null", "true", "\"NOSCRIPT\"", "[1]", "1.0", "1e3", "{}"])
            .prop_map(str::to_owned),
    ];
    (
        prop::sample::select(vec!["result", "error", "EVALSHA", "EVAL", "x"]),
        prop::collection::vec(item, 0..20),
    )
        .prop_map(|(name, items)| format!(r#"{{"{name}":[{}]}}"#, items.join(",")))
}

proptest! {
    #[test]
    fn a_well_formed_answer_is_read_as_it_was_said(
        keys in prop::collection::vec(key_reply(), 1..33),
        now in 0_u64..1 << 46,
        nonce in 0_u64..100_000_000_000_000,
    ) {
        let allowed = !keys.iter().any(|key| key.answer.is_denial());
        let mut numbers = vec![1, nonce, now, u64::from(allowed), keys.len() as u64];
        numbers.extend(keys.iter().flat_map(said));
        let list = serde_json::to_string(&numbers).unwrap();
        let call = call(nonce, keys.len());
        for bridge in BRIDGES {
            let body = wrapped(bridge, &list);
            let read = bridge.decode(Verb::EvalSha, &call, Some(200), body.as_bytes());
            let expected = Reply { now, allowed, keys: keys.clone() };
            prop_assert_eq!(read.unwrap(), expected);
        }
    }

    /// Whatever comes back is read or refused, never a panic; and nothing that
    /// was said to somebody else is ever believed.
    #[test]
    fn any_answer_is_read_or_refused(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            nearly().prop_map(String::into_bytes),
        ],
        status in prop_oneof![Just(None), Just(Some(200)), Just(Some(400)), any::<u16>().prop_map(Some)],
        keys in 0_usize..3,
    ) {
        for bridge in BRIDGES {
            for verb in [Verb::EvalSha, Verb::Eval] {
                let read = bridge.decode(verb, &call(NONCE, keys), status, &body);
                if let Ok(reply) = read {
                    prop_assert_eq!(status, Some(200));
                    prop_assert_eq!(reply.keys.len(), keys);
                    let other = bridge.decode(verb, &call(NONCE + 1, keys), status, &body);
                    prop_assert_eq!(other.unwrap_err().class, FailureClass::Foreign);
                }
            }
        }
    }
}
