//! The shipped bridge, started by its own script.

use super::http::Client;
use super::paths;
use super::ports::on_free_port;
use super::process::Process;
use super::redis::{PASSWORD, USER};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

pub struct BridgeOptions {
    pub redis_host: String,
    pub redis_port: u16,
    /// None is the default.
    pub timeout_ms: Option<u32>,
    pub user: String,
    pub password: String,
}

impl BridgeOptions {
    pub fn to(redis_port: u16) -> Self {
        Self {
            redis_host: "127.0.0.1".to_owned(),
            redis_port,
            timeout_ms: None,
            user: USER.to_owned(),
            password: PASSWORD.to_owned(),
        }
    }
}

pub struct Bridge {
    process: Process,
    address: SocketAddr,
    _folder: TempDir,
}

impl Bridge {
    /// To the Redis of the harness at this port, which may be down.
    pub fn start(redis_port: u16) -> Self {
        Self::with(&BridgeOptions::to(redis_port))
    }

    pub fn with(options: &BridgeOptions) -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let (process, port) = on_free_port(
            |port| {
                let mut command = bridge(folder.path(), port);
                command.env("BRIDGE_TOKEN", TOKEN);
                command.env("REDIS_HOST", &options.redis_host);
                command.env("REDIS_PORT", options.redis_port.to_string());
                command.env("REDIS_USER", &options.user);
                command.env("REDIS_PASSWORD", &options.password);
                let timeout = options.timeout_ms.map(|ms| ms.to_string());
                command.env("BRIDGE_TIMEOUT_MS", timeout.unwrap_or_default());
                // nginx ends its workers itself, if it is asked to end.
                Process::script("bridge", folder.path(), &command)
            },
            |port| Client::new(loopback(port)).try_get("/healthz").is_some(),
        );
        Self {
            process,
            address: loopback(port),
            _folder: folder,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn token(&self) -> &'static str {
        TOKEN
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        self.process.err()
    }
}

const TOKEN: &str = "the-token-of-the-harness";

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// The command that starts a bridge, without its settings.
fn bridge(folder: &Path, port: u16) -> Command {
    let mut command = Command::new(paths::root().join("envoy/bridge/run.sh"));
    command.arg(folder);
    command.env("BRIDGE_LISTEN", loopback(port).to_string());
    command
}
