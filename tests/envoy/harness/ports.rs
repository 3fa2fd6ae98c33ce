//! Ports for programs that cannot ask the kernel for one themselves.

use super::process::{eventually, Process};
use std::net::TcpListener;
use std::time::Duration;

/// A loopback port that was free just now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Starts a program on a free port and waits until it answers. Between the two another
/// one may have taken the port: then once more, with another.
pub(super) fn on_free_port(
    start: impl Fn(u16) -> Process,
    answers: impl Fn(u16) -> bool,
) -> (Process, u16) {
    let mut words = String::new();
    for _ in 0..5 {
        let port = free_port();
        let mut process = start(port);
        match until(&mut process, || answers(port)) {
            Ok(()) => return (process, port),
            Err(said) => words = said,
        }
    }
    panic!("does not start on any port:\n{words}");
}

/// Waits until a program answers, or has ended: then what it said.
pub(super) fn until(process: &mut Process, answers: impl Fn() -> bool) -> Result<(), String> {
    let found = eventually(Duration::from_secs(20), || {
        // Dead is looked at first: the port may be another's, who answers.
        match process.ended() {
            Some(status) => Some(Err(status)),
            None => answers().then_some(Ok(())),
        }
    });
    match found {
        Some(Ok(())) => Ok(()),
        Some(Err(status)) => Err(format!("{status}\n{}{}", process.out(), process.err())),
        None => Err(format!("no answer\n{}{}", process.out(), process.err())),
    }
}
