//! An upstream that a test plays itself, byte by byte: it sees what Envoy sends on each
//! connection as it was sent, and says what it wants when it wants.

use super::chunked::unchunked;
use super::process::eventually;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

pub struct Scripted {
    listener: TcpListener,
}

/// One of Envoy's connections.
pub struct Upstreamed {
    stream: TcpStream,
    bytes: Vec<u8>,
}

/// A request as it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its first line and its headers.
    pub head: String,
    /// Its body, without the frames of chunks.
    pub body: Vec<u8>,
}

const PATIENCE: Duration = Duration::from_secs(20);

impl Scripted {
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        listener.set_nonblocking(true).expect("an option");
        Self { listener }
    }

    pub fn port(&self) -> u16 {
        let address: SocketAddr = self.listener.local_addr().expect("its address");
        address.port()
    }

    /// Envoy's next connection.
    pub fn accept(&self) -> Upstreamed {
        let accepted = eventually(PATIENCE, || self.accepted());
        accepted.expect("a connection from Envoy")
    }

    /// Envoy's next connection, if there is one already.
    pub fn accepted(&self) -> Option<Upstreamed> {
        let (stream, _) = self.listener.accept().ok()?;
        stream.set_nonblocking(true).expect("an option");
        stream.set_nodelay(true).expect("an option");
        Some(Upstreamed {
            stream,
            bytes: Vec::new(),
        })
    }
}

impl Upstreamed {
    /// All that has come and was not taken as part of a request.
    pub fn received(&mut self) -> &[u8] {
        self.read();
        &self.bytes
    }

    /// Waits for the next request's head, and leaves it unread.
    pub fn head(&mut self) -> String {
        let head = eventually(PATIENCE, || {
            self.read();
            let end = head_end(&self.bytes)?;
            Some(String::from_utf8_lossy(&self.bytes[..end]).into_owned())
        });
        head.unwrap_or_else(|| panic!("no head: {}", self.shown()))
    }

    /// Waits until so many bytes of the next request's body, as they are on the wire,
    /// have come.
    pub fn until_body(&mut self, count: usize) {
        let come = eventually(PATIENCE, || {
            self.read();
            let end = head_end(&self.bytes)?;
            (self.bytes.len() >= end + count).then_some(())
        });
        assert!(come.is_some(), "less of a body: {}", self.shown());
    }

    /// Takes the next whole request.
    pub fn request(&mut self) -> Received {
        let taken = eventually(PATIENCE, || {
            self.read();
            let (request, length) = parse(&self.bytes)?;
            self.bytes.drain(..length);
            Some(request)
        });
        taken.unwrap_or_else(|| panic!("no whole request: {}", self.shown()))
    }

    pub fn write(&mut self, mut bytes: &[u8]) {
        let written = eventually(PATIENCE, || {
            while !bytes.is_empty() {
                match self.stream.write(bytes) {
                    Ok(count) => bytes = &bytes[count..],
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                    // Envoy has gone, which is what some tests are about.
                    Err(_) => return Some(()),
                }
            }
            Some(())
        });
        assert!(written.is_some(), "Envoy does not read");
    }

    /// One piece of a chunked body.
    pub fn chunk(&mut self, bytes: &[u8]) {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend(bytes);
        chunk.extend(b"\r\n");
        self.write(&chunk);
    }

    /// The head of a response whose body comes in chunks.
    pub fn begin(&mut self, status: u16, content_type: &str) {
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        self.write(head.as_bytes());
    }

    /// The end of a chunked body.
    pub fn end(&mut self) {
        self.write(b"0\r\n\r\n");
    }

    /// A whole response.
    pub fn answer(&mut self, status: u16, content_type: &str, body: &[u8]) {
        let length = body.len();
        let mut answer = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
        )
        .into_bytes();
        answer.extend(body);
        self.write(&answer);
    }

    /// Waits until Envoy has closed it.
    pub fn until_closed(&mut self) {
        let closed = eventually(PATIENCE, || (!self.read()).then_some(()));
        assert!(closed.is_some(), "still open: {}", self.shown());
    }

    /// Ends it with a TCP reset.
    pub fn reset(self) {
        let now = Some(Duration::ZERO);
        rustix::net::sockopt::set_socket_linger(&self.stream, now).expect("an option");
    }

    /// Whether it is still open.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 64 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => self.bytes.extend(&buffer[..count]),
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    fn shown(&self) -> String {
        let shown = &self.bytes[..self.bytes.len().min(2_000)];
        String::from_utf8_lossy(shown).into_owned()
    }
}

impl Received {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines
            .find_map(|line| line.split_once(": ").filter(|(field, _)| *field == name))
            .map(|(_, value)| value)
    }
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(end + 4)
}

/// A whole request, and its length.
fn parse(bytes: &[u8]) -> Option<(Received, usize)> {
    let end = head_end(bytes)?;
    let mut request = Received {
        head: String::from_utf8_lossy(&bytes[..end]).into_owned(),
        body: Vec::new(),
    };
    let rest = &bytes[end..];
    if request.header("transfer-encoding").is_some() {
        let (body, length) = unchunked(rest)?;
        request.body = body;
        return Some((request, end + length));
    }
    let length = request.header("content-length");
    let length = length.map_or(0, |length| length.parse().expect("a length"));
    request.body = rest.get(..length)?.to_vec();
    Some((request, end + length))
}
