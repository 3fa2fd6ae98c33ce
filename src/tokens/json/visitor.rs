//! What is told of a JSON text while it passes.

use super::Whole;

/// Who is told. All but [`Self::piece`] happens in the innermost container.
pub(crate) trait Visitor {
    /// A member's name; empty where it is longer than any that is asked for. Its
    /// value comes next.
    fn key(&mut self, name: &[u8]);

    /// A container begins, as a value.
    fn open(&mut self, container: Container);

    /// It ends.
    fn close(&mut self);

    /// A string begins, as a value. Whether to tell its text.
    fn string(&mut self) -> bool;

    /// The next piece of a string's text, without escapes.
    fn piece(&mut self, text: &[u8]);

    /// Whether a number that begins here is to be read.
    fn wants_number(&self) -> bool;

    /// A value that is no container ends.
    fn scalar(&mut self, scalar: Scalar);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    Object,
    Array,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    String,
    /// [`Whole::No`] where it was not to be read.
    Number(Whole),
    True,
    False,
    Null,
}
