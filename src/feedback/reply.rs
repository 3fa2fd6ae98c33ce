//! A local reply, and what it says of the wait.

use super::body::Message;
use super::{millis, seconds, Feedback};

/// A local reply.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u32,
    /// The status for gRPC, which stands in place of the other.
    pub grpc_status: GrpcStatus,
    /// Envoy's response code details.
    pub details: String,
    /// What `%FILTER_STATE(wasm.tollgate:PLAIN)%` shows.
    pub state: String,
    /// The headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body; for gRPC, its message.
    pub body: String,
}

/// What the client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP.
    Http,
    /// gRPC: Envoy puts a reply into trailers alone, the body as `grpc-message`.
    Grpc,
}

/// A status of gRPC (grpc.github.io/grpc/core/md_doc_statuscodes.html).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum GrpcStatus {
    /// What was asked for is there.
    Ok = 0,
    /// The request cannot be right.
    InvalidArgument = 3,
    /// A limit is reached.
    ResourceExhausted = 8,
    /// Something is down, for now.
    Unavailable = 14,
    /// Nobody knows who asks.
    Unauthenticated = 16,
}

/// A denial's, in one dialect.
const USUAL_HEADERS: usize = 8;

/// The longest wait that is told in milliseconds too, ns.
const LONGEST_IN_MILLIS: u64 = 60_000_000_000;

// === impl Reply ===

impl Reply {
    /// A reply that says so, still to be named.
    pub(super) fn new(message: &Message<'_>, feedback: &Feedback, protocol: Protocol) -> Self {
        let (content_type, body) = match protocol {
            Protocol::Http => {
                let (content_type, body) = feedback.body.write(message);
                (Some(("content-type", content_type.to_owned())), body)
            }
            Protocol::Grpc => (None, message.detail.to_owned()),
        };
        let mut headers = Vec::with_capacity(USUAL_HEADERS);
        headers.extend(content_type);
        Self {
            status: message.status,
            grpc_status: message.reason.words().grpc,
            details: String::new(),
            state: String::new(),
            headers,
            body,
        }
    }

    pub(super) fn header(&mut self, name: &'static str, value: impl Into<String>) {
        self.headers.push((name, value.into()));
    }

    /// Says how long to wait, ns; `None`: it is no use.
    pub(super) fn wait(&mut self, wait: Option<u64>, feedback: &Feedback) {
        if let Some(wait) = wait {
            self.header("retry-after", itoa::Buffer::new().format(seconds(wait)));
            if wait <= LONGEST_IN_MILLIS {
                self.header("retry-after-ms", itoa::Buffer::new().format(millis(wait)));
            }
        }
        if wait.is_none_or(|wait| wait > feedback.long_wait.get()) {
            self.header("x-should-retry", "false");
        }
    }
}
