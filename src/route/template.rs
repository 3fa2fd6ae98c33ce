//! Path templates: `/v1/models/{model}:predict`, `/files/{rest=**}`.

use super::path::NormalPath;

/// A path with variables, compared with paths in normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    segments: Vec<Segment>,
    /// The name of a `{name=**}` at the end, which takes what is left.
    tail: Option<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(Box<[u8]>),
    /// A variable, one byte or more, between two literal parts.
    Variable {
        before: Box<[u8]>,
        name: Box<str>,
        after: Box<[u8]>,
    },
}

/// Why a string is no template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidTemplate {
    /// It does not begin with `/`, holds a query, or has no normal form.
    Path,
    /// A brace that does not open or close a variable in one segment.
    Brace,
    /// A variable's name is not `[a-z_][a-z0-9_]*` of at most 64, or is there twice.
    Name,
    /// Two variables in one segment: where the first ends would be a guess.
    TwoInOneSegment,
    /// `{name=**}` is not the last segment.
    TailNotLast,
}

// === impl Template ===

impl Template {
    /// Parses a template. Its literal parts are taken to their normal form.
    ///
    /// # Errors
    /// [`InvalidTemplate`] says what it cannot be read for.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        if text.contains(['?', '#']) {
            return Err(InvalidTemplate::Path);
        }
        let lower = text.to_ascii_lowercase();
        if lower.contains("%7b") || lower.contains("%7d") {
            return Err(InvalidTemplate::Brace);
        }
        let NormalPath::Normal { path, .. } = NormalPath::of(text.as_bytes()) else {
            return Err(InvalidTemplate::Path);
        };
        let mut template = Self {
            segments: Vec::new(),
            tail: None,
        };
        for segment in segments_of(&path) {
            if template.tail.is_some() {
                return Err(InvalidTemplate::TailNotLast);
            }
            match segment
                .strip_prefix(b"{")
                .and_then(|s| s.strip_suffix(b"=**}"))
            {
                Some(name) => template.tail = Some(variable_name(name)?),
                None => template.segments.push(Segment::parse(segment)?),
            }
        }
        let mut names: Vec<&str> = template.variables().collect();
        names.sort_unstable();
        if names
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a == b))
        {
            return Err(InvalidTemplate::Name);
        }
        Ok(template)
    }

    /// The names of its variables.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let named = self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Variable { name, .. } => Some(&**name),
        });
        named.chain(self.tail.as_deref())
    }

    /// Whether a path in normal form fits.
    pub fn matches(&self, path: &[u8]) -> bool {
        let mut rest = segments_of(path);
        let fits = self.segments.iter().all(|segment| {
            rest.next()
                .is_some_and(|found| segment.value_in(found).is_some())
        });
        fits && (self.tail.is_some() || rest.next().is_none())
    }

    /// The value of one variable in a path that fits. A tail keeps its inner
    /// slashes and is empty where nothing is left.
    pub fn variable<'p>(&self, wanted: &str, path: &'p [u8]) -> Option<&'p [u8]> {
        let mut rest = path;
        for segment in &self.segments {
            let (found, after) = split_segment(rest);
            rest = after;
            match segment {
                Segment::Variable { name, .. } if **name == *wanted => {
                    return segment.value_in(found);
                }
                _ => {}
            }
        }
        let tail = self.tail.as_deref()?;
        (tail == wanted).then(|| rest.strip_prefix(b"/").unwrap_or(rest))
    }
}

// === impl Segment ===

impl Segment {
    fn parse(segment: &[u8]) -> Result<Self, InvalidTemplate> {
        let is_brace = |byte: &u8| matches!(byte, b'{' | b'}');
        let mut parts = segment.split(is_brace);
        let braces = segment.iter().copied().filter(|byte| is_brace(byte));
        match (
            braces.collect::<Vec<_>>().as_slice(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) {
            ([], Some(literal), None, None) => Ok(Self::Literal(literal.into())),
            (b"{}", Some(before), Some(name), Some(after)) => Ok(Self::Variable {
                before: before.into(),
                name: variable_name(name)?,
                after: after.into(),
            }),
            (b"{}{}", ..) => Err(InvalidTemplate::TwoInOneSegment),
            _ => Err(InvalidTemplate::Brace),
        }
    }

    /// The variable part of a segment that fits, the whole of a literal one.
    fn value_in<'s>(&self, segment: &'s [u8]) -> Option<&'s [u8]> {
        match self {
            Self::Literal(literal) => (**literal == *segment).then_some(segment),
            Self::Variable { before, after, .. } => segment
                .strip_prefix(&**before)
                .and_then(|rest| rest.strip_suffix(&**after))
                .filter(|value| !value.is_empty()),
        }
    }
}

fn variable_name(name: &[u8]) -> Result<Box<str>, InvalidTemplate> {
    let fits = match name {
        [first, rest @ ..] => {
            matches!(first, b'a'..=b'z' | b'_')
                && rest.len() < 64
                && rest
                    .iter()
                    .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        }
        [] => false,
    };
    let name = std::str::from_utf8(name).map_err(|_| InvalidTemplate::Name)?;
    fits.then(|| name.into()).ok_or(InvalidTemplate::Name)
}

/// The segments of a path in normal form; none for `/`.
fn segments_of(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let inner = path.strip_prefix(b"/").filter(|inner| !inner.is_empty());
    inner
        .into_iter()
        .flat_map(|inner| inner.split(|byte| *byte == b'/'))
}

/// The first segment of a path in normal form, and what follows it.
fn split_segment(path: &[u8]) -> (&[u8], &[u8]) {
    let inner = path.strip_prefix(b"/").unwrap_or(path);
    let end = inner
        .iter()
        .position(|byte| *byte == b'/')
        .unwrap_or(inner.len());
    inner.split_at_checked(end).unwrap_or((inner, b""))
}
