//! What a client is told that asks where it stands.

use std::rc::Rc;

use serde::Serialize;

use super::{seconds, GrpcStatus, Reply};
use crate::limit::{Limit, Tokens, Unit};

/// A limit, and where the client stands with it.
#[derive(Debug)]
pub struct StatusItem {
    /// The limit.
    pub limit: Rc<Limit>,
    /// Units left, and the time until all are there, ns; `None` where nobody
    /// knows.
    pub left: Option<(u32, u64)>,
}

#[derive(Serialize)]
struct Document<'a> {
    plan: Option<&'a str>,
    limits: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    name: &'a str,
    unit: &'a str,
    limit: u32,
    remaining: Option<u32>,
    /// s.
    reset: Option<u64>,
    message: String,
}

/// The reply: this plan, and these limits in their order.
pub fn status(plan: Option<&str>, items: &[StatusItem]) -> Reply {
    let document = Document {
        plan,
        limits: items.iter().map(Item::of).collect(),
    };
    Reply {
        status: 200,
        grpc_status: GrpcStatus::Ok,
        details: "tollgate_answered:status".to_owned(),
        state: "answered:status".to_owned(),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("cache-control", "no-store".to_owned()),
        ],
        // Text and numbers always serialize.
        body: serde_json::to_string(&document).unwrap_or_default(),
    }
}

// === impl Item ===

impl<'a> Item<'a> {
    fn of(StatusItem { limit, left }: &'a StatusItem) -> Self {
        let reset = left.and_then(|(_, reset)| limit.window().map(|_| seconds(reset)));
        Self {
            name: &limit.name,
            unit: limit.unit().as_str(),
            limit: limit.size(),
            remaining: left.map(|(remaining, _)| remaining),
            reset,
            message: match left {
                Some((remaining, _)) => message(limit, *remaining, reset),
                None => "What is left is not known for the moment.".to_owned(),
            },
        }
    }
}

fn message(limit: &Limit, remaining: u32, reset: Option<u64>) -> String {
    if limit.size() == 0 {
        return "You can send no requests on this plan.".to_owned();
    }
    let more = |unit| plural(remaining.into(), unit);
    let can = match limit.unit() {
        Unit::ConcurrentRequests => {
            return format!("You can send {} at the same time.", more("more request"));
        }
        Unit::Requests => format!("send {}", more("more request")),
        Unit::Tokens(Tokens::All) => format!("use {}", more("more token")),
        Unit::Tokens(Tokens::Input) => format!("use {}", more("more input token")),
        Unit::Tokens(Tokens::Output) => format!("use {}", more("more output token")),
    };
    match reset {
        Some(reset @ 1..) => {
            let seconds = plural(reset, "second");
            format!("You can {can} in the next {seconds}.")
        }
        _ => format!("You can {can}."),
    }
}

fn plural(count: u64, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}
