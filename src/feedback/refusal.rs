//! The reply to a request that does not pass.

use serde::Serialize;

use super::{millis, policy, seconds, Body, Feedback, Headers};
use crate::limit::Denial;

/// Why a request does not pass.
#[derive(Debug)]
pub enum Refusal {
    /// A limit denied it.
    Denied(Denial),
    /// Other requests changed the client's page at every try, or the store
    /// failed: what cannot be counted does not pass.
    Uncounted,
    /// It has no client, and the configuration wants one.
    MissingClient {
        /// The authentication scheme to ask for.
        scheme: String,
    },
    /// It has two values where one client is expected.
    AmbiguousClient,
}

/// A local reply.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u32,
    /// Envoy's response code details.
    pub details: String,
    /// What `%FILTER_STATE(wasm.tollgate:PLAIN)%` shows.
    pub state: String,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: String,
}

/// RFC 9457 problem details.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u32,
    detail: &'a str,
    #[serde(rename = "violated-policies", skip_serializing_if = "Vec::is_empty")]
    violated_policies: Vec<&'a str>,
}

/// The problem type that draft-ietf-httpapi-ratelimit-headers registers.
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// The problem type of RFC 9457 that says no more than the status.
const ABOUT_BLANK: &str = "about:blank";

/// The longest wait that is told in milliseconds too, ns.
const LONGEST_IN_MILLIS: u64 = 60_000_000_000;

/// The wait told where none can be computed, ns.
const UNCOUNTED_WAIT: u64 = 1_000_000_000;

// === impl Refusal ===

impl Refusal {
    /// The reply that tells the client why, and when to come back.
    pub fn reply(&self, feedback: &Feedback) -> Reply {
        match self {
            Self::Denied(denial) => denied(denial, feedback),
            Self::Uncounted => Reply {
                details: "tollgate_uncounted".to_owned(),
                state: "refused:uncounted".to_owned(),
                ..too_many_requests(UNCOUNTED_WAIT, Vec::new(), feedback)
            },
            Self::MissingClient { scheme } => {
                let mut reply = feedback.refusal(&Problem {
                    r#type: ABOUT_BLANK,
                    title: "Unauthorized",
                    status: 401,
                    detail: "The request does not say which client it comes from.",
                    violated_policies: Vec::new(),
                });
                reply.details = "tollgate_missing_client".to_owned();
                reply.state = "refused:missing-client".to_owned();
                // RFC 9110 section 15.5.2 asks for a challenge.
                reply.headers.push(("www-authenticate", scheme.clone()));
                reply
            }
            Self::AmbiguousClient => Reply {
                details: "tollgate_ambiguous_client".to_owned(),
                state: "refused:ambiguous-client".to_owned(),
                ..feedback.refusal(&Problem {
                    r#type: ABOUT_BLANK,
                    title: "Bad Request",
                    status: 400,
                    detail: "The request names two different clients in one place.",
                    violated_policies: Vec::new(),
                })
            },
        }
    }
}

fn denied(denial: &Denial, feedback: &Feedback) -> Reply {
    let name = &denial.longest.limit.name;
    let violated = denial.violated.iter().map(|limit| &*limit.name).collect();
    let mut reply = too_many_requests(denial.longest.wait, violated, feedback);
    reply.details = format!("tollgate_{name}");
    reply.state = format!("denied:{name}");
    let policy = policy(std::iter::once(&*denial.longest.limit));
    feedback.write(&denial.longest, &policy, &mut reply.headers);
    reply
}

fn too_many_requests(wait: u64, violated_policies: Vec<&str>, feedback: &Feedback) -> Reply {
    let seconds = seconds(wait);
    let plural = if seconds == 1 { "" } else { "s" };
    let mut reply = feedback.refusal(&Problem {
        r#type: QUOTA_EXCEEDED,
        title: "Too Many Requests",
        status: 429,
        detail: &format!(
            "Client exceeded sending requests. Please try again after {seconds} second{plural}."
        ),
        violated_policies,
    });
    reply.headers.push(("retry-after", seconds.to_string()));
    if wait <= LONGEST_IN_MILLIS {
        reply
            .headers
            .push(("retry-after-ms", millis(wait).to_string()));
    }
    reply
        .headers
        .push(("x-envoy-ratelimited", "true".to_owned()));
    reply
}

// === impl Feedback ===

impl Feedback {
    /// A reply with the body the operator chose, still to be named.
    fn refusal(&self, problem: &Problem<'_>) -> Reply {
        let (content_type, body) = match self.body {
            // Text and numbers always serialize.
            Body::Problem => (
                "application/problem+json",
                serde_json::to_string(problem).unwrap_or_default(),
            ),
            Body::Text => ("text/plain; charset=utf-8", format!("{}\n", problem.detail)),
        };
        Reply {
            status: problem.status,
            details: String::new(),
            state: String::new(),
            headers: vec![("content-type", content_type.to_owned())],
            body,
        }
    }
}
