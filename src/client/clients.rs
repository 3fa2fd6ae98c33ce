//! The clients that an operator has listed: who is known, and who is on which
//! plan.

use std::fmt;
use std::hash::BuildHasherDefault;

use siphasher::sip::SipHasher13;

use super::{ClientId, Digest, Kind, Part, PlanIndex};

/// A table of clients, as large as the operator likes: a look-up takes the same
/// time in any, and allocates nothing.
#[derive(Default)]
pub struct Clients {
    /// By the id that a header, query parameter or cookie yields.
    credentials: Map<Box<[u8]>, Entry>,
    /// By SHA-256 of such an id.
    hashed: Map<Digest, Entry>,
    /// By a part of another kind, with its kind and name: no credential, which
    /// is whatever a client sends, can ever be one.
    others: Map<ClientId, Entry>,
}

/// A client as an operator lists it.
#[derive(Clone, PartialEq, Eq)]
pub enum Listed {
    /// By the id that a header, query parameter or cookie yields.
    Credential(Box<[u8]>),
    /// By SHA-256 of such an id.
    Hashed(Digest),
    /// By what a source of another kind yields, as an id of that part alone.
    Other(ClientId),
}

/// The table has this client already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlreadyListed;

/// What the table says of a client, beyond that it is known.
#[derive(Clone, Copy)]
struct Entry {
    plan: Option<PlanIndex>,
}

/// Only the operator, who means no harm to the own gateway, puts anything in:
/// the hash needs no secret key, so none has to be asked of the host.
#[expect(
    clippy::disallowed_types,
    reason = "the hasher is not the default one, which traps"
)]
type Map<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<SipHasher13>>;

// === impl Clients ===

impl Clients {
    /// Lists a client, with a plan or merely as known.
    ///
    /// # Errors
    /// Where the client is listed already, which keeps the entry that it has.
    pub fn add(&mut self, client: Listed, plan: Option<PlanIndex>) -> Result<(), AlreadyListed> {
        let entry = Entry { plan };
        match client {
            Listed::Credential(id) => put(&mut self.credentials, id, entry),
            Listed::Hashed(digest) => put(&mut self.hashed, digest, entry),
            Listed::Other(id) => put(&mut self.others, id, entry),
        }
    }

    /// Whether this id of a header, query parameter or cookie is listed, itself
    /// or by its hash.
    pub fn knows(&self, credential: &[u8]) -> bool {
        self.credential(credential).is_some()
    }

    /// Whether such an id is listed by its hash.
    pub fn knows_hash_of(&self, credential: &[u8]) -> bool {
        self.by_hash(credential).is_some()
    }

    /// The plan of a client: of the first part of its id that the table has
    /// a plan for.
    pub fn plan(&self, client: &ClientId) -> Option<PlanIndex> {
        client.parts().find_map(|part| self.part(&part)?.plan)
    }

    /// The plan of each client that has one.
    pub fn plans(&self) -> impl Iterator<Item = PlanIndex> + '_ {
        let credentials = self.credentials.values().chain(self.hashed.values());
        credentials
            .chain(self.others.values())
            .filter_map(|entry| entry.plan)
    }

    /// How many clients are listed.
    pub fn len(&self) -> usize {
        let listed = self.credentials.len().saturating_add(self.hashed.len());
        listed.saturating_add(self.others.len())
    }

    /// Whether nobody is listed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn part(&self, part: &Part<'_>) -> Option<Entry> {
        match part.kind {
            Kind::Credential => self.credential(part.value),
            _ => self.others.get(part.bytes).copied(),
        }
    }

    fn credential(&self, id: &[u8]) -> Option<Entry> {
        let plain = self.credentials.get(id).copied();
        plain.or_else(|| self.by_hash(id))
    }

    /// SHA-256 costs more than all the rest, so only a table that has some asks
    /// for it.
    fn by_hash(&self, id: &[u8]) -> Option<Entry> {
        if self.hashed.is_empty() {
            return None;
        }
        self.hashed.get(&Digest::of(id)).copied()
    }
}

/// Without the ids, which may be secrets.
impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clients({} listed)", self.len())
    }
}

fn put<K: Eq + std::hash::Hash>(
    map: &mut Map<K, Entry>,
    key: K,
    entry: Entry,
) -> Result<(), AlreadyListed> {
    match map.entry(key) {
        std::collections::hash_map::Entry::Occupied(_) => Err(AlreadyListed),
        std::collections::hash_map::Entry::Vacant(place) => {
            place.insert(entry);
            Ok(())
        }
    }
}
