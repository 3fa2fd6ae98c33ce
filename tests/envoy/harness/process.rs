//! A child process that does not outlive what started it.
//!
//! `setpriv` (util-linux, on every Debian) has the kernel kill the child when the thread
//! that started it ends, which a SIGKILL of the test process does too; no `unsafe` of our
//! own is needed for that. It is the *thread*: start a process in the test that uses it.

use rustix::process::{kill_process, Pid, Signal};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Polls until `probe` yields; `None` after `limit`. No test asserts how long a thing took.
pub fn eventually<T>(limit: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        let found = probe();
        if found.is_some() || Instant::now() > end {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Repeats a burst of requests, each time as another client, until it took less than a
/// second: whole seconds in its answers are then what they are on paper, however busy the
/// machine is.
pub fn promptly<T>(mut burst: impl FnMut(&str) -> T) -> T {
    for attempt in 1..=20 {
        let start = Instant::now();
        let seen = burst(&format!("client-{attempt}"));
        if start.elapsed() < Duration::from_millis(900) {
            return seen;
        }
    }
    panic!("this machine is too busy: a burst takes a second each of 20 times");
}

/// A running program, its two outputs in files `<name>.out` and `<name>.err` of a folder.
pub struct Process {
    child: Child,
    out: PathBuf,
    err: PathBuf,
    name: &'static str,
}

impl Process {
    pub fn start(name: &'static str, folder: &Path, command: &Command) -> Self {
        Self::guarded("KILL", name, folder, command)
    }

    /// A script with children of its own: asked to end, so that it can end them.
    pub fn script(name: &'static str, folder: &Path, command: &Command) -> Self {
        Self::guarded("TERM", name, folder, command)
    }

    fn guarded(signal: &str, name: &'static str, folder: &Path, command: &Command) -> Self {
        let out = folder.join(format!("{name}.out"));
        let err = folder.join(format!("{name}.err"));
        let mut guarded = Command::new("setpriv");
        guarded.args(["--pdeathsig", signal, "--"]);
        guarded.arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            guarded.env(key, value.unwrap_or_default());
        }
        guarded.current_dir(command.get_current_dir().unwrap_or(folder));
        guarded.stdin(Stdio::null());
        guarded.stdout(File::create(&out).expect("a file for the output"));
        guarded.stderr(File::create(&err).expect("a file for the errors"));
        let child = guarded.spawn().expect("setpriv runs (package util-linux)");
        Self {
            child,
            out,
            err,
            name,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to its standard output so far.
    pub fn out(&self) -> String {
        text(&self.out)
    }

    /// What it has written to its standard error so far.
    pub fn err(&self) -> String {
        text(&self.err)
    }

    /// The exit status' text once it has ended.
    pub fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().expect("the child can be asked");
        status.map(|status| status.to_string())
    }

    /// What Ctrl-C would send.
    pub fn interrupt(&mut self) {
        self.signal(Signal::INT);
    }

    /// Hangs it, so that its connections stay open and nothing answers.
    pub fn suspend(&mut self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on where it was suspended.
    pub fn resume(&mut self) {
        self.signal(Signal::CONT);
    }

    /// Ends it as a crash does.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }

    /// Asks it to end, and waits.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        // One that is suspended does not hear of it otherwise.
        self.signal(Signal::CONT);
        if eventually(Duration::from_secs(5), || self.ended()).is_none() {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }

    fn signal(&mut self, signal: Signal) {
        // Only while it runs: the kernel may give the number of a reaped child to another.
        if self.ended().is_none() {
            let _ = kill_process(Pid::from_child(&self.child), signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            let err = self.err();
            let from = err.lines().count().saturating_sub(30);
            let tail: Vec<&str> = err.lines().skip(from).collect();
            eprintln!("--- last words of {}:\n{}", self.name, tail.join("\n"));
        }
    }
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}
