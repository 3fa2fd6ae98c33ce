//! Load from wrk that can be held and let go.
//!
//! wrk cannot run for less than a second, and a connection's first requests are not its
//! usual ones. So each listener has a wrk of its own, connected once, that the kernel
//! stops and continues (SIGSTOP, SIGCONT).

use super::harness::process::Process;
use rustix::process::{kill_process, Pid, Signal};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

pub struct Load(Process);

/// The requests in turn, one for each client, made beforehand. The headers are those of
/// an ordinary client: how many there are decides what reading them costs.
const SCRIPT: &str = r#"
local requests = {}
local next = 0
init = function()
    wrk.headers["user-agent"] = "OpenAI/Python 1.109.1"
    wrk.headers["accept"] = "application/json"
    wrk.headers["accept-encoding"] = "gzip, deflate"
    wrk.headers["content-type"] = "application/json"
    for client = 1, KEYS do
        wrk.headers["x-api-key"] = string.format("key-%016d", client)
        requests[client] = wrk.format("GET", "/v1/chat/completions")
    end
end
request = function()
    next = next % KEYS + 1
    return requests[next]
end
"#;

impl Load {
    /// Connects, and waits to be let go.
    pub fn start(folder: &Path, address: SocketAddr, keys: u32) -> Self {
        let script = folder.join("load.lua");
        fs::write(&script, format!("local KEYS = {keys}\n{SCRIPT}")).expect("a script");
        let mut command = Command::new("wrk");
        command.args(["-t1", "-c32", "-d1h", "-s"]).arg(script);
        command.arg(format!("http://{address}/"));
        let load = Self(Process::start("wrk", folder, &command));
        load.hold();
        load
    }

    pub fn let_go(&self) {
        self.signal(Signal::CONT);
    }

    pub fn hold(&self) {
        self.signal(Signal::STOP);
    }

    /// Whether it still runs.
    pub fn lives(&mut self) -> bool {
        self.0.ended().is_none()
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.0.pid()).ok().and_then(Pid::from_raw);
        // It is our child and not reaped yet, so the number is its own.
        kill_process(pid.expect("a process' number"), signal).expect("wrk can be signalled");
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // Who is held does not hear that it is to end.
        self.let_go();
    }
}
