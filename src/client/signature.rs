//! Sources as text that stays the same from build to build: what a client's
//! state belongs to, also in a store that outlives this build.

use std::fmt::{self, Display, Formatter};

use super::source::MODEL;
use super::{ClientFrom, CredentialPlace, Source};

/// The sources of a client's id, each part with its length, so that no two
/// lists of sources read alike.
pub struct Signature<'a>(pub(super) &'a ClientFrom);

// === impl Signature ===

impl Display for Signature<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        list(f, &self.0.sources)
    }
}

fn list(f: &mut Formatter<'_>, sources: &[Source]) -> fmt::Result {
    write!(f, "[{}", sources.len())?;
    sources.iter().try_for_each(|source| one(f, source))
}

fn one(f: &mut Formatter<'_>, source: &Source) -> fmt::Result {
    match source {
        Source::Credential(credential) => {
            match &credential.place {
                CredentialPlace::Header { name, strip } => {
                    text(f, "header", name)?;
                    if let Some(strip) = strip {
                        text(f, "strip", strip)?;
                    }
                }
                CredentialPlace::Query(name) => text(f, "query", name)?,
                CredentialPlace::Cookie(name) => text(f, "cookie", name)?,
            }
            f.write_str(if credential.known { " known" } else { "" })
        }
        Source::Ip(prefixes) => write!(f, " ip {}/{}", prefixes.ipv4, prefixes.ipv6),
        Source::JwtClaim { claim, attribute } => {
            text(f, "jwt_claim", claim)?;
            text(f, "in", attribute.as_str())
        }
        Source::Property(attribute) => text(f, "property", attribute.as_str()),
        Source::PathParam(name) => text(f, "path_param", name),
        Source::Constant(value) => text(f, "constant", value),
        Source::Model => text(f, "body", MODEL),
        Source::All(sources) => {
            f.write_str(" all")?;
            list(f, sources)
        }
    }
}

fn text(f: &mut Formatter<'_>, kind: &str, value: &str) -> fmt::Result {
    write!(f, " {kind} {}:{value}", value.len())
}
