//! A request, as its client sends it and its upstream answers it.

/// A request on its way.
#[derive(Clone)]
pub struct Request {
    pub(super) headers: Vec<(String, Vec<u8>)>,
    /// `None`: there is one, of a kind that Envoy has no bytes for.
    pub(super) attributes: Vec<(String, Option<Vec<u8>>)>,
    pub(super) upstream: Vec<(String, String)>,
}

// === impl Request ===

impl Request {
    pub fn get(path: &str) -> Self {
        Self {
            headers: Vec::new(),
            attributes: vec![("source\0address".into(), Some(b"10.0.0.1:1234".to_vec()))],
            upstream: Vec::new(),
        }
        .header(":method", "GET")
        .header(":path", path)
        .header(":authority", "api.example.com")
    }

    /// A request of a client that is known by the header `x-api-key`.
    pub fn of(client: &str) -> Self {
        Self::get("/").header("x-api-key", client)
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().to_vec()));
        self
    }

    /// A chat request of such a client, whose body is of unknown length.
    pub fn chat(client: &str) -> Self {
        Self::of(client)
            .with(":method", "POST")
            .with(":path", "/v1/chat/completions")
            .header("content-type", "application/json")
    }

    /// The same with the length of this body.
    pub fn sized(self, body: impl AsRef<[u8]>) -> Self {
        let length = body.as_ref().len().to_string();
        self.with("content-length", length)
    }

    /// Replaces a header.
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.header(name, value)
    }

    pub fn attribute(self, path: &[&str], value: impl AsRef<[u8]>) -> Self {
        self.with_attribute(path, Some(value.as_ref().to_vec()))
    }

    /// An attribute that Envoy has no bytes for, such as a claim that is `null`.
    pub fn null_attribute(self, path: &[&str]) -> Self {
        self.with_attribute(path, None)
    }

    /// A header that the upstream answers with.
    pub fn upstream(mut self, name: &str, value: &str) -> Self {
        self.upstream.push((name.into(), value.into()));
        self
    }

    fn with_attribute(mut self, path: &[&str], value: Option<Vec<u8>>) -> Self {
        let path = path.join("\0");
        self.attributes.retain(|(other, _)| *other != path);
        self.attributes.push((path, value));
        self
    }
}
