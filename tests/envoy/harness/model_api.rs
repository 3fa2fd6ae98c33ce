//! The demo model API of `examples/`, on a free port.

use super::paths;
use super::process::{eventually, Process};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

pub struct ModelApi {
    process: Process,
    port: u16,
    _folder: TempDir,
}

impl ModelApi {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With more arguments, such as `--delay-ms 5`.
    pub fn with(arguments: &[&str]) -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let mut command = Command::new(paths::model_api());
        command.args(["--port", "0"]).args(arguments);
        let process = Process::start("model_api", folder.path(), &command);
        let port = eventually(Duration::from_secs(10), || {
            let out = process.out();
            out.strip_prefix("listening on 127.0.0.1:")?
                .strip_suffix('\n')?
                .parse()
                .ok()
        });
        let port = port.expect("the demo API says where it listens");
        Self {
            process,
            port,
            _folder: folder,
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}
