//! Who a request comes from.
//!
//! A list of sources is asked in order; the first that yields a value names
//! the client. A table of clients and a second list of sources, which no client
//! can write, say which plan it is on. Ids are bytes of unknown origin: nothing here assumes text.

mod clients;
mod cookie;
mod digest;
mod header;
mod id;
mod ip;
mod plan;
mod query;
mod signature;
mod source;
mod unordered;

pub use clients::{AlreadyListed, Clients, Listed};
pub use digest::Digest;
pub use id::{ClientId, Kind, Part};
pub use ip::Prefixes;
pub use plan::{plan_of, Plan, PlanFrom, PlanIndex, PlanSource};
pub use signature::Signature;
pub(crate) use source::MODEL;
pub use source::{Credential, CredentialPlace, Source};

use crate::request::Request;

/// The sources of a client's id, and what to do where none yields one.
#[derive(Debug, PartialEq, Eq)]
pub struct ClientFrom {
    /// The sources, in order.
    pub sources: Vec<Source>,
    /// What a request without a client meets.
    pub missing: Missing,
}

/// What a request without a client meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Missing {
    /// All such requests are one client.
    Shared,
    /// A 401.
    Deny,
    /// No limit.
    Unlimited,
}

/// What the sources found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A client.
    Client(ClientId),
    /// Nobody, and such requests are not limited.
    Unlimited,
    /// Nobody, and such requests are refused.
    Refused,
    /// Two values where one is expected. Whichever Tollgate took, the upstream
    /// might take the other.
    Ambiguous,
}

/// The variables of the path template that a request fits.
pub trait PathParams {
    /// The value of one variable, escapes decoded.
    fn path_param(&self, name: &str) -> Option<&[u8]>;
}

/// All that a source may read.
pub(crate) struct Context<'a, R, P> {
    pub(crate) request: &'a R,
    pub(crate) params: &'a P,
    pub(crate) clients: &'a Clients,
}

/// Two different values in one place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

// === impl ClientFrom ===

impl ClientFrom {
    /// Finds the client of a request.
    pub fn find<R: Request, P: PathParams>(
        &self,
        request: &R,
        params: &P,
        clients: &Clients,
    ) -> Found {
        let context = Context {
            request,
            params,
            clients,
        };
        let mut id = ClientId::roomy();
        for source in &self.sources {
            id.clear();
            match source.append(&context, &mut id) {
                Ok(true) => return Found::Client(id),
                Ok(false) => {}
                Err(Ambiguous) => return Found::Ambiguous,
            }
        }
        match self.missing {
            Missing::Shared => Found::Client(ClientId::nobody()),
            Missing::Unlimited => Found::Unlimited,
            Missing::Deny => Found::Refused,
        }
    }

    /// Whether some source stands in the body.
    pub fn is_in_body(&self) -> bool {
        self.sources.iter().any(Source::is_in_body)
    }

    /// The sources as text, for what a client's state belongs to.
    pub fn signature(&self) -> Signature<'_> {
        Signature(self)
    }

    /// The authentication scheme that these sources ask for: the prefix of an
    /// `Authorization` header, or else `ApiKey`.
    pub fn scheme(&self) -> &str {
        let schemes = self.sources.iter().filter_map(|source| match source {
            Source::Credential(Credential {
                place: CredentialPlace::Header { name, strip },
                ..
            }) if **name == *"authorization" => strip.as_deref(),
            _ => None,
        });
        schemes.map(str::trim).next().unwrap_or("ApiKey")
    }
}

/// The one value of a place that may hold several.
pub(crate) fn only<V: PartialEq>(
    values: impl IntoIterator<Item = V>,
) -> Result<Option<V>, Ambiguous> {
    let mut values = values.into_iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    if values.any(|other| other != first) {
        return Err(Ambiguous);
    }
    Ok(Some(first))
}
