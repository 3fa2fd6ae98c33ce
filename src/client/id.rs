//! The bytes that identify a client in the table.

use std::borrow::Borrow;
use std::net::IpAddr;

use super::ip;

/// A client's id: for each part its kind, the kind's own name and the value,
/// each with its length, so that no header can pose as an address and
/// `[a, bc]` is not `[ab, c]`.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub struct ClientId(Vec<u8>);

/// Where a part of an id comes from. Equal values of different kinds are
/// different clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Nobody: all requests without a client.
    Nobody = 0,
    /// A header, query parameter or cookie: the same key is the same client
    /// however it comes.
    Credential = 1,
    /// An address: four or sixteen bytes.
    Ip = 2,
    /// A verified claim; its name is the claim's path, joined by NUL.
    JwtClaim = 3,
    /// An Envoy attribute; its name is the attribute's path, joined by NUL.
    Property = 4,
    /// A variable of the route's path template, by its name.
    PathParam = 5,
    /// What the operator wrote.
    Constant = 6,
    /// A member of the body, by its name.
    Body = 7,
}

/// What one source has put into an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// What kind of source.
    pub kind: Kind,
    /// The name that tells sources of this kind apart, empty where none does.
    pub name: &'a [u8],
    /// What it yielded.
    pub value: &'a [u8],
    /// All three as they stand in the id.
    pub(super) bytes: &'a [u8],
}

/// The parts of an id that are still to come.
struct Parts<'a>(&'a [u8]);

/// A kind, two lengths, and an API key or an address.
const USUAL_BYTES: usize = 128;

// === impl ClientId ===

impl ClientId {
    /// The one client that all requests without one are.
    pub fn nobody() -> Self {
        Self::of(Kind::Nobody, b"", b"")
    }

    /// An id of one part.
    pub fn of(kind: Kind, name: &[u8], value: &[u8]) -> Self {
        let mut id = Self::default();
        id.push(kind, name, value);
        id
    }

    /// The id of an address alone.
    pub fn of_ip(address: IpAddr) -> Self {
        Self::of(Kind::Ip, b"", &ip::octets(address))
    }

    /// An empty id with room for a usual one.
    pub(crate) fn roomy() -> Self {
        Self(Vec::with_capacity(USUAL_BYTES))
    }

    /// Forgets what a source has left that yielded nothing in the end.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The bytes to hash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What each source has put in, in their order.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        Parts(&self.0)
    }

    pub(crate) fn push(&mut self, kind: Kind, name: &[u8], value: &[u8]) {
        const KIND_AND_LENGTHS: usize = 17;
        let texts = name.len().saturating_add(value.len());
        self.0.reserve(texts.saturating_add(KIND_AND_LENGTHS));
        self.0.push(kind as u8);
        for part in [name, value] {
            self.0.extend_from_slice(&(part.len() as u64).to_le_bytes());
            self.0.extend_from_slice(part);
        }
    }
}

/// A table of ids is asked with the bytes of one.
impl Borrow<[u8]> for ClientId {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

// === impl Kind ===

impl Kind {
    const ALL: [Self; 7] = [
        Self::Nobody,
        Self::Credential,
        Self::Ip,
        Self::JwtClaim,
        Self::Property,
        Self::PathParam,
        Self::Constant,
    ];

    fn of_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

// === impl Parts ===

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let (kind, rest) = self.0.split_first()?;
        let (name, rest) = text(rest)?;
        let (value, rest) = text(rest)?;
        let length = self.0.len().checked_sub(rest.len())?;
        let bytes = self.0.get(..length)?;
        self.0 = rest;
        Some(Part {
            kind: Kind::of_byte(*kind)?,
            name,
            value,
            bytes,
        })
    }
}

/// A text after its length, and what follows it.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    rest.split_at_checked(length)
}
