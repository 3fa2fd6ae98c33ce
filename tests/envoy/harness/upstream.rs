//! An upstream that ends its answers in every way there is, and not before it is told to.
//!
//! A request's path is `/WHEN/HOW`, in its first two segments. `now`: at once. `later`:
//! once `go_on` is called, or Envoy has gone. `never`: only once Envoy has gone. What is
//! slow here is so for as long as a test wants, however busy the machine is.
//!
//! | how       | what comes                                          | and at its time        |
//! |-----------|-----------------------------------------------------|------------------------|
//! | `answer`  |                                                     | 200, `ok`              |
//! | `reset`   |                                                     | a TCP reset            |
//! | `close`   |                                                     | the connection's end   |
//! | `nonsense`|                                                     | bytes that are no HTTP |
//! | `half`    | at once: 200 and half of its body                   | the connection's end   |
//! | `stream`  | at once: 200 and a first event of an event stream   | the last one, its end  |
//! | `switch`  | at once: 101, and from then on each byte comes back | the connection's end   |
//! | `redirect`|                                                     | 302 to `/now/answer`   |
//! | `busy`    |                                                     | 429                    |
//! | `usage`   |                                                     | 200, 200 tokens used   |

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// How often those that wait were let go on.
    turn: AtomicUsize,
    waiting: AtomicUsize,
    ended: AtomicBool,
}

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(2);
const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const HALF: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha";
const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
    transfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n";
const STREAM_END: &[u8] = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
const USAGE: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 73\r\n\r\n\
    {\"usage\":{\"prompt_tokens\":150,\"completion_tokens\":50,\"total_tokens\":200}}";
const SWITCH: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
const REDIRECT: &[u8] =
    b"HTTP/1.1 302 Found\r\nlocation: http://x/now/answer\r\ncontent-length: 0\r\n\r\n";
const BUSY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n";

impl Upstream {
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared::default());
        let state = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if state.has_ended() {
                    break;
                }
                let (state, Ok(stream)) = (state.clone(), stream) else {
                    continue;
                };
                // A connection that breaks is what these are for.
                thread::spawn(move || drop(serve(stream, &state)));
            }
        });
        Self { address, shared }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::SeqCst)
    }

    /// Lets all go on that wait.
    pub fn go_on(&self) {
        self.shared.turn.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// One connection, request after request.
fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    while !shared.has_ended() {
        let (path, length) = head(&stream)?;
        // Before anyone sees that it is here, so that no turn is missed.
        let turn = shared.turn();
        let mut segments = path.split(['/', '?']).skip(1);
        let when = segments.next().unwrap_or("now");
        let how = segments.next().unwrap_or("answer");
        if how == "reset" {
            // The kernel resets a connection that is closed with bytes unread.
            if when == "later" {
                shared.wait(|| shared.turn() != turn);
            }
            return Ok(());
        }
        stream.read_exact(&mut vec![0; length])?;
        let (first, last): (&[u8], &[u8]) = match how {
            "close" => (b"", b""),
            "nonsense" => (b"", b"\0\0\0\0 what is this\r\n\r\n"),
            "half" => (HALF, b""),
            "stream" => (STREAM, STREAM_END),
            "switch" => (SWITCH, b""),
            "redirect" => (b"", REDIRECT),
            "usage" => (b"", USAGE),
            "busy" => (b"", BUSY),
            _ => (b"", OK),
        };
        stream.write_all(first)?;
        // What a request still sends is of no use to anyone, but on a switched connection.
        let mut has_gone = || has_gone(&mut stream, how == "switch");
        match when {
            "later" => shared.wait(|| shared.turn() != turn || has_gone()),
            "never" => shared.wait(has_gone),
            _ => {}
        }
        stream.write_all(last)?;
        if matches!(how, "close" | "nonsense" | "half" | "switch") {
            return Ok(());
        }
    }
    Ok(())
}

impl Shared {
    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    fn turn(&self) -> usize {
        self.turn.load(Ordering::SeqCst)
    }

    fn wait(&self, mut is_over: impl FnMut() -> bool) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        while !self.has_ended() && !is_over() {
            thread::sleep(PAUSE);
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The next request's path, and the length of its head, which is left unread.
fn head(stream: &TcpStream) -> io::Result<(String, usize)> {
    stream.set_read_timeout(None)?;
    let mut buffer = [0; 16 * 1024];
    loop {
        let count = stream.peek(&mut buffer)?;
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut fields);
        match request.parse(&buffer[..count]) {
            Ok(httparse::Status::Complete(length)) => {
                return Ok((request.path.unwrap_or_default().to_owned(), length));
            }
            Ok(httparse::Status::Partial) if count > 0 => thread::sleep(Duration::from_millis(1)),
            _ => return Err(ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Whether the other side has closed. Reads what it sends, and sends it back if `echo`.
fn has_gone(stream: &mut TcpStream, echo: bool) -> bool {
    let mut buffer = [0; 4096];
    let read = stream
        .set_nonblocking(true)
        .and_then(|()| stream.read(&mut buffer));
    let _ = stream.set_nonblocking(false);
    match read {
        Ok(0) => true,
        Ok(count) => echo && stream.write_all(&buffer[..count]).is_err(),
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}
