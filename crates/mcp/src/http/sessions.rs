//! The sessions of one client, of which there are only so many.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::Stream;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::WorkerTransport;
use rmcp::transport::common::server_side_http::{ServerSseMessage, SessionId};
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::{
    self, LocalSessionManager, LocalSessionManagerError, LocalSessionWorker, SessionConfig,
};
use tokio::time::Instant;

use super::resumable::{Answering, Resumable};
use crate::McpConfig;

/// Holds the sessions of one client.
#[derive(Debug)]
pub(super) struct Sessions {
    local: Arc<LocalSessionManager>,
    resumable: Arc<Resumable>,
    seen: Mutex<HashMap<SessionId, Seen>>,
    /// Held while one is opened, so that two that come at once do not take the same place.
    opening: tokio::sync::Mutex<()>,
    max: usize,
}

/// What is known of the use of a session.
#[derive(Debug)]
struct Seen {
    last: Instant,
    /// Held by each stream that the client reads.
    streams: Arc<()>,
}

/// A stream that keeps its session in use.
pub(super) struct InUse<S> {
    stream: Pin<Box<S>>,
    _use: Option<Arc<()>>,
}

/// Says why there is no session.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error("too many sessions")]
    TooMany,
    #[error(transparent)]
    Local(#[from] LocalSessionManagerError),
}

impl From<local::SessionError> for SessionError {
    fn from(error: local::SessionError) -> Self {
        Self::Local(error.into())
    }
}

impl Sessions {
    pub(super) fn new(config: &McpConfig) -> Self {
        let mut session_config = SessionConfig::default();
        session_config.keep_alive = Some(config.session_timeout);
        let mut local = LocalSessionManager::default();
        local.session_config = session_config;
        let local = Arc::new(local);
        Self {
            resumable: Arc::new(Resumable::new(Arc::clone(&local))),
            local,
            seen: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            max: config.max_sessions.get(),
        }
    }

    /// Returns whether there is no room, and none that could be made.
    pub(super) fn is_full(&self) -> bool {
        let seen = self.seen();
        seen.len() >= self.max && seen.values().all(Seen::is_used)
    }

    /// Makes room for one more; returns the session that has to go, if one has to.
    fn make_room(&self) -> Result<Option<SessionId>, SessionError> {
        let mut seen = self.seen();
        if seen.len() < self.max {
            return Ok(None);
        }
        let idle = seen.iter().filter(|(_, seen)| !seen.is_used());
        let oldest = idle.min_by_key(|(_, seen)| seen.last).map(|(id, _)| Arc::clone(id));
        let oldest = oldest.ok_or(SessionError::TooMany)?;
        seen.remove(&oldest);
        Ok(Some(oldest))
    }

    /// Notes that a session is used; what is returned keeps it in use.
    fn touch(&self, id: &SessionId) -> Option<Arc<()>> {
        let mut seen = self.seen();
        let seen = seen.get_mut(id)?;
        seen.last = Instant::now();
        Some(Arc::clone(&seen.streams))
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<SessionId, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn is_used(&self) -> bool {
        Arc::strong_count(&self.streams) > 1
    }
}

impl SessionManager for Sessions {
    type Error = SessionError;
    type Transport = WorkerTransport<LocalSessionWorker>;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), SessionError> {
        let _opening = self.opening.lock().await;
        if let Some(oldest) = self.make_room()? {
            self.local.close_session(&oldest).await?;
        }
        let (id, transport) = self.local.create_session().await?;
        let seen = Seen {
            last: Instant::now(),
            streams: Arc::default(),
        };
        self.seen().insert(Arc::clone(&id), seen);
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, SessionError> {
        Ok(self.local.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, SessionError> {
        self.touch(id);
        Ok(self.local.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), SessionError> {
        self.seen().remove(id);
        Ok(self.local.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        let session = self.local.sessions.read().await.get(id).cloned();
        let session = session.ok_or_else(|| LocalSessionManagerError::SessionNotFound(Arc::clone(id)))?;
        let receiver = session.establish_request_wise_channel().await?;
        let request = receiver.http_request_id;
        // From here on it is kept track of.
        let stream = Answering::new(&self.resumable, id, request, receiver.inner);
        session.push_message(message, request).await?;
        Ok(InUse::new(stream, self.touch(id)))
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), SessionError> {
        Ok(self.local.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        let stream = self.local.create_standalone_stream(id).await?;
        Ok(InUse::new(stream, self.touch(id)))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        let stream = self.local.resume(id, last_event_id).await?;
        Ok(InUse::new(stream, self.touch(id)))
    }
}

impl<S> InUse<S> {
    fn new(stream: S, used: Option<Arc<()>>) -> Self {
        Self {
            stream: Box::pin(stream),
            _use: used,
        }
    }
}

impl<S: Stream> Stream for InUse<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.stream.as_mut().poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(max: usize) -> Sessions {
        Sessions::new(&McpConfig {
            max_sessions: max.try_into().unwrap(),
            ..McpConfig::default()
        })
    }

    #[tokio::test]
    async fn the_one_that_was_used_longest_ago_makes_room() {
        let sessions = sessions(2);
        let (first, _first) = sessions.create_session().await.unwrap();
        let (second, _second) = sessions.create_session().await.unwrap();
        assert!(sessions.has_session(&first).await.unwrap());
        let (third, _third) = sessions.create_session().await.unwrap();
        assert!(sessions.has_session(&first).await.unwrap());
        assert!(!sessions.has_session(&second).await.unwrap());
        assert!(sessions.has_session(&third).await.unwrap());
    }

    #[tokio::test]
    async fn one_in_use_stays() {
        let sessions = sessions(1);
        let (first, _first) = sessions.create_session().await.unwrap();
        let used = sessions.touch(&first);
        assert!(sessions.is_full());
        assert!(matches!(sessions.create_session().await, Err(SessionError::TooMany)));
        drop(used);
        assert!(!sessions.is_full());
        let (_, _second) = sessions.create_session().await.unwrap();
        assert!(!sessions.has_session(&first).await.unwrap());
        sessions.close_session(&first).await.unwrap();
    }
}
