//! Server-sent events, cut anywhere (WHATWG HTML, section 9.2.6).

use memchr::memchr2;

use super::mark::Mark;

/// Takes a stream of events apart, of which only the data counts.
#[derive(Debug)]
pub(super) struct Lines {
    state: State,
    /// A line feed that comes now belongs to the line's end before it.
    after_return: bool,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// So many bytes of a byte order mark, which may come first.
    Mark(u8),
    /// So many bytes of `data:`, from a line's beginning.
    Name(u8),
    /// A space here does not belong to the data.
    Space,
    Data,
    /// A comment, or a field that does not count.
    Other,
}

/// A part of a stream of events.
pub(super) enum Part<'a> {
    /// A line of data begins.
    Line,
    /// The next bytes of it.
    Data(&'a [u8]),
    /// An event ends.
    End,
}

const NAME: &[u8; 5] = b"data:";

// === impl Lines ===

impl Lines {
    /// Before the stream's first byte.
    pub(super) fn new() -> Self {
        Self {
            state: State::Mark(0),
            after_return: false,
        }
    }

    /// Takes the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8], mut tell: impl FnMut(Part<'_>)) {
        let mut rest = bytes;
        while let Some(tail) = self.step(rest, &mut tell) {
            rest = tail;
        }
    }

    /// Takes at least one byte, if there is one, or a state without one.
    fn step<'a>(&mut self, bytes: &'a [u8], tell: &mut impl FnMut(Part<'_>)) -> Option<&'a [u8]> {
        if let State::Data | State::Other = self.state {
            return self.line(bytes, tell);
        }
        let (byte, tail) = bytes.split_first()?;
        if *byte == b'\n' && std::mem::take(&mut self.after_return) {
            return Some(tail);
        }
        self.after_return = false;
        self.state = match self.state {
            State::Mark(seen) => {
                let mark = Mark::after(seen, *byte);
                self.state = match mark {
                    Mark::Begun(seen) => State::Mark(seen),
                    Mark::Whole | Mark::None => State::Name(0),
                    Mark::Other => State::Other,
                };
                let is_mark = matches!(mark, Mark::Begun(_) | Mark::Whole);
                return Some(if is_mark { tail } else { bytes });
            }
            State::Name(letters) => {
                let is_end = matches!(byte, b'\r' | b'\n');
                match (NAME.get(usize::from(letters)), letters) {
                    (Some(letter), 0..4) if letter == byte => {
                        State::Name(letters.saturating_add(1))
                    }
                    (Some(b':'), _) if *byte == b':' => {
                        tell(Part::Line);
                        State::Space
                    }
                    // A name without a colon is a field without a value.
                    (Some(b':'), _) if is_end => {
                        tell(Part::Line);
                        self.state = State::Data;
                        return Some(bytes);
                    }
                    (_, 0) if is_end => {
                        tell(Part::End);
                        self.after_return = *byte == b'\r';
                        State::Name(0)
                    }
                    _ => {
                        self.state = State::Other;
                        return Some(bytes);
                    }
                }
            }
            State::Space if *byte == b' ' => State::Data,
            State::Space | State::Data | State::Other => {
                self.state = State::Data;
                return Some(bytes);
            }
        };
        Some(tail)
    }

    /// The rest of a line whose field is known.
    fn line<'a>(&mut self, bytes: &'a [u8], tell: &mut impl FnMut(Part<'_>)) -> Option<&'a [u8]> {
        let end = memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len());
        let (data, tail) = bytes.split_at_checked(end)?;
        if let (State::Data, [_, ..]) = (self.state, data) {
            tell(Part::Data(data));
        }
        let (byte, tail) = tail.split_first()?;
        self.after_return = *byte == b'\r';
        self.state = State::Name(0);
        Some(tail)
    }
}
