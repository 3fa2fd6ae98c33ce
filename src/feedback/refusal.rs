//! The refusals: what each says, and for how long.

use std::iter;
use std::num::NonZeroU64;

use super::body::Message;
use super::reason::Reason;
use super::reply::{Protocol, Reply};
use super::{policy, seconds, Feedback};
use crate::limit::{Denial, Standings, Tokens, Unit};

/// Why a request does not pass.
#[derive(Debug)]
pub enum Refusal {
    /// A limit denied it.
    Denied(Box<Denial>),
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
    /// Its body asks for two models, and its limits depend on which it gets.
    AmbiguousModel,
}

/// The wait told where none can be computed, ns.
const UNCOUNTED_WAIT: u64 = 1_000_000_000;

// === impl Refusal ===

impl Refusal {
    /// The reply that tells the client why, and when to come back. `wall`, ns
    /// since 1970 UTC, is the time, for
    /// [dialects that tell it](Feedback::tells_wall_time).
    pub fn reply(&self, feedback: &Feedback, protocol: Protocol, wall: Option<u64>) -> Reply {
        match self {
            Self::Denied(denial) => denied(denial, feedback, protocol, wall),
            Self::Uncounted => {
                let detail = try_again("The request could not be counted.", UNCOUNTED_WAIT);
                let mut reply = Reason::Uncounted.reply(&detail, feedback, protocol);
                reply.name("uncounted");
                reply.wait(Some(UNCOUNTED_WAIT), feedback);
                reply.header(RATELIMITED, "true");
                reply
            }
            Self::Unavailable => {
                let what = "Requests cannot be counted for the moment.";
                let detail = try_again(what, UNCOUNTED_WAIT);
                let mut reply = Reason::Unavailable.reply(&detail, feedback, protocol);
                reply.name("unavailable");
                reply.wait(Some(UNCOUNTED_WAIT), feedback);
                reply
            }
            Self::MissingClient { scheme } => {
                let detail = "The request names no client, or none that is known here.";
                let mut reply = Reason::MissingClient.reply(detail, feedback, protocol);
                reply.name("missing-client");
                // RFC 9110 section 15.5.2 asks for a challenge.
                reply.header("www-authenticate", scheme);
                reply
            }
            Self::AmbiguousClient => {
                let detail = "The request names two different clients in one place.";
                let mut reply = Reason::AmbiguousClient.reply(detail, feedback, protocol);
                reply.name("ambiguous-client");
                reply
            }
            Self::AmbiguousModel => {
                let detail = "The request asks for two different models.";
                let mut reply = Reason::AmbiguousModel.reply(detail, feedback, protocol);
                reply.name("ambiguous-model");
                reply
            }
        }
    }
}

fn denied(denial: &Denial, feedback: &Feedback, protocol: Protocol, wall: Option<u64>) -> Reply {
    let limit = &denial.longest.limit;
    let wait = denial.retry_after.map(NonZeroU64::get);
    let message = Message {
        reason: Reason::of(denial),
        status: feedback.status,
        detail: &detail(denial),
        violated: &denial.violated,
    };
    let mut reply = Reply::new(&message, feedback, protocol);
    reply.details = ["tollgate_", &limit.name].concat();
    reply.state = ["denied:", &limit.name].concat();
    reply.wait(wait, feedback);
    reply.header(RATELIMITED, "true");
    let standings = Standings::with(denial.longest.clone());
    let policy = policy(iter::once(&**limit));
    feedback.show(&standings, &policy, wall, |name, value| {
        if let Some(value) = value {
            reply.header(name, value);
        }
    });
    reply
}

/// The sentence of a denial.
fn detail(denial: &Denial) -> String {
    let what = match denial.longest.limit.unit() {
        Unit::Requests => "Client exceeded sending requests.",
        Unit::ConcurrentRequests => "Too many requests at a time.",
        Unit::Tokens(Tokens::All) => "Client exceeded its tokens.",
        Unit::Tokens(Tokens::Input) => "Client exceeded its input tokens.",
        Unit::Tokens(Tokens::Output) => "Client exceeded its output tokens.",
    };
    match denial.retry_after {
        Some(wait) => try_again(what, wait.get()),
        None => format!("{what} The client's plan does not allow any."),
    }
}

/// This sentence, and when to try again.
fn try_again(what: &str, wait: u64) -> String {
    let seconds = seconds(wait);
    let end = if seconds == 1 {
        " second."
    } else {
        " seconds."
    };
    [
        what,
        " Please try again after ",
        itoa::Buffer::new().format(seconds),
        end,
    ]
    .concat()
}

/// What tells Envoy's own statistics and access logs of a limited request.
const RATELIMITED: &str = "x-envoy-ratelimited";

// === impl Reason ===

impl Reason {
    /// The reply for a reason that is no limit.
    fn reply(self, detail: &str, feedback: &Feedback, protocol: Protocol) -> Reply {
        let message = Message {
            reason: self,
            status: match self {
                Self::Uncounted => feedback.status,
                _ => self.words().status,
            },
            detail,
            violated: &[],
        };
        Reply::new(&message, feedback, protocol)
    }
}

// === impl Reply ===

impl Reply {
    /// Names a refusal that no limit has made. No limit's name has a colon.
    fn name(&mut self, name: &str) {
        self.details = format!("tollgate_refused:{name}");
        self.state = format!("refused:{name}");
    }
}
