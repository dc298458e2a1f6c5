//! One connection.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use inline_sandbox::CancellationToken;
use tokio::net::TcpStream;

use super::gate::Gate;

/// How long a client may take to send the head of a request, the time between two included.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);
const MAX_HEADERS: usize = 64;
/// What is held of a connection at a time, its head included.
const MAX_BUFFER: usize = 64 << 10;

/// Serves a connection until it ends, or `closing` is cancelled and the answers are sent.
pub(super) async fn serve(stream: TcpStream, gate: Arc<Gate>, closing: CancellationToken) {
    // Messages are small, and somebody waits for each.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request| {
        let gate = Arc::clone(&gate);
        async move { Ok::<_, Infallible>(gate.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
