//! The ids that the sources at the top can yield: an entry of `clients` that
//! none of them can would look like a rule and be none.

use std::net::IpAddr;

use crate::client::{Kind, Prefixes, Source, MODEL};

/// What the sources at the top yield, those within `all` among them.
#[derive(Default)]
pub(super) struct Callers {
    /// Whether they are wrong, so that nothing is known of them.
    faulty: bool,
    credentials: bool,
    networks: Vec<Prefixes>,
    constants: Vec<Box<str>>,
    /// The names of all others, each once.
    names: Vec<(Kind, Box<str>)>,
}

// === impl Callers ===

impl Callers {
    /// What these sources yield; `None` where they are wrong.
    pub(super) fn of(sources: Option<&[Source]>) -> Self {
        let mut callers = Self {
            faulty: sources.is_none(),
            ..Self::default()
        };
        callers.add(sources.unwrap_or_default());
        callers
    }

    /// Whether the sources are wrong: what they yield is then to be asked again
    /// when they are right.
    pub(super) fn are_faulty(&self) -> bool {
        self.faulty
    }

    /// Whether some source yields what a client sends to say who it is.
    pub(super) fn have_credentials(&self) -> bool {
        self.credentials
    }

    /// The networks that an address is in, as the sources count it.
    pub(super) fn networks_of(&self, address: IpAddr) -> impl Iterator<Item = IpAddr> + '_ {
        self.networks
            .iter()
            .map(move |prefixes| prefixes.network(address))
    }

    /// The constants.
    pub(super) fn constants(&self) -> impl Iterator<Item = &str> {
        self.constants.iter().map(|constant| &**constant)
    }

    /// The names of the sources of a kind that has names.
    pub(super) fn names(&self, kind: Kind) -> impl Iterator<Item = &str> {
        let of_kind = self.names.iter().filter(move |(other, _)| *other == kind);
        of_kind.map(|(_, name)| &**name)
    }

    fn add(&mut self, sources: &[Source]) {
        for source in sources {
            match source {
                Source::Credential(_) => self.credentials = true,
                Source::Ip(prefixes) => self.networks.push(*prefixes),
                Source::JwtClaim { claim, .. } => self.add_name(Kind::JwtClaim, claim),
                Source::Property(path) => self.add_name(Kind::Property, path.as_str()),
                Source::PathParam(name) => self.add_name(Kind::PathParam, name),
                Source::Constant(constant) => self.constants.push(constant.clone()),
                Source::Model => self.add_name(Kind::Body, MODEL),
                Source::All(sources) => self.add(sources),
            }
        }
    }

    fn add_name(&mut self, kind: Kind, name: &str) {
        if !self.names(kind).any(|other| other == name) {
            self.names.push((kind, name.into()));
        }
    }
}
