//! The states of a JSON text that passes.

use memchr::memchr2;

use super::nesting::Nesting;
use super::number::Number;
use super::state::State;
use super::unescape::Unescape;
use super::{space, Container, Scalar, Short, Visitor, Whole};
use crate::tokens::mark::Mark;

/// Reads one JSON text (RFC 8259).
#[derive(Debug)]
pub(crate) struct Machine {
    state: State,
    nesting: Nesting,
    key: Short<LONGEST_KEY>,
    text: Unescape,
    number: Number,
    /// Bytes fed, up to the end of the piece in hand.
    fed: u64,
    closed_at: Option<u64>,
}

/// The longest key that is told.
const LONGEST_KEY: usize = 32;

// === impl Machine ===

impl Machine {
    /// Before the text's first byte.
    pub(crate) fn new() -> Self {
        Self {
            state: State::Start(0),
            nesting: Nesting::new(),
            key: Short::new(),
            text: Unescape::new(),
            number: Number::new(),
            fed: 0,
            closed_at: None,
        }
    }

    /// Before another text's first byte.
    pub(crate) fn restart(&mut self) {
        self.state = State::Start(0);
        self.nesting = Nesting::new();
        self.fed = 0;
        self.closed_at = None;
    }

    /// Whether all of a text has come, and nothing else behind it.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether it is within a container, and has understood all before.
    pub(crate) fn is_open(&self) -> bool {
        self.nesting.is_open() && self.state != State::Broken
    }

    /// Whether containers were nested so deep that their ends could not be told
    /// apart.
    pub(crate) fn was_too_deep(&self) -> bool {
        self.nesting.was_too_deep()
    }

    /// Bytes fed.
    pub(crate) fn fed(&self) -> u64 {
        self.fed
    }

    /// The offset of the byte that closed the outermost container.
    pub(crate) fn closed_at(&self) -> Option<u64> {
        self.closed_at
    }

