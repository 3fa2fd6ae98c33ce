//! Two ways to ask: a polite client for ordinary traffic, and bytes for the other kind.
//!
//! A client library cannot be made to send `//v1/%63hat` or a header with 0xFF in it, so
//! `raw` writes what it is given, one request on a connection of its own.

use super::chunked::{unchunked, unchunked_so_far};
use super::process::eventually;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use ureq::http::Request;
use ureq::Agent;

/// What came back, header names in lower case, in the order sent.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The only value of a header; it must not be there twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(field, _)| field == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(
            values.next().is_none(),
            "{name} is there twice: {:?}",
            self.headers
        );
        value
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// Keeps its connections open.
pub struct Client {
    agent: Agent,
    address: SocketAddr,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(20)));
        Self {
            agent: config.build().into(),
            address,
        }
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, "").expect("an answer")
    }

    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send("POST", path, headers, body).expect("an answer")
    }

    /// A chat request with this key, as the demo API takes it.
    pub fn chat(&self, key: &str) -> Answer {
        self.try_chat(key).expect("an answer")
    }

    /// `None` where nobody answers.
    pub fn try_chat(&self, key: &str) -> Option<Answer> {
        let key = format!("Bearer {key}");
        let body = r#"{"messages":[{"role":"user","content":"Hi"}]}"#;
        let headers = [("authorization", key.as_str())];
        self.send("POST", "/v1/chat/completions", &headers, body)
            .ok()
    }

    /// `None` where nobody answers.
    pub fn try_get(&self, path: &str) -> Option<Answer> {
        self.send("GET", path, &[], "").ok()
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = if method == "GET" {
            self.agent.run(request.body(())?)?
        } else {
            self.agent.run(request.body(body)?)?
        };
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = response.headers().iter();
        Ok(Answer {
            status: response.status().as_u16(),
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            body: response.body_mut().read_to_vec()?,
        })
    }
}

/// Sends `request` byte for byte on a connection of its own, and reads one answer.
/// `None` where there is none, or no HTTP.
pub fn raw(address: SocketAddr, request: &[u8]) -> Option<Answer> {
    Exchange::begin(address, request)?.answer()
}

/// A request that is under way on a connection of its own. Dropped, its client has gone.
pub struct Exchange {
    stream: TcpStream,
    bytes: Vec<u8>,
    head: bool,
}

impl Exchange {
    /// Sends `request` byte for byte.
    pub fn begin(address: SocketAddr, request: &[u8]) -> Option<Self> {
        let mut stream = TcpStream::connect(address).ok()?;
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .ok()?;
        // Refused at its first line, a long request is reset before it is all written; the
        // answer has come nevertheless.
        let _ = stream.write_all(request);
        Some(Self {
            stream,
            bytes: Vec::new(),
            head: request.starts_with(b"HEAD "),
        })
    }

    /// Sends more.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Whether something has come that was not read; waits for it.
    pub fn has_unread(&self) -> bool {
        self.stream.peek(&mut [0]).is_ok_and(|count| count > 0)
    }

    /// Whether something has come by now.
    pub fn has_unread_now(&self) -> bool {
        let _ = self.stream.set_nonblocking(true);
        let has = self.has_unread();
        let _ = self.stream.set_nonblocking(false);
        has
    }

    /// The next answer on a connection that goes on; it must tell its length.
    pub fn next(&mut self) -> Option<Answer> {
        loop {
            if let Some((mut answer, true)) = parse(&self.bytes, self.head) {
                let length = answer.header("content-length")?.parse().ok()?;
                let head = self.bytes.len() - answer.body.len();
                answer.body.truncate(length);
                self.bytes.drain(..head + length);
                return Some(answer);
            }
            if self.read() == 0 {
                return None;
            }
        }
    }

    /// As much of a chunked body as has come, which is not waited for.
    pub fn come(&mut self) -> Vec<u8> {
        self.read_what_is_there();
        match parse(&self.bytes, false) {
            Some((answer, _)) => unchunked_so_far(&answer.body),
            None => Vec::new(),
        }
    }

    /// Waits for the end of a chunked body: whether it comes.
    pub fn until_end(&mut self) -> bool {
        let patience = Duration::from_secs(20);
        let is_whole = || {
            self.read_what_is_there();
            let (answer, _) = parse(&self.bytes, false)?;
            unchunked(&answer.body).map(|_| ())
        };
        eventually(patience, is_whole).is_some()
    }

    fn read_what_is_there(&mut self) {
        let _ = self.stream.set_nonblocking(true);
        while self.read() > 0 {}
        let _ = self.stream.set_nonblocking(false);
    }

    /// The head of the answer, with as much of its body as came with it.
    pub fn begun(&mut self) -> Option<Answer> {
        loop {
            if let Some((answer, _)) = parse(&self.bytes, self.head) {
                return Some(answer);
            }
            if self.read() == 0 {
                return None;
            }
        }
    }

    /// The answer, whole or as far as it comes.
    pub fn answer(mut self) -> Option<Answer> {
        loop {
            let answer = match parse(&self.bytes, self.head) {
                // Envoy keeps a connection that it has refused open for another second: what
                // is whole is not waited for.
                Some((answer, true)) => return Some(answer),
                Some((answer, false)) => Some(answer),
                None => None,
            };
            if self.read() == 0 {
                return answer;
            }
        }
    }

    /// How much more has come; 0 at the end, and where nothing comes any more.
    fn read(&mut self) -> usize {
        let mut buffer = [0; 16 * 1024];
        let count = self.stream.read(&mut buffer).unwrap_or_default();
        self.bytes.extend(&buffer[..count]);
        count
    }
}

/// An answer as far as it has come, and whether that is all of it.
fn parse(bytes: &[u8], to_head: bool) -> Option<(Answer, bool)> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(head) = response.parse(bytes).ok()? else {
        return None;
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = response.headers.iter();
    let answer = Answer {
        status: response.code?,
        headers: headers
            .map(|field| (field.name.to_lowercase(), text(field.value)))
            .collect(),
        body: bytes[head..].to_vec(),
    };
    let length = answer.header("content-length");
    let length = length.and_then(|length| length.parse::<usize>().ok());
    let whole = to_head || length.is_some_and(|length| answer.body.len() >= length);
    Some((answer, whole))
}
