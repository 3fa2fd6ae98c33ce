//! What a request must show to fit a route.

use super::{HostPattern, Template};
use crate::request::{AttributePath, Request};

/// All conditions of a route; those given must all hold. The default holds for
/// every request.
#[derive(Debug, Default)]
pub struct Matcher {
    /// The path.
    pub path: Option<PathMatch>,
    /// The methods, any of them; none given: every method.
    pub methods: Vec<Box<str>>,
    /// The host.
    pub host: Option<HostPattern>,
    /// Headers that must be there with exactly these values.
    pub headers: Vec<HeaderMatch>,
    /// Envoy attributes that must have exactly these values, such as the name
    /// of Envoy's own route.
    pub attributes: Vec<(AttributePath, Box<str>)>,
    /// The model that the body asks for.
    pub model: Option<ModelPattern>,
}

/// A condition on the model's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelPattern {
    /// This one.
    Exact(Box<str>),
    /// Those that begin so.
    Prefix(Box<str>),
}

/// A condition on a path in normal form.
#[derive(Debug)]
pub enum PathMatch {
    /// The whole path, with or without variables.
    Template(Template),
    /// Paths that begin with these bytes.
    Prefix(Box<[u8]>),
    /// This path, without a slash at its end, and all below it.
    Below(Box<[u8]>),
}

/// A condition on a header.
#[derive(Debug)]
pub struct HeaderMatch {
    /// The name in lower case.
    pub name: Box<str>,
    /// The exact value.
    pub value: Box<str>,
}

// === impl Matcher ===

impl Matcher {
    /// Whether it asks for nothing and so holds for every request.
    pub fn is_empty(&self) -> bool {
        let Self {
            path,
            methods,
            host,
            headers,
            attributes,
            model,
        } = self;
        path.is_none()
            && methods.is_empty()
            && host.is_none()
            && headers.is_empty()
            && attributes.is_empty()
            && model.is_none()
    }

    /// Whether the request fits, but for its model. Of a header that is there several times, one
    /// fitting line is enough to be limited, but all must fit to be `free`.
    pub fn fits<R: Request>(&self, request: &R, path: &[u8], free: bool) -> bool {
        self.path.as_ref().is_none_or(|wanted| wanted.fits(path))
            && self.fits_method(request)
            && self
                .host
                .as_ref()
                .is_none_or(|host| host.matches(request.first(":authority")))
            && self.headers.iter().all(|header| header.fits(request, free))
            && self.attributes.iter().all(|(attribute, value)| {
                request
                    .attribute(attribute)
                    .is_some_and(|found| found == value.as_bytes())
            })
    }

    /// Whether the method fits.
    pub(super) fn fits_method<R: Request>(&self, request: &R) -> bool {
        if self.methods.is_empty() {
            return true;
        }
        let asked = request.first(":method");
        self.methods
            .iter()
            .any(|method| asked == method.as_bytes() || (asked == b"HEAD" && **method == *"GET"))
    }
}

// === impl ModelPattern ===

impl ModelPattern {
    /// Whether a model of this name fits.
    pub fn matches(&self, name: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => name == exact.as_bytes(),
            Self::Prefix(prefix) => name.starts_with(prefix.as_bytes()),
        }
    }
}

// === impl PathMatch ===

impl PathMatch {
    /// The template, where this is one.
    pub fn template(&self) -> Option<&Template> {
        match self {
            Self::Template(template) => Some(template),
            Self::Prefix(_) | Self::Below(_) => None,
        }
    }

    fn fits(&self, path: &[u8]) -> bool {
        match self {
            Self::Template(template) => template.matches(path),
            Self::Prefix(prefix) => path.starts_with(prefix),
            Self::Below(base) => path
                .strip_prefix(&**base)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/")),
        }
    }
}

// === impl HeaderMatch ===

impl HeaderMatch {
    fn fits<R: Request>(&self, request: &R, free: bool) -> bool {
        let mut fitting = request
            .header(&self.name)
            .map(|line| line == self.value.as_bytes())
            .peekable();
        if free {
            fitting.peek().is_some() && fitting.all(|fits| fits)
        } else {
            fitting.any(|fits| fits)
        }
    }
}
