//! Matching the host a request names.

/// A host, or all names under one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// Exactly this host, in lower case.
    Exact(Box<str>),
    /// `*.example.com`, kept as `.example.com`: every name that ends so.
    Under(Box<str>),
}

// === impl HostPattern ===

impl HostPattern {
    /// Parses `api.example.com` or `*.example.com`, in any case. `None` for
    /// what no request can name: an empty host, another `*`, a port.
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let (name, under) = match lower.strip_prefix('*') {
            Some(name) => (name, true),
            None => (lower.as_str(), false),
        };
        let plain = !name.is_empty()
            && !name.contains(['*', '/', '@'])
            && !name.contains(|c: char| c.is_ascii_whitespace() || c.is_ascii_control())
            && normal(name.as_bytes()) == name.as_bytes();
        let dotted = name.strip_prefix('.').is_some_and(|rest| !rest.is_empty());
        match (plain, under, dotted) {
            (true, true, true) => Some(Self::Under(name.into())),
            (true, false, false) => Some(Self::Exact(name.into())),
            _ => None,
        }
    }

    /// Whether a raw `:authority` names this host, in any case, with or without
    /// a port or the root's dot.
    pub fn matches(&self, authority: &[u8]) -> bool {
        let host = normal(authority);
        match self {
            Self::Exact(name) => host.eq_ignore_ascii_case(name.as_bytes()),
            Self::Under(suffix) => host
                .len()
                .checked_sub(suffix.len())
                .filter(|at| *at > 0)
                .and_then(|at| host.get(at..))
                .is_some_and(|end| end.eq_ignore_ascii_case(suffix.as_bytes())),
        }
    }
}

/// The host of an authority: without user, port and the dot of the root.
fn normal(authority: &[u8]) -> &[u8] {
    let host = authority
        .rsplit(|byte| *byte == b'@')
        .next()
        .unwrap_or_default();
    let port = host.iter().rposition(|byte| *byte == b':').filter(|colon| {
        // The colons inside `[::1]` belong to the address.
        host.get(*colon..).is_some_and(|port| !port.contains(&b']'))
    });
    let host = port.and_then(|colon| host.get(..colon)).unwrap_or(host);
    let dots = host.iter().rev().take_while(|byte| **byte == b'.').count();
    host.get(..host.len().saturating_sub(dots)).unwrap_or(host)
}
