//! Why a request does not pass, in the words of everyone who may ask.
//!
//! One table, so that the bodies and the codes of one refusal agree.

use super::reply::GrpcStatus;
use crate::limit::{Denial, Kind};

/// Why a request does not pass, as far as a client can tell the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// It comes too soon, or with too many others.
    TooMany,
    /// It wants more tokens than its client has for now.
    TooManyTokens,
    /// What its client may have is used up.
    UsedUp,
    /// It could not be counted, and may be sent again.
    Uncounted,
    /// Nothing can be counted for the moment.
    Unavailable,
    /// It has no client.
    MissingClient,
    /// It has two.
    AmbiguousClient,
    /// It asks for two models.
    AmbiguousModel,
}

/// What a reason is called.
pub(super) struct Words {
    /// The HTTP status, where the operator chooses none.
    pub(super) status: u32,
    /// That status' phrase.
    pub(super) title: &'static str,
    /// The problem type of RFC 9457.
    pub(super) problem: &'static str,
    /// The `type` of OpenAI's errors.
    pub(super) openai: &'static str,
    /// And their `code`.
    pub(super) openai_code: Option<&'static str>,
    /// The `type` of Anthropic's errors.
    pub(super) anthropic: &'static str,
    /// The status for gRPC.
    pub(super) grpc: GrpcStatus,
}

/// The problem type that draft-ietf-httpapi-ratelimit-headers registers.
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// The problem type of RFC 9457 that says no more than the status.
pub(super) const ABOUT_BLANK: &str = "about:blank";

// === impl Reason ===

impl Reason {
    /// The reason for a limit's denial.
    pub(super) fn of(denial: &Denial) -> Self {
        let limit = &denial.longest.limit;
        match limit.kind {
            Kind::Blocked => Self::UsedUp,
            Kind::Metered { .. } if limit.is_quota() => Self::UsedUp,
            Kind::Metered {
                tokens: Some(_), ..
            } => Self::TooManyTokens,
            Kind::Metered { .. } | Kind::Concurrency(_) => Self::TooMany,
        }
    }

    pub(super) fn words(self) -> Words {
        const TOO_MANY: Words = Words {
            status: 429,
            title: "Too Many Requests",
            problem: QUOTA_EXCEEDED,
            openai: "requests",
            openai_code: Some("rate_limit_exceeded"),
            anthropic: "rate_limit_error",
            grpc: GrpcStatus::ResourceExhausted,
        };
        match self {
            Self::TooMany => TOO_MANY,
            Self::TooManyTokens => Words {
                openai: "tokens",
                ..TOO_MANY
            },
            Self::UsedUp => Words {
                openai: "insufficient_quota",
                openai_code: Some("insufficient_quota"),
                ..TOO_MANY
            },
            Self::Uncounted => Words {
                problem: ABOUT_BLANK,
                ..TOO_MANY
            },
            Self::Unavailable => Words {
                status: 503,
                title: "Service Unavailable",
                problem: ABOUT_BLANK,
                openai: "server_error",
                openai_code: None,
                anthropic: "overloaded_error",
                grpc: GrpcStatus::Unavailable,
            },
            Self::MissingClient => Words {
                status: 401,
                title: "Unauthorized",
                problem: ABOUT_BLANK,
                openai: "invalid_request_error",
                openai_code: Some("invalid_api_key"),
                anthropic: "authentication_error",
                grpc: GrpcStatus::Unauthenticated,
            },
            Self::AmbiguousClient | Self::AmbiguousModel => Words {
                status: 400,
                title: "Bad Request",
                problem: ABOUT_BLANK,
                openai: "invalid_request_error",
                openai_code: None,
                anthropic: "invalid_request_error",
                grpc: GrpcStatus::InvalidArgument,
            },
        }
    }
}
