//! The numbers that the host gives to writes of shared data.

use proxy_wasm::hostcalls;

use super::HostError;

/// Asks for them, by writing nothing to a key of no other use.
#[derive(Debug)]
pub(super) struct WriteNumbers {
    key: String,
}

/// Enough for many workers that start at once.
const TRIES: u32 = 16;

// === impl WriteNumbers ===

impl WriteNumbers {
    /// For a worker of this namespace; `None` where the host does not number all writes in
    /// turn, whatever their keys, as Envoy does.
    pub(super) fn in_turn(namespace: &str) -> Result<Option<Self>, HostError> {
        let [often, seldom] = ["writes", "other-writes"].map(|name| Self {
            key: format!("tollgate/{namespace}/{name}"),
        });
        for _ in 0..TRIES {
            // Were keys numbered each by itself, the one that every worker writes twice
            // before the other would not be behind it. Where they are in turn, it is,
            // unless another worker has just written it.
            often.next()?;
            often.next()?;
            if seldom.next()? > often.last()? {
                return Ok(Some(often));
            }
        }
        Ok(None)
    }

    /// Writes, and returns the number of that write, or of a later one.
    pub(super) fn next(&self) -> Result<u32, HostError> {
        hostcalls::set_shared_data(&self.key, None, None)
            .map_err(HostError::in_call("set_shared_data"))?;
        self.last()
    }

    fn last(&self) -> Result<u32, HostError> {
        // An empty value costs the host no memory of this module's.
        let (_, number) =
            hostcalls::get_shared_data(&self.key).map_err(HostError::in_call("get_shared_data"))?;
        Ok(number.unwrap_or(0))
    }
}
