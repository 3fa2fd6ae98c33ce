//! A connection that is kept open, and how long each request on it takes.
//!
//! A client library would add its own work to every figure, as much as a filter does. What
//! Envoy answers by itself is a head with a `content-length` and its body, so reading it
//! takes ten lines.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// The headers of an ordinary client.
const REQUEST: &[u8] = b"GET /v1/models HTTP/1.1\r\n\
    host: api.example.com\r\n\
    user-agent: OpenAI/Python 1.109.1\r\n\
    accept: application/json\r\n\
    accept-encoding: gzip, deflate\r\n\
    authorization: Bearer alice\r\n\r\n";

const HEAD_END: &[u8] = b"\r\n\r\n";

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("Envoy listens");
        stream.set_nodelay(true).expect("a socket");
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).expect("a socket");
        Self {
            stream,
            buffer: vec![0; 16 * 1024],
        }
    }

    /// The status of the answer, and the time from the first byte sent to the last read.
    pub fn ask(&mut self) -> (u16, Duration) {
        let begun = Instant::now();
        self.stream.write_all(REQUEST).expect("Envoy reads");
        let mut length = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[length..]);
            let read = read.expect("Envoy answers");
            assert!(read > 0, "Envoy has hung up");
            length += read;
            if is_whole(&self.buffer[..length]) {
                break;
            }
        }
        let took = begun.elapsed();
        let status = self.buffer.get(9..12).map(String::from_utf8_lossy);
        let status = status.and_then(|status| status.parse().ok());
        (status.expect("a status line"), took)
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let end = answer.windows(HEAD_END.len()).position(|at| at == HEAD_END);
    end.is_some_and(|end| {
        let head = String::from_utf8_lossy(&answer[..end]);
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let body: usize = length.map_or(0, |length| length.parse().expect("a length"));
        answer.len() >= end + HEAD_END.len() + body
    })
}
