//! A JSON number, as far as it is a whole one (RFC 8259, section 6).

/// Reads a number, cut anywhere.
#[derive(Debug)]
pub(super) struct Number {
    part: Part,
    is_negative: bool,
    /// The digits so far, without the zeros at their end. `None`: too many.
    digits: Option<u64>,
    /// How many zeros those are.
    zeros: u32,
    /// How many digits stand behind the point.
    places: u32,
    exponent: u32,
    exponent_is_negative: bool,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Start,
    Sign,
    /// A zero that nothing but a point or an exponent may follow.
    Zero,
    Integer,
    Point,
    Fraction,
    E,
    ExponentSign,
    Exponent,
    Malformed,
}

/// A number, as far as it is a whole one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    /// A whole number, also when written as `12.0` or `1e3`.
    Of(u64),
    /// A whole number above those.
    TooLarge,
    /// A negative number, a fraction, or no number at all.
    No,
}

// === impl Number ===

impl Number {
    /// Before a number's first byte.
    pub(super) fn new() -> Self {
        Self {
            part: Part::Start,
            is_negative: false,
            digits: Some(0),
            zeros: 0,
            places: 0,
            exponent: 0,
            exponent_is_negative: false,
        }
    }

    /// Whether this byte can be in a number.
    pub(super) fn may_hold(byte: u8) -> bool {
        matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.part = match (self.part, byte) {
            (Part::Start, b'-') => {
                self.is_negative = true;
                Part::Sign
            }
            (Part::Start | Part::Sign, b'0') => Part::Zero,
            (Part::Start | Part::Sign | Part::Integer, b'0'..=b'9') => {
                self.digit(byte);
                Part::Integer
            }
            (Part::Zero | Part::Integer, b'.') => Part::Point,
            (Part::Point | Part::Fraction, b'0'..=b'9') => {
                self.digit(byte);
                self.places = self.places.saturating_add(1);
                Part::Fraction
            }
            (Part::Zero | Part::Integer | Part::Fraction, b'e' | b'E') => Part::E,
            (Part::E, b'+' | b'-') => {
                self.exponent_is_negative = byte == b'-';
                Part::ExponentSign
            }
            (Part::E | Part::ExponentSign | Part::Exponent, b'0'..=b'9') => {
                let exponent = self.exponent.saturating_mul(10);
                self.exponent = exponent.saturating_add(value(byte));
                Part::Exponent
            }
            _ => Part::Malformed,
        };
    }

    fn digit(&mut self, byte: u8) {
        self.zeros = self.zeros.saturating_add(1);
        if byte != b'0' {
            self.digits = self
                .digits
                .and_then(|digits| scaled(digits, self.zeros)?.checked_add(value(byte).into()));
            self.zeros = 0;
        }
    }

    /// The number, when the byte behind it has come.
    pub(super) fn whole(&self) -> Whole {
        let ended = matches!(
            self.part,
            Part::Zero | Part::Integer | Part::Fraction | Part::Exponent
        );
        if !ended || self.is_negative {
            return Whole::No;
        }
        if self.digits == Some(0) {
            return Whole::Of(0);
        }
        let (up, down) = if self.exponent_is_negative {
            (self.zeros, self.places.saturating_add(self.exponent))
        } else {
            (self.zeros.saturating_add(self.exponent), self.places)
        };
        // The last digit is no zero, so a power of ten below it is a fraction.
        let Some(power) = up.checked_sub(down) else {
            return Whole::No;
        };
        let whole = self.digits.and_then(|digits| scaled(digits, power));
        whole.map_or(Whole::TooLarge, Whole::Of)
    }
}

/// The value of a digit.
fn value(digit: u8) -> u32 {
    char::from(digit).to_digit(10).unwrap_or_default()
}

/// So many zeros behind these digits.
fn scaled(digits: u64, power: u32) -> Option<u64> {
    match digits {
        0 => Some(0),
        _ => digits.checked_mul(10_u64.checked_pow(power)?),
    }
}
