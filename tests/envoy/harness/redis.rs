//! A real Redis with the shipped configuration and users.

use super::paths;
use super::ports::{on_free_port, until};
use super::process::Process;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The user of `envoy/redis/users.acl`, as the bridge logs in.
pub const USER: &str = "tollgate";
pub const PASSWORD: &str = "the-password-of-the-harness";

pub struct Redis {
    process: Process,
    port: u16,
    folder: TempDir,
}

impl Redis {
    pub fn start() -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        std::fs::write(users(folder.path()), with_admin()).expect("the users can be written");
        let (process, port) = on_free_port(
            |port| server(folder.path(), port),
            |port| ask(port, &["ping"]) == "PONG",
        );
        Self {
            process,
            port,
            folder,
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What `redis-cli` prints for a command of an administrator, without the end of its
    /// line; an error is a text too.
    pub fn command(&self, command: &[&str]) -> String {
        ask(self.port, command)
    }

    /// Hangs: its connections stay open, new ones too, and nothing answers.
    pub fn stop(&mut self) {
        self.process.suspend();
    }

    /// Goes on, with what came in while it hung.
    pub fn resume(&mut self) {
        self.process.resume();
    }

    /// A crash: nobody listens any more.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// On the same port, with what it had written to its file.
    pub fn restart(&mut self) {
        self.process.kill();
        self.process = server(self.folder.path(), self.port);
        let port = self.port;
        until(&mut self.process, || ask(port, &["ping"]) == "PONG")
            .unwrap_or_else(|words| panic!("Redis does not start again: {words}"));
    }
}

fn users(folder: &Path) -> PathBuf {
    folder.join("users.acl")
}

/// The shipped users, and one more, for what a test does to Redis.
fn with_admin() -> String {
    let shipped = std::fs::read_to_string(paths::root().join("envoy/redis/users.acl"));
    let shipped = shipped.expect("envoy/redis/users.acl");
    let password = "#PASSWORD_SHA256";
    assert_eq!(shipped.matches(password).count(), 1, "{shipped}");
    let users = shipped.replace(password, &format!(">{PASSWORD}"));
    format!("{users}user admin on nopass ~* &* +@all\n")
}

/// What the command line says after the file counts.
fn server(folder: &Path, port: u16) -> Process {
    let mut command = Command::new("redis-server");
    command.arg(paths::root().join("envoy/redis/redis.conf"));
    command.args(["--port", &port.to_string()]);
    command.arg("--dir").arg(folder);
    command.arg("--aclfile").arg(users(folder));
    Process::start("redis-server", folder, &command)
}

fn ask(port: u16, command: &[&str]) -> String {
    let output = Command::new("redis-cli")
        .args(["-h", "127.0.0.1", "-p", &port.to_string()])
        .args(["--user", "admin", "--pass", "any", "--no-auth-warning"])
        .args(command)
        .output()
        .expect("redis-cli runs (package redis-tools)");
    let said = String::from_utf8_lossy(&output.stdout);
    said.trim_end_matches('\n').to_owned()
}
