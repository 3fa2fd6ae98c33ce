//! What has to be random: the secret of the table's hash, one for the process,
//! and where a worker's nonces begin.

use proxy_wasm::hostcalls;
use proxy_wasm::types::Status;

use super::stored_page::CREATE;
use super::HostError;
use crate::table::TableKey;

/// The key that all of the process' workers share under this namespace. The
/// first to come makes it; any other finds it, also after a reload.
pub(crate) fn table_key(namespace: &str) -> Result<TableKey, HostError> {
    let name = format!("tollgate/{namespace}/key");
    if let Some(key) = stored(&name)? {
        return Ok(key);
    }
    let bytes = random::<{ TableKey::LENGTH }>()?;
    match hostcalls::set_shared_data(&name, Some(&bytes), Some(CREATE)) {
        Ok(()) => Ok(TableKey::new(bytes)),
        Err(Status::CasMismatch) => stored(&name)?.ok_or(HostError {
            call: "get_shared_data (the table's key)",
            status: Status::NotFound as u32,
        }),
        Err(status) => Err(HostError::in_call("set_shared_data")(status)),
    }
}

/// A number to begin this worker's nonces with.
pub(crate) fn nonce() -> Result<u64, HostError> {
    random().map(u64::from_le_bytes)
}

fn random<const N: usize>() -> Result<[u8; N], HostError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| HostError {
        call: "random_get (does a capability list withhold it?)",
        status: Status::InternalFailure as u32,
    })?;
    Ok(bytes)
}

fn stored(name: &str) -> Result<Option<TableKey>, HostError> {
    let (bytes, _) =
        hostcalls::get_shared_data(name).map_err(HostError::in_call("get_shared_data"))?;
    Ok(bytes.and_then(|bytes| Some(TableKey::new(bytes.try_into().ok()?))))
}
