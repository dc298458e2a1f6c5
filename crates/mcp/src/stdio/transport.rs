//! Messages as lines of JSON, one after the other.
//!
//! It stands in the place of the library's own, which is silent about what is no JSON, ends on a notification before the
//! handshake, and lets answers pile up for a client that does not read them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rmcp::model::{ClientJsonRpcMessage, ClientRequest, GetMeta, ServerJsonRpcMessage};
use rmcp::service::RoleServer;
use rmcp::transport::Transport;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::lines::{Line, Lines};
use crate::departure::Departure;
use crate::message;

/// How many messages wait for the client to read them before it is asked for no more.
const MAX_WAITING: usize = 64;
/// How many of them are ready to be written.
const QUEUE: usize = 8;
/// How long the client is given at the end to read what waits.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// A client on two streams.
#[derive(Debug)]
pub(super) struct LineTransport<R> {
    lines: Lines<R>,
    queue: Option<mpsc::Sender<Vec<u8>>>,
    writer: Option<JoinHandle<()>>,
    waiting: Arc<Waiting>,
    /// An answer to what was no message.
    answer: Option<ServerJsonRpcMessage>,
    /// Whether the client has begun as the protocol wants it.
    has_begun: bool,
}

/// Counts what the client has not read.
#[derive(Debug, Default)]
struct Waiting {
    count: AtomicUsize,
    fewer: Notify,
}

/// Counts a message until it is dropped.
struct Counted(Arc<Waiting>);

impl<R: AsyncRead + Send + Unpin> LineTransport<R> {
    /// Creates one; `departure` is told when the client reads no more.
    pub(super) fn new(
        input: R,
        output: impl AsyncWrite + Send + Unpin + 'static,
        max_message: usize,
        departure: Departure,
    ) -> Self {
        let (queue, receiver) = mpsc::channel(QUEUE);
        Self {
            lines: Lines::new(input, max_message),
            queue: Some(queue),
            writer: Some(tokio::spawn(write(output, receiver, departure))),
            waiting: Arc::default(),
            answer: None,
            has_begun: false,
        }
    }

    /// Sends the answer that is due. Nothing of it is lost where this is dropped.
    async fn answer(&mut self) -> io::Result<()> {
        if let (Some(_), Some(queue)) = (&self.answer, &self.queue) {
            let place = queue.reserve().await.map_err(|_| closed())?;
            if let Some(answer) = self.answer.take() {
                place.send(line(&answer)?);
            }
        }
        Ok(())
    }

    async fn next(&mut self) -> io::Result<Option<ClientJsonRpcMessage>> {
        loop {
            self.answer().await?;
            self.waiting.become_fewer().await;
            let line = match self.lines.next().await? {
                None => return Ok(None),
                Some(Line::TooLong) => {
                    self.answer = Some(message::too_long(self.lines.max()));
                    continue;
                }
                Some(Line::Whole(line)) => line,
            };
            match message::parse(&line) {
                // What comes before the handshake and wants no answer is nothing yet.
                Ok(message) if self.has_begun || matches!(message, ClientJsonRpcMessage::Request(_)) => {
                    self.has_begun |= begins(&message);
                    return Ok(Some(message));
                }
                Ok(_) => {}
                Err(answer) => self.answer = Some(*answer),
            }
        }
    }
}

/// Returns whether a message is one that a client may begin with.
fn begins(message: &ClientJsonRpcMessage) -> bool {
    let ClientJsonRpcMessage::Request(request) = message else {
        return false;
    };
    match &request.request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
        other => other.get_meta().protocol_version().is_some(),
    }
}

impl<R: AsyncRead + Send + Unpin> Transport<RoleServer> for LineTransport<R> {
    type Error = io::Error;

    fn send(&mut self, item: ServerJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let (queue, counted) = (self.queue.clone(), Counted::new(&self.waiting));
        async move {
            let sent = queue.ok_or_else(closed)?.send(line(&item)?).await;
            drop(counted);
            sent.map_err(|_| closed())
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        self.next().await.unwrap_or_else(|error| {
            tracing::info!(%error, "the client is gone");
            None
        })
    }

    async fn close(&mut self) -> io::Result<()> {
        self.queue = None;
        if let Some(mut writer) = self.writer.take()
            && timeout(END_PATIENCE, &mut writer).await.is_err()
        {
            writer.abort();
        }
        Ok(())
    }
}

impl Waiting {
    /// Waits until the client has read enough to be asked for more.
    async fn become_fewer(&self) {
        loop {
            let mut fewer = std::pin::pin!(self.fewer.notified());
            fewer.as_mut().enable();
            if self.count.load(Ordering::Acquire) < MAX_WAITING {
                return;
            }
            fewer.await;
        }
    }
}

impl Counted {
    fn new(waiting: &Arc<Waiting>) -> Self {
        waiting.count.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(waiting))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::AcqRel);
        self.0.fewer.notify_one();
    }
}

/// Writes lines until there are none any more, or nobody reads them.
async fn write(mut output: impl AsyncWrite + Unpin, mut lines: mpsc::Receiver<Vec<u8>>, departure: Departure) {
    while let Some(line) = lines.recv().await {
        if let Err(error) = write_line(&mut output, &line).await {
            tracing::info!(%error, "the client reads no more");
            departure.tell();
            return;
        }
    }
}

async fn write_line(output: &mut (impl AsyncWrite + Unpin), line: &[u8]) -> io::Result<()> {
    output.write_all(line).await?;
    output.flush().await
}

fn line(message: &ServerJsonRpcMessage) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

fn closed() -> io::Error {
    io::ErrorKind::NotConnected.into()
}
