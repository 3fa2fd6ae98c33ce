//! Usage, found in a response as it passes.

use super::document::Documents;
use super::json::Machine;
use super::sse::{Lines, Part};
use super::{Framing, Shape, Usage};

/// Reads usage out of a response as it passes.
#[derive(Debug)]
pub struct ResponseScanner {
    /// `None` where the body is one JSON text.
    lines: Option<Lines>,
    machine: Machine,
    documents: Documents,
    data: Data,
    bytes: u64,
    /// Events that have ended.
    events: u64,
    /// Whether one of them was `[DONE]`.
    is_done: bool,
}

/// What is known of the data of the event in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Data {
    None,
    /// So many bytes of `[DONE]`, and nothing else.
    Done(usize),
    Other,
}

/// What is known of a response besides its usage: material for an estimate of
/// the output where nothing was reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// Bytes of the body.
    pub bytes: u64,
    /// Bytes of generated text, as UTF-8 without JSON's escapes: what stands in
    /// strings under names like `content`, `text`, `reasoning` or `arguments`,
    /// down to a depth of 128, but not what OpenAI's responses tell again at their end.
    pub text: u64,
    /// Server-sent events with data other than `[DONE]`.
    pub events: u64,
    /// Whether the body looked like JSON, or like events of JSON, at all.
    pub readable: bool,
}

/// What OpenAI, and who speaks like it, sends as the last event.
const DONE: &[u8] = b"[DONE]";

// === impl ResponseScanner ===

impl ResponseScanner {
    /// A scanner before the response's first byte.
    pub fn new(shape: Shape, framing: Framing) -> Self {
        Self {
            lines: match framing {
                Framing::Json => None,
                Framing::Events => Some(Lines::new()),
            },
            machine: Machine::new(),
            documents: Documents::new(shape),
            data: Data::None,
            bytes: 0,
            events: 0,
            is_done: false,
        }
    }

    /// Takes the next bytes of the body, cut anywhere.
    pub fn feed(&mut self, chunk: &[u8]) {
        let len = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(len);
        // Taken out, so that what it tells can be told to all else here.
        let Some(mut lines) = self.lines.take() else {
            return self.machine.feed(chunk, &mut self.documents);
        };
        lines.feed(chunk, |part| self.part(&part));
        self.lines = Some(lines);
    }

    /// What was reported so far; of each number the last one.
    pub fn usage(&self) -> Usage {
        self.documents.usage()
    }

    /// Whether the provider has said its last word on usage, so that a client
    /// that hangs up now has not cut anything off.
    pub fn is_final(&self) -> bool {
        match self.lines {
            Some(_) => self.is_done || self.data.is_done() || self.documents.is_final(),
            None => self.machine.is_done(),
        }
    }

    /// What has passed so far.
    pub fn passed(&self) -> Passed {
        let in_hand = self.data == Data::Other;
        Passed {
            bytes: self.bytes,
            text: self.documents.text(),
            events: self.events.saturating_add(in_hand.into()),
            readable: self.documents.ended() || self.machine.is_open(),
        }
    }

    fn part(&mut self, part: &Part<'_>) {
        match part {
            // Between the lines of one event's data is a line feed.
            Part::Line if self.data != Data::None => {
                self.data = Data::Other;
                self.machine.feed(b"\n", &mut self.documents);
            }
            Part::Line => {}
            Part::Data(data) => {
                self.data = self.data.and(data);
                self.machine.feed(data, &mut self.documents);
            }
            Part::End => {
                self.is_done |= self.data.is_done();
                let counts = self.data != Data::None && !self.data.is_done();
                self.events = self.events.saturating_add(counts.into());
                self.data = Data::None;
                self.machine.restart();
                self.documents.restart();
            }
        }
    }
}

// === impl Data ===

impl Data {
    /// The data with some more behind it.
    fn and(self, more: &[u8]) -> Self {
        let sofar = match self {
            Self::None => 0,
            Self::Done(bytes) => bytes,
            Self::Other => return self,
        };
        match DONE.get(sofar..) {
            Some(missing) if missing.starts_with(more) => {
                Self::Done(sofar.saturating_add(more.len()))
            }
            _ => Self::Other,
        }
    }

    fn is_done(self) -> bool {
        self == Self::Done(DONE.len())
    }
}
