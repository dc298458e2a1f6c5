//! The requests that podman-api gets wrong or cannot bound, over the transport that it stands on itself.
//!
//! podman-api 0.11 carries what it does right: ping, init, start, kill and delete. For the rest its requests are of no
//! use here: the body of a create misspells `no_new_privileges` and has the keys of Docker for the log, both of which
//! the service ignores without a word (<https://github.com/vv9k/podman-api-rs/issues/175>); attach decodes frames with a
//! decoder that panics on an unknown stream and allocates whatever length it is told; answers are read without a bound;
//! and its models break on fields that later versions of Podman changed. It has no way to send a request of one's own,
//! so `containers-api` and `hyperlocal`, the two crates below it in its own tree, are named here at its versions and add
//! nothing to that tree.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::{Duration, Instant};

use containers_api::conn::hyper::body::HttpBody;
use containers_api::conn::hyper::{self, Body, Response};
use containers_api::conn::{Error as ConnectionError, Headers, Payload, RequestClient, Transport};
use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use hyperlocal::UnixConnector;
use inline_runtime::{Error, ErrorKind, Result};
use podman_api::{ApiVersion, Error as ApiError, Podman};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error;

/// The oldest API that has all that is asked for here; every later service answers to it.
const API: ApiVersion = ApiVersion::new(4, Some(0), Some(0));
const PREFIX: &str = "/v4.0.0/libpod";

/// The largest answer that is read. A list of ten thousand containers is about this large.
const MAX_ANSWER_BYTES: usize = 16 << 20;
/// The longest line that is read of an answer in lines.
const MAX_LINE_BYTES: usize = 256 << 10;
/// The largest error that is read.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// The two ends of a connection to a process.
pub(crate) type Reader = Box<dyn AsyncRead + Send + Unpin>;
pub(crate) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// Sends requests to one service, each with a bound on its time and on the size of its answer.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// Sends what podman-api does right; [`bounded`](Self::bounded) keeps the time, which it does not.
    pub(crate) podman: Podman,
    requests: RequestClient<ApiError>,
    socket: PathBuf,
    call_timeout: Duration,
}

impl Client {
    /// Creates a client of the service at `socket`; does no input or output.
    pub(crate) fn new(socket: &Path, call_timeout: Duration) -> Self {
        // A service that ends after idle time closes idle connections, so none is kept; a new one costs 50 µs.
        let client = hyper::Client::builder().pool_max_idle_per_host(0).build(UnixConnector);
        let transport = Transport::Unix {
            client,
            path: socket.to_path_buf(),
        };
        Self {
            podman: Podman::unix_versioned(socket, API),
            requests: RequestClient::new(transport, Box::new(validate)),
            socket: socket.to_path_buf(),
            call_timeout,
        }
    }

    /// Returns the socket of the service.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Waits for a call of podman-api, at most as long as a call may take. The log names it `what`.
    pub(crate) async fn bounded<T>(&self, what: &str, call: impl Future<Output = Result<T, ApiError>>) -> Result<T> {
        let begin = Instant::now();
        let answer = tokio::time::timeout(self.call_timeout, call).await;
        tracing::trace!(what, took = ?begin.elapsed(), "asked the service");
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(error::from_api(error)),
            Err(_) => {
                let seconds = self.call_timeout.as_secs_f64();
                Err(Error::new(
                    ErrorKind::Timeout,
                    format!("the service did not answer within {seconds} s"),
                ))
            }
        }
    }

    /// Asks for what is at `path`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.bounded(path, async {
            let response = self.requests.get(format!("{PREFIX}{path}")).await?;
            parse(response).await
        })
        .await
    }

    /// Posts `body` as JSON.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.bounded(path, async {
            let payload = Payload::Json(serde_json::to_vec(body)?);
            let path = format!("{PREFIX}{path}");
            parse(self.requests.post(path, payload, Headers::none()).await?).await
        })
        .await
    }

    /// Takes a connection over for the streams of the main process.
    ///
    /// There is no body: the service reads none here, so the program would find it in its standard input.
    pub(crate) async fn attach(&self, path: &str) -> Result<(Reader, Writer)> {
        self.take_over(path, Ok(Payload::empty())).await
    }

    /// Posts `body` as JSON and takes the connection over for the streams of an exec.
    pub(crate) async fn start_exec(&self, path: &str, body: &impl Serialize) -> Result<(Reader, Writer)> {
        let json = serde_json::to_vec(body).map(Body::from);
        self.take_over(path, json.map(Payload::Json)).await
    }

    /// Posts nothing and returns the lines of the answer as they come. How long they may take is up to the caller.
    pub(crate) async fn lines(&self, path: &str, headers: Option<Headers>) -> Result<Lines, ApiError> {
        let path = format!("{PREFIX}{path}");
        let response = self.requests.post(path, Payload::empty(), headers).await?;
        Ok(Lines {
            body: response.into_body(),
            buffer: Vec::new(),
        })
    }

    async fn take_over(&self, path: &str, payload: serde_json::Result<Payload<Body>>) -> Result<(Reader, Writer)> {
        self.bounded(path, async {
            let payload = payload?;
            let path = format!("{PREFIX}{path}");
            let stream = self.requests.clone().post_upgrade_stream(path, payload).await?;
            let (reader, writer) = stream.split();
            Ok((Box::new(reader) as Reader, Box::new(writer) as Writer))
        })
        .await
    }
}

/// An answer of which each line is read by itself.
#[derive(Debug)]
pub(crate) struct Lines {
    body: Body,
    buffer: Vec<u8>,
}

impl Lines {
    /// Returns the next line as JSON, or `None` at the end.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ApiError> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            if self.buffer.len() > MAX_LINE_BYTES {
                return Err(too_large(MAX_LINE_BYTES));
            }
            match self.body.data().await {
                Some(chunk) => self.buffer.extend_from_slice(&chunk.map_err(ConnectionError::from)?),
                None => return Ok(None),
            }
        }
    }
}

async fn parse<T: DeserializeOwned>(response: Response<Body>) -> Result<T, ApiError> {
    let answer = read(response.into_body(), MAX_ANSWER_BYTES).await?;
    Ok(serde_json::from_slice(&answer)?)
}

async fn read(mut body: Body, max: usize) -> Result<Vec<u8>, ApiError> {
    let mut answer = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.map_err(ConnectionError::from)?;
        if answer.len() + chunk.len() > max {
            return Err(too_large(max));
        }
        answer.extend_from_slice(&chunk);
    }
    Ok(answer)
}

fn too_large(max: usize) -> ApiError {
    ApiError::InvalidResponse(format!("more than {max} bytes"))
}

/// What the service says when it refuses.
#[derive(Deserialize)]
struct Refusal {
    message: String,
}

/// Passes a success on and turns everything else into the message that the service gave.
fn validate(response: Response<Body>) -> Pin<Box<dyn Future<Output = Result<Response<Body>, ApiError>> + Send + Sync>> {
    Box::pin(async move {
        let code = response.status();
        if code.is_success() || code.is_informational() {
            return Ok(response);
        }
        let text = read(response.into_body(), MAX_ERROR_BYTES).await?;
        let message = match serde_json::from_slice(&text) {
            Ok(Refusal { message }) => message,
            Err(_) if text.is_empty() => code.to_string(),
            Err(_) => String::from_utf8_lossy(&text).trim().to_owned(),
        };
        Err(ApiError::Fault { code, message })
    })
}
