//! An engine that answers by a script, for tests of what no real engine does on demand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::{DockerConfig, DockerRuntime};

/// What is answered to a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// This status and body.
    Now(u16, &'static str),
    /// The same, after a while.
    Late(Duration, u16, &'static str),
    /// The connection becomes a stream, which carries these bytes and ends.
    Stream(&'static [u8]),
    /// The connection is closed.
    Break,
}

/// Answers by method and path, without the query; a request that is not there waits for ever.
pub(crate) type Script = &'static [(&'static str, Answer)];

/// What [`DockerRuntime::connect`] asks for, of an engine that claims to bind all limits.
pub(crate) const CONNECT: [(&str, Answer); 2] = [
    ("GET /version", Answer::Now(200, r#"{"ApiVersion": "1.41"}"#)),
    (
        "GET /v1.41/info",
        Answer::Now(
            200,
            r#"{
                "MemoryLimit": true, "SwapLimit": true, "PidsLimit": true, "CgroupDriver": "cgroupfs",
                "SecurityOptions": ["name=seccomp,profile=default"]
            }"#,
        ),
    ),
];

/// A running script.
pub(crate) struct Scripted {
    directory: tempfile::TempDir,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub(crate) fn serve(script: Script) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("docker.sock")).unwrap();
        let requests = Arc::default();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, script, Arc::clone(&seen)));
            }
        });
        Self { directory, requests }
    }

    pub(crate) fn config(&self) -> DockerConfig {
        DockerConfig::default()
            .with_host(format!(
                "unix://{}",
                self.directory.path().join("docker.sock").display()
            ))
            .with_call_timeout(Duration::from_millis(500))
    }

    pub(crate) async fn connect(&self) -> DockerRuntime {
        DockerRuntime::connect(&self.config()).await.unwrap()
    }

    /// Waits until a request has come.
    pub(crate) async fn has_seen(&self, request: &str) -> bool {
        for _ in 0..200 {
            if self.requests.lock().unwrap().iter().any(|seen| seen == request) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    /// Counts the requests that have come so far.
    pub(crate) fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

async fn answer(mut stream: UnixStream, script: Script, seen: Arc<Mutex<Vec<String>>>) {
    let request = read(&mut stream).await;
    let answer = script
        .iter()
        .find(|(known, _)| *known == request)
        .map(|(_, answer)| *answer);
    seen.lock().unwrap().push(request);
    let (status, body) = match answer {
        Some(Answer::Now(status, body)) => (status, body),
        Some(Answer::Late(pause, status, body)) => {
            tokio::time::sleep(pause).await;
            (status, body)
        }
        Some(Answer::Stream(bytes)) => {
            let head = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
            drop(stream.write_all(&[head.as_bytes(), bytes].concat()).await);
            return;
        }
        Some(Answer::Break) => return,
        None => {
            drop(stream.read_to_end(&mut Vec::new()).await);
            return;
        }
    };
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
    // The client may be gone, which is what some tests are about.
    drop(stream.write_all(format!("{head}{body}").as_bytes()).await);
}

/// Reads a request to the end of its body; returns its method and path.
async fn read(stream: &mut UnixStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                let line: Vec<_> = head.split([' ', '?']).take(2).collect();
                return line.join(" ");
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return String::new();
        }
    }
}
