//! The model that a body names, or the several.

use super::json::Short;
use super::Model;

/// What stands as the value of `model`, each time that the name is there.
#[derive(Debug)]
pub(super) struct Named {
    name: Short<LONGEST>,
    /// Whether `name` is one.
    has_name: bool,
    /// How much of `name` the string in hand repeats. `None`: it is another one.
    repeated: Option<usize>,
    /// Something else than a string stood there, which an upstream may read as
    /// its default.
    has_other: bool,
    is_several: bool,
}

/// The longest name, bytes.
const LONGEST: usize = 256;

// === impl Named ===

impl Named {
    pub(super) fn new() -> Self {
        Self {
            name: Short::new(),
            has_name: false,
            repeated: None,
            has_other: false,
            is_several: false,
        }
    }

    /// A string begins.
    pub(super) fn begin(&mut self) {
        self.repeated = Some(0);
    }

    /// Its next piece.
    pub(super) fn push(&mut self, piece: &[u8]) {
        if !self.has_name {
            return self.name.push(piece);
        }
        self.repeated = self.repeated.and_then(|repeated| {
            let rest = self.name.get()?.get(repeated..)?;
            rest.starts_with(piece)
                .then(|| repeated.saturating_add(piece.len()))
        });
    }

    /// It ends.
    pub(super) fn end(&mut self) {
        let len = self.name.get().map(<[u8]>::len);
        self.is_several |= self.has_name && self.repeated != len;
        self.has_name = true;
    }

    /// A value that is no string.
    pub(super) fn other(&mut self) {
        self.has_other = true;
    }

    pub(super) fn model(&self) -> Model<'_> {
        let readable = |name: &&[u8]| std::str::from_utf8(name).is_ok();
        match self.name.get().filter(readable) {
            None => Model::Unreadable,
            _ if !self.has_name => Model::None,
            _ if self.is_several || self.has_other => Model::Several,
            Some(name) => Model::One(name),
        }
    }
}
