//! The request that Envoy is asking about.

use std::cell::{OnceCell, RefCell};

use super::{abi, headers, HostError};
use crate::request::{AttributePath, Body, Request};

/// The current request. Its headers come in one call, on first need: two
/// single ones cost as much, and only the whole map shows a header that is
/// there twice.
pub(crate) struct HostRequest<'b> {
    headers: OnceCell<Vec<u8>>,
    failure: RefCell<Option<HostError>>,
    body: Body<'b>,
}

// === impl HostRequest ===

impl<'b> HostRequest<'b> {
    /// The current request, of whose body so much is known.
    pub(crate) fn with(body: Body<'b>) -> Self {
        Self {
            headers: OnceCell::new(),
            failure: RefCell::default(),
            body,
        }
    }

    /// The same as its headers were read earlier: once there is a response, Envoy
    /// does not show them.
    pub(crate) fn again(headers: Vec<u8>, body: Body<'b>) -> Self {
        Self {
            headers: headers.into(),
            ..Self::with(body)
        }
    }

    /// All of its headers, to be read again.
    pub(crate) fn into_headers(self) -> Vec<u8> {
        let headers = self.headers.into_inner();
        headers.unwrap_or_default()
    }

    /// What could not be read, if anything was wanted that could not: then
    /// whatever the request seemed to show is not to be relied on.
    pub(crate) fn failure(&self) -> Option<HostError> {
        self.failure.take()
    }

    fn failed<T: Default>(&self, failure: HostError) -> T {
        self.failure.replace(Some(failure));
        T::default()
    }
}

impl Request for HostRequest<'_> {
    fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let read = || abi::headers(abi::Headers::Request);
        let read = || read().unwrap_or_else(|failure| self.failed(failure));
        headers::values(self.headers.get_or_init(read), name)
    }

    fn body(&self) -> Body<'_> {
        self.body
    }

    fn attribute(&self, path: &AttributePath) -> Option<Vec<u8>> {
        abi::property(path.as_str()).unwrap_or_else(|failure| self.failed(failure))
    }
}
