//! The text of a JSON string, cut anywhere (RFC 8259, section 7).

use memchr::memchr2;

/// Takes a string's escapes apart.
#[derive(Debug)]
pub(super) struct Unescape {
    escape: Escape,
    /// The first half of a surrogate pair that waits for its second half.
    high: Option<u16>,
}

#[derive(Debug, Clone, Copy)]
enum Escape {
    None,
    Backslash,
    Unicode { digits: u8, unit: u16 },
}

/// What stands for an escape that has no meaning, and for half a pair.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// From here on surrogates are the second of their pair.
const SECOND_HALVES: u16 = 0xDC00;

// === impl Unescape ===

impl Unescape {
    /// Before the first byte of a string.
    pub(super) fn new() -> Self {
        Self {
            escape: Escape::None,
            high: None,
        }
    }

    /// Hands on the text of the string's next bytes, piece by piece, and returns
    /// what follows its closing quote. `None` if that has not come.
    pub(super) fn feed<'a>(
        &mut self,
        bytes: &'a [u8],
        mut text: impl FnMut(&[u8]),
    ) -> Option<&'a [u8]> {
        let mut rest = bytes;
        loop {
            if let Escape::None = self.escape {
                let end = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                let (plain, tail) = rest.split_at_checked(end)?;
                if !plain.is_empty() {
                    self.replace_half(&mut text);
                    text(plain);
                }
                let (byte, tail) = tail.split_first()?;
                rest = tail;
                if *byte == b'"' {
                    self.replace_half(&mut text);
                    return Some(rest);
                }
                self.escape = Escape::Backslash;
            } else {
                let (byte, tail) = rest.split_first()?;
                if self.escaped(*byte, &mut text) {
                    rest = tail;
                }
            }
        }
    }

    /// A byte within an escape. Whether it is one: a digit that is missing may
    /// be the closing quote.
    fn escaped(&mut self, byte: u8, text: &mut impl FnMut(&[u8])) -> bool {
        let (digits, unit) = match self.escape {
            Escape::Unicode { digits, unit } => (digits, unit),
            Escape::None | Escape::Backslash if byte == b'u' => {
                self.escape = Escape::Unicode { digits: 0, unit: 0 };
                return true;
            }
            Escape::None | Escape::Backslash => {
                self.escape = Escape::None;
                self.replace_half(text);
                put(simple(byte), text);
                return true;
            }
        };
        let Some(digit) = char::from(byte).to_digit(16) else {
            self.escape = Escape::None;
            self.replace_half(text);
            put(REPLACEMENT, text);
            return false;
        };
        let unit = unit << 4 | u16::try_from(digit).unwrap_or_default();
        self.escape = match digits {
            0..3 => Escape::Unicode {
                digits: digits.saturating_add(1),
                unit,
            },
            _ => {
                self.unit(unit, text);
                Escape::None
            }
        };
        true
    }

    /// A whole `\uXXXX`.
    fn unit(&mut self, unit: u16, text: &mut impl FnMut(&[u8])) {
        let pair = self
            .high
            .and_then(|high| char::decode_utf16([high, unit]).next()?.ok());
        if let Some(char) = pair {
            self.high = None;
            return put(char, text);
        }
        self.replace_half(text);
        match char::from_u32(unit.into()) {
            Some(char) => put(char, text),
            None if unit < SECOND_HALVES => self.high = Some(unit),
            None => put(REPLACEMENT, text),
        }
    }

    fn replace_half(&mut self, text: &mut impl FnMut(&[u8])) {
        if self.high.take().is_some() {
            put(REPLACEMENT, text);
        }
    }
}

/// What a backslash and this byte stand for.
fn simple(byte: u8) -> char {
    match byte {
        b'"' | b'\\' | b'/' => char::from(byte),
        b'b' => '\u{8}',
        b'f' => '\u{C}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => REPLACEMENT,
    }
}

fn put(char: char, text: &mut impl FnMut(&[u8])) {
    text(char.encode_utf8(&mut [0; 4]).as_bytes());
}
