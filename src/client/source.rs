//! The places an id can come from.

use std::borrow::Cow;

use super::id::Kind;
use super::{
    cookie, header, ip, query, unordered, Ambiguous, ClientId, Context, PathParams, Prefixes,
};
use crate::request::{AttributePath, Model, Request};

/// A place that may name the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// What the client sends to say who it is.
    Credential(Credential),
    /// Envoy's trusted client address.
    Ip(Prefixes),
    /// A claim of a token that Envoy has verified: the claim's path, and where
    /// Envoy keeps it.
    JwtClaim {
        /// The names that lead to the claim, joined by NUL.
        claim: Box<str>,
        /// The attribute that holds it.
        attribute: AttributePath,
    },
    /// Any other Envoy attribute.
    Property(AttributePath),
    /// A variable of the route's path template.
    PathParam(Box<str>),
    /// The same client for all.
    Constant(Box<str>),
    /// The model that the body asks for.
    Model,
    /// All of several sources together.
    All(Vec<Source>),
}

/// A value that the client sends to say who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Where it stands.
    pub place: CredentialPlace,
    /// Whether only ids that the operator listed count.
    pub known: bool,
}

/// Where a client may put its credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialPlace {
    /// A header, by its name in lower case.
    Header {
        /// The name.
        name: Box<str>,
        /// A prefix that must be there and is cut off.
        strip: Option<Box<str>>,
    },
    /// A query parameter.
    Query(Box<str>),
    /// A cookie.
    Cookie(Box<str>),
}

/// The name of the one member of a body that is a source.
pub(crate) const MODEL: &str = "model";

// === impl Source ===

impl Source {
    /// Appends what this source yields to `id`; `false` where it yields nothing.
    pub(crate) fn append<R: Request, P: PathParams>(
        &self,
        context: &Context<'_, R, P>,
        id: &mut ClientId,
    ) -> Result<bool, Ambiguous> {
        let (kind, name, value) = match self {
            Self::Credential(credential) => (Kind::Credential, "", credential.value(context)?),
            Self::Ip(prefixes) => {
                let address = context.request.attribute(&AttributePath::SOURCE_ADDRESS);
                let network = address.and_then(|address| ip::network(&address, *prefixes));
                (
                    Kind::Ip,
                    "",
                    network.map(|network| ip::octets(network).into()),
                )
            }
            Self::JwtClaim { claim, attribute } => {
                let value = context.request.attribute(attribute);
                (
                    Kind::JwtClaim,
                    &**claim,
                    value.map(unordered::ordered).map(Cow::Owned),
                )
            }
            Self::Property(attribute) => {
                let value = context.request.attribute(attribute);
                (
                    Kind::Property,
                    attribute.as_str(),
                    value.map(unordered::ordered).map(Cow::Owned),
                )
            }
            Self::PathParam(name) => (
                Kind::PathParam,
                &**name,
                context.params.path_param(name).map(Cow::Borrowed),
            ),
            Self::Constant(value) => (Kind::Constant, "", Some(value.as_bytes().into())),
            Self::Model => match context.request.body().model() {
                Model::One(name) => (Kind::Body, MODEL, Some(name.into())),
                Model::Several => return Err(Ambiguous),
                Model::None | Model::Unreadable => return Ok(false),
            },
            Self::All(sources) => {
                for source in sources {
                    if !source.append(context, id)? {
                        return Ok(false);
                    }
                }
                return Ok(true);
            }
        };
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return Ok(false);
        };
        id.push(kind, name.as_bytes(), &value);
        Ok(true)
    }
}

impl Source {
    /// Whether only a request on some route has it: a variable of the path, or a
    /// body.
    pub fn is_of_route(&self) -> bool {
        match self {
            Self::PathParam(_) | Self::Model => true,
            Self::All(sources) => sources.iter().any(Self::is_of_route),
            _ => false,
        }
    }

    /// Whether it stands in the body.
    pub fn is_in_body(&self) -> bool {
        match self {
            Self::Model => true,
            Self::All(sources) => sources.iter().any(Self::is_in_body),
            _ => false,
        }
    }
}

// === impl Credential ===

impl Credential {
    fn value<'a, R: Request, P>(
        &'a self,
        context: &Context<'a, R, P>,
    ) -> Result<Option<Cow<'a, [u8]>>, Ambiguous> {
        let value = match &self.place {
            CredentialPlace::Header { name, strip: None } => {
                header::value(context.request, name)?.map(Cow::Borrowed)
            }
            CredentialPlace::Header {
                name,
                strip: Some(prefix),
            } => header::value_after(context.request, name, prefix)?.map(Cow::Borrowed),
            CredentialPlace::Query(name) => query::value(context.request, name)?,
            CredentialPlace::Cookie(name) => cookie::value(context.request, name)?,
        };
        Ok(value.filter(|value| !self.known || context.clients.knows(value)))
    }
}
