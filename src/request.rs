//! What a request shows to the rules that read it.
//!
//! Routes and client sources are pure: they see a request through this trait,
//! so that a test, a simulation and Envoy can all show them one. Values are
//! bytes, since Envoy lets any byte from 0x80 to 0xFF into a header.

use std::borrow::Cow;

/// A request at the time its headers are read.
pub trait Request {
    /// Every line of one header, by its name in lower case; pseudo-headers (`:path`,
    /// `:method`, `:authority`) are headers too.
    fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]>;

    /// An Envoy attribute, or `None` where Envoy has none of that name.
    fn attribute(&self, path: &AttributePath) -> Option<Vec<u8>>;

    /// The first line of one header, empty where there is none.
    fn first<'a>(&'a self, name: &'a str) -> &'a [u8] {
        self.header(name).next().unwrap_or_default()
    }

    /// What is known of its body.
    fn body(&self) -> Body<'_> {
        Body::None
    }

    /// The length of its body, where its headers say it.
    fn body_length(&self) -> Option<u64> {
        match self.body() {
            Body::None => Some(0),
            Body::Coming | Body::Read(_) => {
                let text = str::from_utf8(self.first("content-length")).ok()?;
                text.parse().ok()
            }
        }
    }

    /// Whether it is a call of gRPC, by Envoy's own rule: gRPC-Web is not, until
    /// Envoy's filter for it has made gRPC of it.
    fn is_grpc(&self) -> bool {
        let rest = self.first("content-type").strip_prefix(b"application/grpc");
        matches!(rest, Some([] | [b'+', ..]))
    }

    /// The path as the client sent it, query included.
    fn path(&self) -> &[u8] {
        self.first(":path")
    }
}

/// What is known of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// There is none.
    None,
    /// It is still to come.
    Coming,
    /// It has been read, and asks for this model.
    Read(Model<'a>),
}

/// The model that a body asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model<'a> {
    /// It names none.
    None,
    /// This one, in UTF-8, without JSON's escapes.
    One(&'a [u8]),
    /// Two different ones. Whichever Tollgate took, the upstream might take the
    /// other.
    Several,
    /// It is no JSON object, not all of one, or none that can be told from another:
    /// UTF-16, nested too deep, a name of more than 256 bytes.
    Unreadable,
}

/// The path of an Envoy attribute, such as `source.address`, in the form that
/// proxy-wasm asks for: its segments joined by NUL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttributePath(Cow<'static, str>);

// === impl AttributePath ===

impl AttributePath {
    /// The client's address and port, as Envoy trusts it.
    pub const SOURCE_ADDRESS: Self = Self(Cow::Borrowed("source\0address"));

    /// The attribute under these segments. A segment may contain dots.
    pub fn new<'a>(segments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut joined = String::new();
        for segment in segments {
            if !joined.is_empty() {
                joined.push('\0');
            }
            joined.push_str(segment);
        }
        Self(Cow::Owned(joined))
    }

    /// The segments, joined by NUL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// === impl Body ===

impl<'a> Body<'a> {
    /// The model that it asks for, as far as is known.
    pub fn model(self) -> Model<'a> {
        match self {
            Self::Read(model) => model,
            Self::None | Self::Coming => Model::None,
        }
    }
}
