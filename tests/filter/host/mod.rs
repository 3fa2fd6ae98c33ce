//! The double: one gateway per test thread, on a clock that the test sets.

mod abi;
mod state;
mod vm;

pub use state::Store;

use std::rc::Rc;
use std::time::Duration;

use state::{with, Host};

/// A gateway with the filter in it. It lives in its thread; two threads with
/// the same [`Store`] are two workers of one Envoy.
pub struct Gateway {
    root: u32,
    // Its VM is the thread's: no other thread may use it.
    _thread: Rc<()>,
}

/// A request on its way.
#[derive(Clone)]
pub struct Request {
    headers: Vec<(String, Vec<u8>)>,
    attributes: Vec<(String, Vec<u8>)>,
    upstream: Vec<(String, String)>,
}

/// What the client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u32,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// `%RESPONSE_CODE_DETAILS%` of a local reply.
    pub details: String,
    /// `%FILTER_STATE(wasm.tollgate:PLAIN)%`.
    pub state: String,
}

// === impl Gateway ===

impl Gateway {
    /// Starts with a configuration; the log where it is refused.
    pub fn start(config: &str) -> Result<Self, Vec<String>> {
        Self::worker(config, Store::default())
    }

    /// A worker that shares its data with others.
    pub fn worker(config: &str, store: Store) -> Result<Self, Vec<String>> {
        with(|host| *host = Host::new(store, host.last_context));
        let mut gateway = Self {
            root: 0,
            _thread: Rc::default(),
        };
        gateway.update(config).map(|()| gateway)
    }

    /// A new configuration, as Envoy brings it: in a root context of its own.
    /// A refused one leaves the old one in place.
    pub fn update(&mut self, config: &str) -> Result<(), Vec<String>> {
        let logged = with(|host| host.logs.len());
        let root = vm::configure(config);
        match root {
            Some(root) => {
                self.root = root;
                Ok(())
            }
            None => Err(with(|host| host.logs.split_off(logged))),
        }
    }

    pub fn advance(&self, time: Duration) {
        with(|host| host.now += u64::try_from(time.as_nanos()).unwrap());
    }

    pub fn send(&self, request: &Request) -> Answer {
        with(|host| {
            host.request_headers = merged(&request.headers);
            host.attributes = request.attributes.clone();
            host.upstream_headers = request.upstream.clone();
        });
        vm::stream(self.root)
    }

    /// Runs the tick if it is armed; whether it was.
    pub fn tick(&self) -> bool {
        vm::tick(self.root)
    }

    pub fn counter(&self, name: &str) -> u64 {
        with(|host| host.counter(name))
    }

    /// The next so many compare-and-swaps are lost.
    pub fn lose_races(&self, count: u32) {
        with(|host| host.lost_races = count);
    }

    /// All races are lost once so many more are won.
    pub fn lose_races_after(&self, won: u32) {
        with(|host| host.lose_after = Some(won));
    }

    /// The keys of shared data, and how often it was written.
    pub fn store(&self) -> Store {
        with(|host| host.store.clone())
    }
}

/// Header lines as Envoy hands them on: those of `authorization` joined by a
/// comma, without the empty ones (`HeaderMapImpl::appendToHeader`); those of a
/// header that Envoy does not know stay apart.
fn merged(lines: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, value) in lines {
        let earlier = headers.iter_mut().find(|(other, _)| other == name);
        match earlier.filter(|_| name == "authorization") {
            Some((_, joined)) if !joined.is_empty() && !value.is_empty() => {
                joined.push(b',');
                joined.extend(value);
            }
            Some((_, joined)) => joined.extend(value),
            None => headers.push((name.clone(), value.clone())),
        }
    }
    headers
}

// === impl Request ===

impl Request {
    pub fn get(path: &str) -> Self {
        Self {
            headers: Vec::new(),
            attributes: vec![("source\0address".into(), b"10.0.0.1:1234".to_vec())],
            upstream: Vec::new(),
        }
        .header(":method", "GET")
        .header(":path", path)
        .header(":authority", "api.example.com")
    }

    /// A request of a client that is known by the header `x-api-key`.
    pub fn of(client: &str) -> Self {
        Self::get("/").header("x-api-key", client)
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().to_vec()));
        self
    }

    /// Replaces a header.
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.header(name, value)
    }

    pub fn attribute(mut self, path: &[&str], value: impl AsRef<[u8]>) -> Self {
        let path = path.join("\0");
        self.attributes.retain(|(other, _)| *other != path);
        self.attributes.push((path, value.as_ref().to_vec()));
        self
    }

    /// A header that the upstream answers with.
    pub fn upstream(mut self, name: &str, value: &str) -> Self {
        self.upstream.push((name.into(), value.into()));
        self
    }
}

// === impl Answer ===

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(other, _)| other == name);
        let first = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is there twice");
        first
    }

    pub fn passed(&self) -> bool {
        self.status == 200
    }
}
