//! The reply to a request that does not pass.

use std::num::NonZeroU64;

use serde::Serialize;

use super::{millis, policy, seconds, Body, Feedback};
use crate::limit::{Denial, Standings};

/// Why a request does not pass.
#[derive(Debug)]
pub enum Refusal {
    /// A limit denied it.
    Denied(Denial),
    /// Other requests changed the client's page at every try, or the store
    /// failed: what cannot be counted does not pass.
    Uncounted,
    /// Redis does not answer, and the operator wants nothing to pass then.
    Unavailable,
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
    /// The headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
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
            Self::Uncounted => {
                let detail = format!(
                    "The request could not be counted. {}",
                    try_again_in(UNCOUNTED_WAIT)
                );
                let mut reply =
                    feedback.refusal(&Problem::plain(429, "Too Many Requests", &detail));
                reply.name("uncounted");
                reply.retry_after(UNCOUNTED_WAIT);
                reply
            }
            Self::Unavailable => {
                let detail = format!(
                    "Requests cannot be counted for the moment. {}",
                    try_again_in(UNCOUNTED_WAIT)
                );
                let mut reply =
                    feedback.refusal(&Problem::plain(503, "Service Unavailable", &detail));
                reply.name("unavailable");
                reply.headers.push(("retry-after", "1".to_owned()));
                reply.headers.push(("retry-after-ms", "1000".to_owned()));
                reply
            }
            Self::MissingClient { scheme } => {
                let detail = "The request does not say which client it comes from.";
                let mut reply = feedback.refusal(&Problem::plain(401, "Unauthorized", detail));
                reply.name("missing-client");
                // RFC 9110 section 15.5.2 asks for a challenge.
                reply.headers.push(("www-authenticate", scheme.clone()));
                reply
            }
            Self::AmbiguousClient => {
                let detail = "The request names two different clients in one place.";
                let mut reply = feedback.refusal(&Problem::plain(400, "Bad Request", detail));
                reply.name("ambiguous-client");
                reply
            }
        }
    }
}

fn denied(denial: &Denial, feedback: &Feedback) -> Reply {
    let name = &denial.longest.limit.name;
    let wait = denial.retry_after.map_or(0, NonZeroU64::get);
    let mut reply = feedback.refusal(&Problem {
        r#type: QUOTA_EXCEEDED,
        title: "Too Many Requests",
        status: 429,
        detail: &format!("Client exceeded sending requests. {}", try_again_in(wait)),
        violated_policies: denial.violated.iter().map(|limit| &*limit.name).collect(),
    });
    reply.details = format!("tollgate_{name}");
    reply.state = format!("denied:{name}");
    reply.retry_after(wait);
    let policy = policy(std::iter::once(&*denial.longest.limit));
    let standings = Standings {
        tightest: denial.longest.clone(),
        requests: None,
    };
    feedback.show(&standings, &policy, |name, value| {
        reply.headers.push((name, value.to_owned()));
    });
    reply
}

fn try_again_in(wait: u64) -> String {
    let seconds = seconds(wait);
    let plural = if seconds == 1 { "" } else { "s" };
    format!("Please try again after {seconds} second{plural}.")
}

// === impl Problem ===

impl<'a> Problem<'a> {
    /// A problem that is no more than its status.
    fn plain(status: u32, title: &'a str, detail: &'a str) -> Self {
        Self {
            r#type: ABOUT_BLANK,
            title,
            status,
            detail,
            violated_policies: Vec::new(),
        }
    }
}

// === impl Reply ===

impl Reply {
    /// Names a refusal that no limit has made. No limit's name has a colon.
    fn name(&mut self, name: &str) {
        self.details = format!("tollgate_refused:{name}");
        self.state = format!("refused:{name}");
    }

    fn retry_after(&mut self, wait: u64) {
        self.headers
            .push(("retry-after", seconds(wait).to_string()));
        if wait <= LONGEST_IN_MILLIS {
            self.headers
                .push(("retry-after-ms", millis(wait).to_string()));
        }
        self.headers
            .push(("x-envoy-ratelimited", "true".to_owned()));
    }
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
            Body::Text => ("text/plain; charset=utf-8", problem.detail.to_owned()),
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
