//! The request that Envoy is asking about.

use std::cell::{OnceCell, RefCell};

use super::{abi, headers, HostError};
use crate::request::{AttributePath, Request};

/// The current request. Its headers come in one call, on first need: two
/// single ones cost as much, and only the whole map shows a header that is
/// there twice.
#[derive(Default)]
pub(crate) struct HostRequest {
    headers: OnceCell<Vec<u8>>,
    failure: RefCell<Option<HostError>>,
}

// === impl HostRequest ===

impl HostRequest {
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

impl Request for HostRequest {
    fn headers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let read = || abi::headers(abi::Headers::Request);
        let read = || read().unwrap_or_else(|failure| self.failed(failure));
        headers::pairs(self.headers.get_or_init(read))
    }

    fn attribute(&self, path: &AttributePath) -> Option<Vec<u8>> {
        abi::property(path.as_str()).unwrap_or_else(|failure| self.failed(failure))
    }
}
