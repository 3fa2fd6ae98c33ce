//! The request that Envoy is asking about.

use std::cell::OnceCell;

use log::error;

use super::{abi, headers};
use crate::request::{AttributePath, Request};

/// The current request. Its headers come in one call, on first need: two
/// single ones cost as much, and only the whole map shows a header that is
/// there twice.
#[derive(Default)]
pub(crate) struct HostRequest {
    headers: OnceCell<Vec<u8>>,
}

// === impl HostRequest ===

impl Request for HostRequest {
    fn headers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let map = self.headers.get_or_init(|| {
            abi::request_headers().unwrap_or_else(|failure| {
                error!("request headers: {failure}");
                Vec::new()
            })
        });
        headers::pairs(map)
    }

    fn attribute(&self, path: &AttributePath) -> Option<Vec<u8>> {
        abi::property(path.as_str()).unwrap_or_else(|failure| {
            error!("attribute {:?}: {failure}", path.as_str());
            None
        })
    }
}
