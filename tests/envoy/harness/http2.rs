//! As much of HTTP/2 (RFC 9113, 7541) as it takes to begin streams and reset them, which
//! no polite client does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const END_STREAM_AND_HEADERS: u8 = 5;
const CANCEL: [u8; 4] = [0, 0, 0, 8];

/// One connection, which nobody listens to.
pub struct Http2 {
    stream: TcpStream,
    streams: u32,
}

impl Http2 {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("an option of every socket");
        let mut reader = stream.try_clone().expect("a second handle");
        // Unread, answers would fill the socket, and its close would be a TCP reset.
        thread::spawn(move || while matches!(reader.read(&mut [0; 4096]), Ok(1..)) {});
        let mut this = Self { stream, streams: 0 };
        this.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        this.frame(SETTINGS, 0, 0, &[]);
        this.frame(SETTINGS, ACK, 0, &[]);
        this
    }

    /// Begins a GET; the number of its stream.
    pub fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> u32 {
        // From the static table.
        self.begin(0x82, END_STREAM_AND_HEADERS, path, headers)
    }

    /// Begins a POST, whose body is to come; the number of its stream.
    pub fn post(&mut self, path: &str, headers: &[(&str, &str)]) -> u32 {
        self.begin(0x83, END_HEADERS, path, headers)
    }

    fn begin(&mut self, method: u8, flags: u8, path: &str, headers: &[(&str, &str)]) -> u32 {
        let id = self.streams * 2 + 1;
        self.streams += 1;
        // From the static table: the method, http, and the names of a path and an authority.
        let mut block = vec![method, 0x86, 0x04];
        text(&mut block, path);
        block.push(0x01);
        text(&mut block, "x");
        fields(&mut block, headers);
        self.frame(HEADERS, flags, id, &block);
        id
    }

    /// A piece of a stream's body, which is not its end.
    pub fn data(&mut self, stream: u32, bytes: &[u8]) {
        for piece in bytes.chunks(16_384) {
            self.frame(DATA, 0, stream, piece);
        }
    }

    /// The end of a stream.
    pub fn trailers(&mut self, stream: u32, headers: &[(&str, &str)]) {
        let mut block = Vec::new();
        fields(&mut block, headers);
        self.frame(HEADERS, END_STREAM_AND_HEADERS, stream, &block);
    }

    pub fn reset(&mut self, stream: u32) {
        self.frame(RST_STREAM, 0, stream, &CANCEL);
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("a short frame");
        let mut frame = length.to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.write(&frame);
    }

    fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the connection stands");
    }
}

impl Drop for Http2 {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

fn fields(block: &mut Vec<u8>, headers: &[(&str, &str)]) {
    for (name, value) in headers {
        block.push(0);
        text(block, name);
        text(block, value);
    }
}

fn text(block: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).expect("a short text");
    assert!(length < 127, "{text}");
    block.push(length);
    block.extend(text.as_bytes());
}
