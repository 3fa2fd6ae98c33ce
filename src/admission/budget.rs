//! The tokens that a request is to have.

use std::rc::Rc;

use crate::limit::{Cost, Limit, Tokens};
use crate::request::Request;
use crate::route::Route;
use crate::tokens::{Policy, RequestScanner, Reservation};

/// The tokens that a request is to have, before it is known what it takes.
#[derive(Debug, Clone)]
pub struct Budget {
    /// How they are counted.
    pub policy: Rc<Policy>,
    /// As many as it is taken to need.
    pub reservation: Reservation,
}

// === impl Budget ===

impl Budget {
    /// Of a request on this route, where that counts tokens. `read`: what was read
    /// of its body, once all of it was.
    pub(super) fn of<R: Request>(
        route: &Route,
        request: &R,
        read: Option<&RequestScanner>,
    ) -> Option<Box<Self>> {
        let policy = route.tokens.as_ref()?;
        let reserve = &policy.reserve;
        Some(Box::new(Self {
            reservation: match read {
                Some(body) => reserve.of_body(body),
                None => reserve.at_headers(request.body_length()),
            },
            policy: policy.clone(),
        }))
    }

    /// What it is charged to a limit in tokens: no more than there can be.
    pub(super) fn cost(&self, tokens: Tokens, limit: &Limit) -> Cost {
        limit.at_most_all(self.reservation.of(tokens))
    }
}
