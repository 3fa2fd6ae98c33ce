//! A running Envoy: started, given a new listener, ended. What it shows is in `observe`.

use super::bootstrap::EnvoyOptions;
use super::http::Client;
use super::paths;
use super::process::{eventually, Process};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Generous: a machine with two busy cores compiles the module in a second or two.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

pub struct Envoy {
    pub(super) process: Process,
    options: EnvoyOptions,
    pub(super) folder: TempDir,
    pub(super) admin: SocketAddr,
    address: SocketAddr,
}

impl Envoy {
    pub fn start(options: EnvoyOptions) -> Self {
        Self::try_start(options).unwrap_or_else(|log| panic!("Envoy does not start:\n{log}"))
    }

    /// The error is the log of an Envoy that has refused to start.
    pub fn try_start(options: EnvoyOptions) -> Result<Self, String> {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let command = command(&options, folder.path());
        Self::launch(options, folder, command)
    }

    pub(super) fn launch(
        options: EnvoyOptions,
        folder: TempDir,
        mut command: Command,
    ) -> Result<Self, String> {
        let admin = folder.path().join("admin");
        command
            .arg("--concurrency")
            .arg(options.concurrency.to_string());
        command.args([
            "--log-level",
            "warning",
            "--component-log-level",
            "wasm:info,upstream:info",
        ]);
        command.args(["--disable-hot-restart", "--file-flush-interval-msec", "20"]);
        command.args(["--drain-time-s", &options.drain.to_string()]);
        command.arg("--admin-address-path").arg(&admin);
        let mut process = Process::start("envoy", folder.path(), &command);
        let found = eventually(PATIENCE, || {
            if process.ended().is_some() {
                return Some(Err(process.err()));
            }
            let admin: SocketAddr = fs::read_to_string(&admin).ok()?.parse().ok()?;
            Some(Ok((admin, listener(admin)?)))
        });
        let (admin, address) = found.unwrap_or_else(|| Err(process.err()))?;
        Ok(Self {
            process,
            options,
            folder,
            admin,
            address,
        })
    }

    /// Where clients send to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where Envoy shows its counters.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Replaces the listener (needs `lds`) by one with this JSON, at once and whole, and
    /// waits until Envoy has taken or refused it: true if taken.
    pub fn update(&mut self, config: &str) -> bool {
        assert!(
            self.options.lds,
            "only a listener from a file can be replaced"
        );
        let before = self.updates();
        self.options.config = Some(config.to_owned());
        write_listener(&self.options, self.folder.path());
        let after = eventually(PATIENCE, || {
            Some(self.updates()).filter(|now| *now != before)
        });
        let after =
            after.unwrap_or_else(|| panic!("Envoy has not seen the update\n{}", self.log()));
        after.0 > before.0
    }

    /// Updates of the listener: taken, refused.
    fn updates(&self) -> (u64, u64) {
        let count = |outcome| self.stat(&format!("listener_manager.lds.{outcome}"));
        (count("update_success"), count("update_rejected"))
    }
}

/// Runs `envoy --mode validate`: whether it agrees, and its log.
pub fn validate(options: &EnvoyOptions) -> (bool, String) {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let output = command(options, folder.path())
        .args(["--mode", "validate"])
        .output();
    let output = output.expect("Envoy runs");
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// Writes the configuration into `folder`.
fn command(options: &EnvoyOptions, folder: &Path) -> Command {
    let bootstrap = if options.lds {
        write_listener(options, folder)
    } else {
        options.bootstrap()
    };
    let path = folder.join("envoy.yaml");
    fs::write(&path, bootstrap).expect("the bootstrap can be written");
    let mut command = Command::new(paths::envoy());
    command.arg("--config-path").arg(path);
    command.args(&options.arguments);
    command
}

/// Envoy watches for a file that is moved into place: it never sees half of one.
fn write_listener(options: &EnvoyOptions, folder: &Path) -> String {
    let path = folder.join("lds.yaml");
    let (bootstrap, listener) = options.dynamic(&path);
    let draft = folder.join("draft.yaml");
    fs::write(&draft, listener).expect("the listener can be written");
    fs::rename(draft, path).expect("the listener can be moved");
    bootstrap
}

/// The listener's address once Envoy is ready.
fn listener(admin: SocketAddr) -> Option<SocketAddr> {
    let client = Client::new(admin);
    if client.try_get("/ready")?.status != 200 {
        return None;
    }
    let listeners = client.try_get("/listeners?format=json")?.json();
    let socket = listeners.pointer("/listener_statuses/0/local_address/socket_address")?;
    let port = u16::try_from(socket.get("port_value")?.as_u64()?).ok()?;
    (port != 0).then_some(SocketAddr::from(([127, 0, 0, 1], port)))
}
