//! Requests that are answered here.

use log::error;
use proxy_wasm::types::Action;

use super::status::{self, Told};
use super::{Filter, Phase, Stage};
use crate::feedback::{Protocol, Refusal, Reply};
use crate::host::{self, HostRequest};
use crate::request::Request;

// === impl Filter ===

impl Filter {
    pub(super) fn refuse(&mut self, refusal: &Refusal, request: &HostRequest<'_>) -> Action {
        let protocol = match request.is_grpc() {
            true => Protocol::Grpc,
            false => Protocol::Http,
        };
        self.answer(&refusal.reply(&self.feedback, protocol, self.wall()))
    }

    fn answer(&mut self, reply: &Reply) -> Action {
        host::note(&reply.state);
        // What the upstream has said already cannot be taken back.
        if self.phase != Phase::Responding {
            if let Err(failure) = host::send(reply) {
                error!("a request could not be answered: {failure}");
            }
        }
        self.stage = Stage::Replied;
        self.release();
        Action::Pause
    }

    /// Tells the client where it stands.
    pub(super) fn tell(&mut self, request: &HostRequest<'_>) -> Action {
        let Some(inquiry) = self.inquiry.take() else {
            return Action::Continue;
        };
        match status::tell(&self.plugin, *inquiry) {
            Ok(told) => self.told(told),
            Err(failure) => {
                error!("a status could not be looked up: {failure}");
                self.refuse(&Refusal::Uncounted, request)
            }
        }
    }

    pub(super) fn told(&mut self, told: Told) -> Action {
        match told {
            Told::Reply(reply) => self.answer(&reply),
            Told::Looking(looking) => {
                self.stage = Stage::Looking(looking);
                Action::Pause
            }
        }
    }
}
