//! Where a client may ask where it stands.

use super::{Matcher, NormalPath, Tiers};
use crate::request::Request;

/// The path that this gateway answers itself.
#[derive(Debug)]
pub struct StatusPath {
    /// The path, for `GET` and `HEAD`.
    pub matcher: Matcher,
    /// The limits that asking is charged to.
    pub charged: Tiers,
    /// The limits that are told of: those that some route applies, and that are
    /// enforced.
    pub shown: Tiers,
}

// === impl StatusPath ===

impl StatusPath {
    /// Whether this request asks.
    pub fn fits<R: Request>(&self, request: &R) -> bool {
        // Most requests are no `GET`, and need no path for this.
        self.matcher.fits_method(request) && self.fits_path(request)
    }

    fn fits_path<R: Request>(&self, request: &R) -> bool {
        match NormalPath::of(request.path()) {
            NormalPath::Normal { path, .. } => self.matcher.fits(request, &path, false),
            NormalPath::Ambiguous => false,
        }
    }
}
