//! What is read of a model's bodies as they pass.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod cuts;
mod documents;
mod events;
mod finals;
mod hostile;
mod numbers;
mod reference;
mod request;
mod request_model;
mod shapes;
mod transcripts;

use tollgate::tokens::{Framing, Passed, RequestScanner, ResponseScanner, Shape, Usage};

/// All that is known of a response.
type Read = (Usage, bool, Passed);

fn usage(input: u64, output: u64, total: u64) -> Usage {
    Usage {
        input: Some(input),
        output: Some(output),
        total: Some(total),
    }
}

/// A response that came in these pieces.
fn read<'a>(shape: Shape, framing: Framing, chunks: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let mut scanner = ResponseScanner::new(shape, framing);
    for chunk in chunks {
        scanner.feed(chunk);
    }
    (scanner.usage(), scanner.is_final(), scanner.passed())
}

fn json(body: &str) -> Read {
    read(Shape::Auto, Framing::Json, [body.as_bytes()])
}

fn events(body: &str) -> Read {
    read(Shape::Auto, Framing::Events, [body.as_bytes()])
}

/// A whole request.
fn request(body: impl AsRef<[u8]>) -> RequestScanner {
    request_in([body.as_ref()])
}

fn request_in<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> RequestScanner {
    let mut scanner = RequestScanner::new();
    for chunk in chunks {
        scanner.feed(chunk);
    }
    scanner.end();
    scanner
}
