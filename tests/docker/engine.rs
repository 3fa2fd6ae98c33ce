//! A Docker engine that ends with the value that stands for it.

use crate::harness::{docker_base, docker_compose, eventually, Process};
use rustix::thread::{move_into_link_name_space, LinkNameSpaceType};
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::process::{Command, Output};
use std::time::Duration;
use tempfile::TempDir;

pub(crate) struct Engine {
    daemon: Process,
    /// Sockets, whose paths must be short, and what the client is told.
    folder: TempDir,
    /// Images and containers.
    data: TempDir,
}

impl Engine {
    /// An engine in a network and with mounts of its own, and this thread in that network:
    /// what it connects to afterwards is there. The error is why there is none.
    fn start() -> Result<Self, String> {
        if !docker_base().exists() {
            return Err("make setup could not make .tools/docker/base.tar".to_owned());
        }
        let folder = TempDir::new().expect("a folder");
        let data = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let plugins = folder.path().join("cli-plugins");
        std::fs::create_dir(&plugins).expect("a folder");
        std::os::unix::fs::symlink(docker_compose(), plugins.join("docker-compose"))
            .expect("a link");
        // The machine's own settings are for its own engine.
        std::fs::write(folder.path().join("daemon.json"), "{}").expect("a file");
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "sh", "-c"]).arg(
            r#"ip link set lo up && exec dockerd --config-file "$0/daemon.json" --host "unix://$0/docker.sock" \
                --exec-root "$0/exec" --pidfile "$0/docker.pid" --data-root "$1""#,
        );
        command.arg(folder.path()).arg(data.path());
        // Debian has iptables where only root's PATH looks.
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
        let daemon = Process::script("dockerd", folder.path(), &command);
        let mut engine = Self {
            daemon,
            folder,
            data,
        };
        let up = eventually(Duration::from_secs(30), || {
            if let Some(status) = engine.daemon.ended() {
                return Some(Err(format!("{status}\n{}", engine.daemon.err())));
            }
            let info = engine.try_docker(&["info"])?;
            info.status.success().then_some(Ok(()))
        });
        up.unwrap_or_else(|| Err("it does not answer".to_owned()))?;
        let network = format!("/proc/{}/ns/net", engine.daemon.pid());
        let network = File::open(network).map_err(|error| error.to_string())?;
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(|error| error.to_string())?;
        Ok(engine)
    }

    /// None where this machine cannot have one, which is said past the test's capture.
    pub(crate) fn start_or_say() -> Option<Self> {
        match Self::start() {
            Ok(engine) => Some(engine),
            Err(reason) => {
                let required = std::env::var("REQUIRE_DOCKER").is_ok_and(|value| value == "1");
                assert!(!required, "no Docker engine starts here: {reason}");
                let line = "=".repeat(72);
                let _ = writeln!(
                    std::io::stderr(),
                    "{line}\nNOT TESTED: the Docker bundle. No engine starts here (REQUIRE_DOCKER=1 \
                     makes this a failure):\n{reason}\n{line}"
                );
                None
            }
        }
    }

    /// A command for this engine, `docker` or what calls it.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let folder = self.folder.path();
        let mut command = Command::new(program);
        command.env(
            "DOCKER_HOST",
            format!("unix://{}", folder.join("docker.sock").display()),
        );
        command.env("DOCKER_CONFIG", folder);
        command.env_remove("DOCKER_CONTEXT");
        // Debian has no BuildKit for the client.
        command.env("DOCKER_BUILDKIT", "0");
        command
    }

    fn try_docker(&self, arguments: &[&str]) -> Option<Output> {
        self.command("docker").args(arguments).output().ok()
    }

    /// What `docker` prints; it must succeed.
    pub(crate) fn docker(&self, arguments: &[&str]) -> String {
        let output = self.try_docker(arguments).expect("docker runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Left to the engine, each would be waited for in turn.
        if let Some(list) = self.try_docker(&["ps", "--all", "--quiet"]) {
            let list = String::from_utf8_lossy(&list.stdout).into_owned();
            for container in list.split_whitespace() {
                let _ = self.try_docker(&["rm", "--force", "--volumes", container]);
            }
        }
        self.daemon.stop();
        debug_assert!(self.data.path().exists());
    }
}
