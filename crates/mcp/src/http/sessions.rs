//! The sessions of one client, of which there are only so many.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::WorkerTransport;
use rmcp::transport::common::server_side_http::{ServerSseMessage, SessionId};
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::{
    self, LocalSessionManager, LocalSessionManagerError, LocalSessionWorker, SessionConfig,
};
use tokio::time::{Instant, sleep_until};

use super::resumable::{Answering, Resumable};
use super::usage::{Reading, Usage};
use crate::McpConfig;
use crate::departure::{Departure, Watched};

/// Holds the sessions of one client.
#[derive(Debug)]
pub(super) struct Sessions {
    local: Arc<LocalSessionManager>,
    resumable: Arc<Resumable>,
    seen: Mutex<HashMap<SessionId, Arc<Usage>>>,
    /// Held while one is opened, so that two that come at once do not take the same place.
    opening: tokio::sync::Mutex<()>,
    max: usize,
    /// How long one is kept that is not used.
    patience: Duration,
}

/// A stream that keeps its session in use.
pub(super) struct InUse<S> {
    stream: Pin<Box<S>>,
    _reading: Option<Reading>,
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
        // The library would end a session in the middle of a call that is silent for so long.
        session_config.keep_alive = None;
        let mut local = LocalSessionManager::default();
        local.session_config = session_config;
        let local = Arc::new(local);
        Self {
            resumable: Arc::new(Resumable::new(Arc::clone(&local))),
            local,
            seen: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            max: config.max_sessions.get(),
            patience: config.session_timeout,
        }
    }

    /// Returns whether there is no room, and none that could be made.
    pub(super) fn is_full(&self) -> bool {
        let seen = self.seen();
        seen.len() >= self.max && seen.values().all(|usage| usage.is_read())
    }

    /// Makes room for one more; returns the session that has to go, if one has to.
    fn make_room(&self) -> Result<Option<SessionId>, SessionError> {
        let mut seen = self.seen();
        if seen.len() < self.max {
            return Ok(None);
        }
        let idle = seen.iter().filter(|(_, usage)| !usage.is_read());
        let oldest = idle.min_by_key(|(_, usage)| usage.last()).map(|(id, _)| Arc::clone(id));
        let oldest = oldest.ok_or(SessionError::TooMany)?;
        seen.remove(&oldest);
        Ok(Some(oldest))
    }

    /// Ends sessions that are not used for as long as one is kept, until it is dropped.
    pub(super) async fn expire(&self) {
        loop {
            let next = {
                let seen = self.seen();
                let ends = seen.values().map(|usage| usage.expires(self.patience));
                ends.min().unwrap_or_else(|| Instant::now() + self.patience)
            };
            sleep_until(next).await;
            for id in self.expired() {
                if let Err(error) = self.close_session(&id).await {
                    tracing::debug!(%error, "a session had ended before");
                }
            }
        }
    }

    fn expired(&self) -> Vec<SessionId> {
        let (seen, now) = (self.seen(), Instant::now());
        let expired = seen.iter().filter(|(_, usage)| usage.expires(self.patience) <= now);
        expired.map(|(id, _)| Arc::clone(id)).collect()
    }

    /// Notes that the client reads a stream of a session, as long as what is returned is there.
    fn read(&self, id: &SessionId) -> Option<Reading> {
        Some(Arc::clone(self.seen().get(id)?).read())
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<Usage>>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionManager for Sessions {
    type Error = SessionError;
    type Transport = Watched<WorkerTransport<LocalSessionWorker>>;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), SessionError> {
        let _opening = self.opening.lock().await;
        if let Some(oldest) = self.make_room()? {
            self.local.close_session(&oldest).await?;
        }
        let (id, transport) = self.local.create_session().await?;
        self.seen().insert(Arc::clone(&id), Arc::new(Usage::new()));
        Ok((id, Watched::new(transport, Departure::default())))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, SessionError> {
        Ok(self.local.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, SessionError> {
        if let Some(usage) = self.seen().get(id) {
            usage.touch();
        }
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
        Ok(InUse::new(stream, self.read(id)))
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), SessionError> {
        Ok(self.local.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        let stream = self.local.create_standalone_stream(id).await?;
        Ok(InUse::new(stream, self.read(id)))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        let stream = self.local.resume(id, last_event_id).await?;
        Ok(InUse::new(stream, self.read(id)))
    }
}

impl<S> InUse<S> {
    fn new(stream: S, reading: Option<Reading>) -> Self {
        Self {
            stream: Box::pin(stream),
            _reading: reading,
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
        let reading = sessions.read(&first);
        assert!(sessions.is_full());
        assert!(matches!(sessions.create_session().await, Err(SessionError::TooMany)));
        drop(reading);
        assert!(!sessions.is_full());
        let (_, _second) = sessions.create_session().await.unwrap();
        assert!(!sessions.has_session(&first).await.unwrap());
        sessions.close_session(&first).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_left_alone_ends_and_one_in_use_does_not() {
        let sessions = sessions(2);
        let (used, _used) = sessions.create_session().await.unwrap();
        let reading = sessions.read(&used);
        let (idle, _idle) = sessions.create_session().await.unwrap();
        let hour = Duration::from_hours(1);
        assert!(tokio::time::timeout(hour, sessions.expire()).await.is_err());
        assert!(!sessions.has_session(&idle).await.unwrap());
        assert!(sessions.has_session(&used).await.unwrap());
        drop(reading);
        assert!(tokio::time::timeout(hour, sessions.expire()).await.is_err());
        assert!(!sessions.has_session(&used).await.unwrap());
    }
}