    /// Takes the next bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8], visitor: &mut impl Visitor) {
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.fed = self.fed.saturating_add(len);
        let mut rest = bytes;
        while let Some(tail) = self.step(rest, visitor) {
            rest = tail;
        }
    }

    /// Takes at least one byte, if there is one, and returns the others.
    #[inline]
    fn step<'a>(&mut self, bytes: &'a [u8], visitor: &mut impl Visitor) -> Option<&'a [u8]> {
        match self.state {
            State::Value
            | State::FirstValue
            | State::Key
            | State::FirstKey
            | State::Colon
            | State::Comma
            | State::Done => {
                let (byte, tail) = space::behind(bytes)?;
                if byte == b'"' && matches!(self.state, State::Key | State::FirstKey) {
                    return self.key(tail, visitor);
                }
                self.state = self.token(byte, tail, visitor);
                Some(tail)
            }
            State::InKey => {
                let tail = self.text.feed(bytes, |piece| self.key.push(piece))?;
                visitor.key(self.key.get().unwrap_or_default());
                self.state = State::Colon;
                Some(tail)
            }
            State::InText => {
                let tail = self.text.feed(bytes, |piece| visitor.piece(piece))?;
                self.scalar(Scalar::String, visitor);
                Some(tail)
            }
            State::InString => {
                let end = memchr2(b'"', b'\\', bytes)?;
                let (byte, tail) = bytes.get(end..)?.split_first()?;
                match byte {
                    b'\\' => self.state = State::Escaped,
                    _ => self.scalar(Scalar::String, visitor),
                }
                Some(tail)
            }
            State::Escaped => {
                let (_, tail) = bytes.split_first()?;
                self.state = State::InString;
                Some(tail)
            }
            State::InNumber => {
                let end = bytes.iter().position(|byte| !Number::may_hold(*byte));
                let (digits, tail) = bytes.split_at_checked(end.unwrap_or(bytes.len()))?;
                digits.iter().for_each(|byte| self.number.push(*byte));
                // Cut here, it may be a longer one; of `12a` nothing counts.
                if space::ends_value(*tail.first()?) {
                    self.scalar(Scalar::Number(self.number.whole()), visitor);
                } else {
                    self.state = State::Broken;
                }
                Some(tail)
            }
            State::InDigits => {
                let end = bytes.iter().position(|byte| !Number::may_hold(*byte))?;
                self.scalar(Scalar::Number(Whole::No), visitor);
                bytes.get(end..)
            }
            State::InWord(word, letters) => self.word(word, letters, bytes, visitor),
            State::TooDeep => self.too_deep(bytes),
            State::Start(seen) => self.start(seen, bytes),
            State::Broken => None,
        }
    }

    fn start<'a>(&mut self, seen: u8, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (byte, tail) = bytes.split_first()?;
        let mark = Mark::after(seen, *byte);
        self.state = match mark {
            Mark::Begun(seen) => State::Start(seen),
            Mark::Whole | Mark::None => State::Value,
            Mark::Other => State::Broken,
        };
        Some(if mark == Mark::None { bytes } else { tail })
    }

    /// What follows a byte that is no white space, outside of strings and the
    /// like.
    #[inline]
    fn token(&mut self, byte: u8, tail: &[u8], visitor: &mut impl Visitor) -> State {
        let in_object = self.nesting.in_object();
        match (self.state, byte) {
            (State::Colon, b':') => State::Value,
            (State::Comma, b',') if in_object => State::Key,
            (State::Comma, b',') => State::Value,
            (State::Comma, b'}') if in_object => self.close(tail, visitor),
            (State::Comma, b']') if !in_object => self.close(tail, visitor),
            (State::FirstKey, b'}') | (State::FirstValue, b']') => self.close(tail, visitor),
            (State::Value | State::FirstValue, _) => self.begin(byte, visitor),
            _ => State::Broken,
        }
    }

    /// A key, which is rarely cut and rarely has an escape in it.
    #[inline]
    fn key<'a>(&mut self, tail: &'a [u8], visitor: &mut impl Visitor) -> Option<&'a [u8]> {
        let end = memchr2(b'"', b'\\', tail).unwrap_or(tail.len());
        if let Some((name, [b'"', tail @ ..])) = tail.split_at_checked(end) {
            visitor.key(if name.len() > LONGEST_KEY { b"" } else { name });
            self.state = State::Colon;
            return Some(tail);
        }
        self.key.clear();
        self.text = Unescape::new();
        self.state = State::InKey;
        Some(tail)
    }

    /// What follows the first byte of a value.
    #[inline]
    fn begin(&mut self, byte: u8, visitor: &mut impl Visitor) -> State {
        match byte {
            b'"' if visitor.string() => {
                self.text = Unescape::new();
                State::InText
            }
            b'"' => State::InString,
            b'{' => self.open(Container::Object, visitor),
            b'[' => self.open(Container::Array, visitor),
            b'-' | b'0'..=b'9' if visitor.wants_number() => {
                self.number = Number::new();
                self.number.push(byte);
                State::InNumber
            }
            b'-' | b'0'..=b'9' => State::InDigits,
            b't' => State::InWord(Scalar::True, b"rue"),
            b'f' => State::InWord(Scalar::False, b"alse"),
            b'n' => State::InWord(Scalar::Null, b"ull"),
            _ => State::Broken,
        }
    }

    fn word<'a>(
        &mut self,
        word: Scalar,
        letters: &'static [u8],
        bytes: &'a [u8],
        visitor: &mut impl Visitor,
    ) -> Option<&'a [u8]> {
        let (byte, tail) = bytes.split_first()?;
        match letters.split_first() {
            Some((letter, [])) if letter == byte => self.scalar(word, visitor),
            Some((letter, letters)) if letter == byte => self.state = State::InWord(word, letters),
            _ => self.state = State::Broken,
        }
        Some(tail)
    }

    fn open(&mut self, container: Container, visitor: &mut impl Visitor) -> State {
        self.nesting.open(container);
        if self.nesting.is_too_deep() {
            return State::TooDeep;
        }
        visitor.open(container);
        match container {
            Container::Object => State::FirstKey,
            Container::Array => State::FirstValue,
        }
    }

    fn close(&mut self, tail: &[u8], visitor: &mut impl Visitor) -> State {
        self.nesting.close();
        visitor.close();
        if !self.nesting.is_open() {
            let behind = u64::try_from(tail.len()).unwrap_or(u64::MAX);
            self.closed_at = Some(self.fed.saturating_sub(behind).saturating_sub(1));
        }
        self.behind_value()
    }

    /// Bytes in containers of which only the ends are looked for.
    fn too_deep<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let at = bytes
            .iter()
            .position(|byte| matches!(byte, b'"' | b'[' | b'{' | b']' | b'}'))?;
        let (byte, tail) = bytes.get(at..)?.split_first()?;
        match byte {
            b'"' => self.state = State::InString,
            b'[' | b'{' => self.nesting.open(Container::Array),
            _ => {
                self.nesting.close();
                self.state = self.behind_value();
            }
        }
        Some(tail)
    }

    #[inline]
    fn scalar(&mut self, scalar: Scalar, visitor: &mut impl Visitor) {
        if !self.nesting.is_too_deep() {
            visitor.scalar(scalar);
        }
        self.state = self.behind_value();
    }

    fn behind_value(&self) -> State {
        if !self.nesting.is_open() {
            State::Done
        } else if self.nesting.is_too_deep() {
            State::TooDeep
        } else {
            State::Comma
        }
    }
}
