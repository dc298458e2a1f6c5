//! The two directions of an attached process.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error as ClientError;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use inline_runtime::{Event, Result, Stdin};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::runtime::Handle;

use crate::endpoint::Endpoint;
use crate::error;

/// The longest that the end of input may take to go out once nobody holds it any more.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Yields what a process prints.
///
/// Nothing is read ahead of the caller but the one frame that the client puts together: an engine's frames are at most
/// 32 KiB, and only the engine writes their headers.
pub(crate) struct Output {
    frames: BoxStream<'static, Result<LogOutput, ClientError>>,
    endpoint: Endpoint,
}

impl Output {
    pub(crate) fn new(
        frames: impl Stream<Item = Result<LogOutput, ClientError>> + Send + 'static,
        endpoint: Endpoint,
    ) -> Self {
        Self {
            frames: frames.boxed(),
            endpoint,
        }
    }

    /// Waits for the next piece of output; `None` is the end of both streams. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Result<Event>> {
        loop {
            let event = match self.frames.next().await? {
                Ok(LogOutput::StdOut { message }) => Event::Stdout(message),
                Ok(LogOutput::StdErr { message }) => Event::Stderr(message),
                // Bytes without a whole frame around them: the connection broke off.
                Ok(LogOutput::StdIn { .. } | LogOutput::Console { .. }) => {
                    return Some(Err(error::lost(&self.endpoint)));
                }
                Err(failure) => return Some(Err(error::from_client(&self.endpoint, failure))),
            };
            if !matches!(&event, Event::Stdout(bytes) | Event::Stderr(bytes) if bytes.is_empty()) {
                return Some(Ok(event));
            }
        }
    }
}

/// A process's input that ends when it is shut down, and also when it is dropped.
///
/// The connection carries the output too, so letting go of one half alone would not close it.
pub(crate) struct HalfClosing(Option<Stdin>);

impl HalfClosing {
    pub(crate) fn wrap(input: Stdin) -> Stdin {
        Box::pin(Self(Some(input)))
    }

    fn input(&mut self) -> io::Result<Pin<&mut (dyn AsyncWrite + Send)>> {
        match &mut self.0 {
            Some(input) => Ok(input.as_mut()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl AsyncWrite for HalfClosing {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.input()?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.input() {
            Ok(input) => input.poll_flush(context),
            Err(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Ok(input) = self.input() else {
            return Poll::Ready(Ok(()));
        };
        let closed = input.poll_shutdown(context);
        if closed.is_ready() {
            self.0 = None;
        }
        closed
    }
}

impl Drop for HalfClosing {
    fn drop(&mut self) {
        let Some(mut input) = self.0.take() else {
            return;
        };
        // A plain socket closes at once. TLS has to say good-bye first, and that needs somebody to wait for it.
        let is_closed = input
            .as_mut()
            .poll_shutdown(&mut Context::from_waker(Waker::noop()))
            .is_ready();
        if let (false, Ok(handle)) = (is_closed, Handle::try_current()) {
            drop(handle.spawn(async move { tokio::time::timeout(CLOSE_TIMEOUT, input.shutdown()).await }));
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::stream;
    use inline_runtime::ErrorKind;
    use tokio::io::AsyncReadExt;

    use super::*;

    fn output(frames: Vec<Result<LogOutput, ClientError>>) -> Output {
        Output::new(stream::iter(frames), Endpoint::Unix("/run/docker.sock".into()))
    }

    #[tokio::test]
    async fn streams_are_kept_apart_and_empty_frames_left_out() {
        let message = |text: &'static str| Bytes::from_static(text.as_bytes());
        let mut output = output(vec![
            Ok(LogOutput::StdOut { message: message("a") }),
            Ok(LogOutput::StdOut { message: message("") }),
            Ok(LogOutput::StdErr { message: message("b") }),
        ]);
        assert_eq!(output.next().await.unwrap().unwrap(), Event::Stdout(message("a")));
        assert_eq!(output.next().await.unwrap().unwrap(), Event::Stderr(message("b")));
        assert!(output.next().await.is_none());
    }

    #[tokio::test]
    async fn half_a_frame_is_a_lost_connection() {
        let message = Bytes::from_static(b"hal");
        let mut output = output(vec![Ok(LogOutput::Console { message })]);
        let error = output.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn input_ends_on_shutdown_and_on_drop() {
        for shuts_down in [true, false] {
            let (near, mut far) = tokio::io::duplex(64);
            // As in a real connection the other half lives on.
            let (_reader, writer) = tokio::io::split(near);
            let mut input = HalfClosing::wrap(Box::pin(writer));
            input.write_all(b"hi").await.unwrap();
            if shuts_down {
                input.shutdown().await.unwrap();
                assert!(input.write_all(b"more").await.is_err());
                input.shutdown().await.unwrap();
            } else {
                drop(input);
            }
            let mut read = String::new();
            far.read_to_string(&mut read).await.unwrap();
            assert_eq!(read, "hi");
        }
    }
}
