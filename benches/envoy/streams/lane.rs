//! A client and a model, and between them an Envoy.
//!
//! Both ends are held by one thread, which sends the next chunk once the last has come
//! through. So Envoy sees every chunk by itself, as it would a model's, without waits in
//! between that would make a stream of 2,000 take a minute; and neither end costs Envoy's
//! threads anything.

use super::model;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

pub struct Lane {
    client: BufReader<TcpStream>,
    model: BufReader<TcpStream>,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

const BODY: &str = concat!(
    r#"{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},"#,
    r#""max_tokens":2000,"messages":[{"role":"system","content":"Be brief."},"#,
    r#"{"role":"user","content":"Tell me of rivers, of what they carry, and where to."}]}"#,
);

impl Lane {
    /// Opens one through a listener to a model that is asked here, whom nobody else asks
    /// meanwhile, and has a first stream pass.
    pub fn open(number: usize, listener: SocketAddr, models: &TcpListener) -> Self {
        let client = connected(TcpStream::connect(listener));
        let request = request(number);
        // Envoy connects to the model once it has something to ask.
        client.get_ref().write_all(&request).expect("Envoy listens");
        let mut lane = Self {
            model: connected(models.accept().map(|(stream, _)| stream)),
            client,
            request,
            buffer: Vec::new(),
        };
        lane.is_asked();
        lane.answers(&model::token());
        lane.ends();
        lane
    }

    /// Asks for a stream, and has it begin with this chunk; the time until that is here.
    pub fn begin(&mut self, chunk: &[u8]) -> Duration {
        let begun = Instant::now();
        self.client
            .get_ref()
            .write_all(&self.request)
            .expect("Envoy listens");
        self.is_asked();
        self.answers(chunk);
        begun.elapsed()
    }

    /// The model says something.
    pub fn say(&self, chunk: &[u8]) {
        self.model.get_ref().write_all(chunk).expect("Envoy reads");
    }

    /// The client hears just that.
    pub fn hear(&mut self, chunk: &[u8]) {
        self.buffer.resize(chunk.len(), 0);
        self.client.read_exact(&mut self.buffer).expect("a chunk");
        assert!(self.buffer == chunk, "a chunk has come through changed");
    }

    /// The stream ends, with its usage.
    pub fn ends(&mut self) {
        let end = [&model::farewell(), model::END].concat();
        self.say(&end);
        self.hear(&end);
    }

    /// The model gets the whole request.
    fn is_asked(&mut self) {
        head(&mut self.model);
        self.buffer.resize(BODY.len(), 0);
        self.model.read_exact(&mut self.buffer).expect("a request");
        assert!(self.buffer == BODY.as_bytes(), "another request has come");
    }

    fn answers(&mut self, chunk: &[u8]) {
        self.say(&[model::HEAD, chunk].concat());
        let status = head(&mut self.client);
        assert_eq!(status, "HTTP/1.1 200 OK");
        self.hear(chunk);
    }
}

/// The headers of an ordinary client.
fn request(lane: usize) -> Vec<u8> {
    format!(
        "POST /lane{lane}/v1/chat/completions HTTP/1.1\r\n\
        host: api.example.com\r\n\
        user-agent: OpenAI/Python 1.109.1\r\n\
        accept: application/json\r\n\
        accept-encoding: gzip, deflate\r\n\
        content-type: application/json\r\n\
        content-length: {}\r\n\
        x-api-key: key-{lane:016}\r\n\r\n{BODY}",
        BODY.len()
    )
    .into_bytes()
}

/// Reads a head, and returns its first line.
fn head(from: &mut BufReader<TcpStream>) -> String {
    let mut lines = from.lines().map(|line| line.expect("a head"));
    let first = lines.next().expect("a line");
    let end = lines.find(|line| line.is_empty());
    end.expect("a head has an end");
    first
}

fn connected(stream: std::io::Result<TcpStream>) -> BufReader<TcpStream> {
    let stream = stream.expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("a socket");
    BufReader::new(stream)
}
