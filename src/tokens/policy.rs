//! How a route's tokens are counted, as its operator has chosen.

use std::num::NonZeroU32;

use super::{Passed, RequestScanner, Reservation, Shape};

/// How a route's tokens are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Where the model's own count stands.
    pub usage: UsageFrom,
    /// What is taken beforehand.
    pub reserve: Reserve,
    /// The longest body, in bytes, whose end waits for a decision.
    pub max_body: NonZeroU32,
    /// Whether the upstream sees nothing of a request before its body is read.
    pub hold: bool,
    /// Whether streams are asked for their usage that were not.
    pub include_usage: bool,
}

/// Where a model's own count of its tokens stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsageFrom {
    /// In the response's body.
    Body(Shape),
    /// In this header of the response, by its name in lower case: all tokens
    /// together.
    Header(Box<str>),
}

/// How many tokens a request is estimated to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserve {
    /// Bytes of a body that make a token.
    pub bytes_per_token: NonZeroU32,
    /// The most tokens of input that are estimated.
    pub max_input: NonZeroU32,
    /// Tokens of an answer whose request names no maximum.
    pub output: NonZeroU32,
    /// The most tokens that a request's own maximum counts for.
    pub max_output: NonZeroU32,
}

// === impl Policy ===

impl Policy {
    /// Whether a body of this length is short enough for its end to wait for a
    /// decision. One whose length nobody says is not.
    pub fn is_short(&self, length: Option<u64>) -> bool {
        length.is_some_and(|length| length <= self.max_body.get().into())
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            usage: UsageFrom::Body(Shape::Auto),
            reserve: Reserve::default(),
            max_body: number(65_536),
            hold: false,
            include_usage: false,
        }
    }
}

// === impl Reserve ===

impl Default for Reserve {
    fn default() -> Self {
        Self {
            bytes_per_token: number(4),
            max_input: number(32_768),
            output: number(512),
            max_output: number(8_192),
        }
    }
}

impl Reserve {
    /// What is known at the headers: the body's length, if that.
    pub fn at_headers(&self, length: Option<u64>) -> Reservation {
        Reservation {
            input: self.input(length),
            output: self.output.get().into(),
        }
    }

    /// What a request asks for whose body is read: its own maximum, for each of
    /// the answers that it wants.
    pub fn of_body(&self, body: &RequestScanner) -> Reservation {
        let most = self.max_output.get().into();
        let output = body.max_output().map(|own| own.min(most));
        let output = output.unwrap_or(self.output.get().into());
        Reservation {
            input: self.input(Some(body.bytes())),
            output: output.saturating_mul(body.candidates()),
        }
    }

    /// What has passed of a request and its response, as far as bytes tell.
    ///
    /// Of what a model has written only its text counts, not the frame around each
    /// piece, and an event is a token at least. What cannot be read counts whole.
    pub fn of_passed(&self, request: u64, response: Option<&Passed>) -> Reservation {
        let output = match response {
            Some(body) if body.readable => self.tokens(body.text).max(body.events),
            Some(body) => self.tokens(body.bytes),
            None => 0,
        };
        Reservation {
            input: self.input(Some(request)),
            output,
        }
    }

    /// Of a body whose length nobody says it could be anything.
    fn input(&self, length: Option<u64>) -> u64 {
        let most = self.max_input.get().into();
        length.map_or(most, |length| self.tokens(length).min(most))
    }

    fn tokens(&self, bytes: u64) -> u64 {
        bytes.div_ceil(self.bytes_per_token.get().into())
    }
}

const fn number(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}
