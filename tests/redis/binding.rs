//! What a key's denial means for the call: nothing, where it was only tried or
//! looked at.

use tollgate::limit::Answer;
use tollgate::redis::{Ask, Call, FailureClass, Operation, Reply};

use crate::{bucket, ns, MILLI, SECOND};

const CHARGE: Operation = Operation::Charge(3);
const TRY: Operation = Operation::Try(3);
const PEEK: Operation = Operation::Peek;

const ALLOWED: [i64; 6] = [1, 5, 0, 5_000, 0, 0];
const DENIED: [i64; 6] = [0, 2, 1_000, 8_000, 0, 0];

/// The script's answer to a call of these operations: what it said in all, and
/// of each key.
fn read(operations: &[Operation], allowed: i64, keys: &[[i64; 6]]) -> Result<Reply, FailureClass> {
    let ask = |operation: &Operation| Ask {
        key: "k".into(),
        allowance: bucket(10, SECOND),
        operation: *operation,
    };
    let call = Call {
        nonce: 7,
        asks: operations.iter().map(ask).collect(),
    };
    let mut numbers = vec![1, 7, 99, allowed, keys.len() as i64];
    numbers.extend(keys.iter().flatten());
    Reply::read(&numbers, &call).map_err(|failure| failure.class)
}

#[test]
fn a_denial_of_what_was_tried_is_its_own() {
    let reply = read(&[CHARGE, TRY], 1, &[ALLOWED, DENIED]).unwrap();
    assert!(reply.allowed);
    assert!(!reply.keys[0].answer.is_denial());
    let denied = Answer::Denied {
        remaining: 2,
        retry_after: Some(ns(1_000 * MILLI)),
    };
    assert_eq!(reply.keys[1].answer, denied);
    // Beside one that binds, it is not the reason.
    let reply = read(&[CHARGE, TRY], 0, &[DENIED, ALLOWED]).unwrap();
    assert!(!reply.allowed && !reply.keys[1].answer.is_denial());
    assert!(read(&[TRY, TRY], 1, &[DENIED, DENIED]).is_ok());
}

/// What is looked at wants nothing, and so is never denied.
#[test]
fn what_is_looked_at_is_there_in_any_case() {
    let reply = read(&[PEEK], 1, &[ALLOWED]).unwrap();
    let seen = Answer::Allowed {
        remaining: 5,
        reset_in: 5 * SECOND,
    };
    assert_eq!(reply.keys[0].answer, seen);
    assert!(read(&[CHARGE, PEEK], 0, &[DENIED, ALLOWED]).is_ok());
    let malformed = Err(FailureClass::Malformed);
    assert_eq!(read(&[PEEK], 1, &[DENIED]), malformed);
    assert_eq!(read(&[PEEK], 0, &[DENIED]), malformed);
    assert_eq!(
        read(&[PEEK], 1, &[[1, 5, 0, 5_000, 1, 0]]),
        malformed,
        "lends"
    );
}

#[test]
fn a_call_is_allowed_or_not_by_those_that_bind() {
    let malformed = Err(FailureClass::Malformed);
    assert_eq!(read(&[TRY], 0, &[DENIED]), malformed);
    assert_eq!(read(&[CHARGE, TRY], 0, &[ALLOWED, DENIED]), malformed);
    assert_eq!(read(&[CHARGE, TRY], 1, &[DENIED, ALLOWED]), malformed);
}
