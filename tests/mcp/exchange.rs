//! HTTP by hand, for what no client would send.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use inline_tests::environment::patient;
use libtest_mimic::Failed;
use serde_json::{Value, json};

/// How long an answer may take, times `INLINE_TEST_PATIENCE`.
const PATIENCE: Duration = Duration::from_mins(1);

/// A request.
#[derive(Clone)]
pub(crate) struct Request {
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// An answer, as far as it was read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// An answer that comes bit by bit.
pub(crate) struct Stream {
    pub(crate) status: u16,
    reader: BufReader<TcpStream>,
}

impl Request {
    /// Sends `body` as JSON and the client's `token`.
    pub(crate) fn post(token: &str, body: &Value) -> Self {
        Self::raw(token, body.to_string().into_bytes())
    }

    pub(crate) fn raw(token: &str, body: Vec<u8>) -> Self {
        Self {
            method: "POST",
            path: "/mcp",
            headers: vec![
                ("Authorization", format!("Bearer {token}")),
                ("Content-Type", "application/json".to_owned()),
                ("Accept", "application/json, text/event-stream".to_owned()),
            ],
            body,
        }
    }

    pub(crate) fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn path(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    pub(crate) fn session(self, id: &str) -> Self {
        self.header("Mcp-Session-Id", id)
    }

    /// Returns it as it is sent, on a connection that is then closed or not.
    pub(crate) fn text(&self, address: SocketAddr, connection: &str) -> Vec<u8> {
        let mut lines = vec![
            format!("{} {} HTTP/1.1", self.method, self.path),
            format!("Connection: {connection}"),
            format!("Content-Length: {}", self.body.len()),
        ];
        if !self.headers.iter().any(|(name, _)| *name == "Host") {
            lines.push(format!("Host: {address}"));
        }
        lines.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        let text = lines.join("\r\n") + "\r\n\r\n";
        [text.into_bytes(), self.body.clone()].concat()
    }

    /// Sends it and reads the answer to its end.
    pub(crate) fn send(&self, address: SocketAddr) -> Result<Answer, Failed> {
        let mut stream = connect(address)?;
        // A server that has heard enough answers before all is sent.
        drop(stream.write_all(&self.text(address, "close")));
        let mut all = Vec::new();
        drop(stream.read_to_end(&mut all));
        let all = String::from_utf8_lossy(&all);
        let (head, body) = all
            .split_once("\r\n\r\n")
            .ok_or_else(|| format!("no answer: {all:?}"))?;
        Ok(Answer {
            status: status(head)?,
            head: head.to_owned(),
            body: body.to_owned(),
        })
    }

    /// Sends it, and leaves the answer to be read.
    pub(crate) fn stream(&self, address: SocketAddr) -> Result<Stream, Failed> {
        let mut stream = connect(address)?;
        stream.write_all(&self.text(address, "close"))?;
        let mut reader = BufReader::new(stream);
        let (mut head, mut line) = (String::new(), String::new());
        while reader.read_line(&mut line)? > 2 {
            head += &std::mem::take(&mut line);
        }
        Ok(Stream {
            status: status(&head)?,
            reader,
        })
    }
}

impl Answer {
    /// Returns the value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next()
    }
}

impl Stream {
    /// Reads to the first line that holds `text`, and returns it.
    pub(crate) fn line_with(&mut self, text: &str) -> Result<String, Failed> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.reader.read_line(&mut line)? == 0 {
                return Err(format!("the stream ended without `{text}`").into());
            }
            if line.contains(text) {
                return Ok(line.trim().to_owned());
            }
        }
    }
}

/// Opens a session, and returns its id.
pub(crate) fn open_session(address: SocketAddr, token: &str) -> Result<String, Failed> {
    let answer = Request::post(token, &initialize()).send(address)?;
    let id = answer
        .header("mcp-session-id")
        .ok_or_else(|| format!("{answer:?}"))?
        .to_owned();
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    Request::post(token, &initialized).session(&id).send(address)?;
    Ok(id)
}

pub(crate) fn initialize() -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": 0,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "by hand", "version": "0" },
        },
    })
}

pub(crate) fn connect(address: SocketAddr) -> Result<TcpStream, Failed> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(patient(PATIENCE)?))?;
    Ok(stream)
}

fn status(head: &str) -> Result<u16, Failed> {
    let status = head.split(' ').nth(1).ok_or_else(|| format!("no answer: {head:?}"))?;
    Ok(status.parse()?)
}
