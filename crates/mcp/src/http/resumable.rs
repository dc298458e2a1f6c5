//! Streams that have ended and can be resumed, of which only so many are kept.
//!
//! The library keeps what was sent on a stream for a while, and longer where a session is idle; a client that has many
//! streams with large results would fill the memory.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use rmcp::transport::common::server_side_http::{ServerSseMessage, SessionId};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How many streams of one client are kept.
const MAX_ENDED: usize = 16;
/// How long a session may take to forget one.
const PATIENCE: Duration = Duration::from_secs(5);

/// The streams of one client that have ended.
#[derive(Debug)]
pub(super) struct Resumable {
    local: Arc<LocalSessionManager>,
    ended: Mutex<VecDeque<Ended>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Ended {
    session: SessionId,
    request: u64,
    /// Whether it came to its own end, rather than that the client has gone.
    is_whole: bool,
}

/// The answer to one request, which is kept for a while when it has ended.
pub(super) struct Answering {
    receiver: mpsc::Receiver<ServerSseMessage>,
    resumable: Arc<Resumable>,
    /// What becomes of it; `None` once that is settled.
    end: Option<Ended>,
}

impl Resumable {
    pub(super) fn new(local: Arc<LocalSessionManager>) -> Self {
        Self {
            local,
            ended: Mutex::default(),
        }
    }

    /// Keeps a stream; returns one that has to be forgotten.
    fn keep(&self, one: Ended) -> Option<Ended> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.push_back(one);
        if ended.len() <= MAX_ENDED {
            return None;
        }
        // What the client has read to its end it will hardly ask for again.
        let oldest = ended.iter().position(|one| one.is_whole).unwrap_or(0);
        ended.remove(oldest)
    }

    async fn forget(&self, one: Ended) {
        let session = self.local.sessions.read().await.get(&one.session).cloned();
        if let Some(session) = session {
            // A session that is ending forgets it by itself.
            drop(timeout(PATIENCE, session.close_request_wise_channel(one.request)).await);
        }
    }
}

impl Answering {
    /// Answers the `request` of a session by what `receiver` gives.
    pub(super) fn new(
        resumable: &Arc<Resumable>,
        session: &SessionId,
        request: Option<u64>,
        receiver: mpsc::Receiver<ServerSseMessage>,
    ) -> Self {
        Self {
            receiver,
            resumable: Arc::clone(resumable),
            end: request.map(|request| Ended {
                session: Arc::clone(session),
                request,
                is_whole: false,
            }),
        }
    }
}

impl Stream for Answering {
    type Item = ServerSseMessage;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<ServerSseMessage>> {
        let next = self.receiver.poll_recv(context);
        if let (Poll::Ready(None), Some(end)) = (&next, &mut self.end) {
            end.is_whole = true;
        }
        next
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let forgotten = self.end.take().and_then(|end| self.resumable.keep(end));
        // Without a runtime there are no sessions any more.
        if let (Some(one), Ok(runtime)) = (forgotten, Handle::try_current()) {
            let resumable = Arc::clone(&self.resumable);
            drop(runtime.spawn(async move { resumable.forget(one).await }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_to_its_end_goes_first() {
        let resumable = Resumable::new(Arc::default());
        let end = |request, is_whole| Ended {
            session: "a".into(),
            request,
            is_whole,
        };
        for request in 0..MAX_ENDED as u64 {
            assert_eq!(resumable.keep(end(request, request == 3)), None);
        }
        assert_eq!(resumable.keep(end(100, false)), Some(end(3, true)));
        assert_eq!(resumable.keep(end(101, false)), Some(end(0, false)));
        assert_eq!(resumable.keep(end(102, true)), Some(end(102, true)));
    }
}
