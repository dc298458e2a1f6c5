//! Knowing when a client has left, so that nothing goes on for nobody.
//!
//! At the end of a connection the library gives the calls that go on some seconds, for which a program nobody waits for
//! would run on.

use std::time::Duration;

use inline_sandbox::CancellationToken;
use rmcp::model::{ClientJsonRpcMessage, Extensions, GetExtensions, ServerJsonRpcMessage};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::Transport;
use tokio::time::timeout;
use tokio_util::sync::DropGuard;

/// Comes with each message of a connection, and is told the end of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Departure(CancellationToken);

/// A connection that tells of its end.
#[derive(Debug)]
pub(crate) struct Watched<T> {
    transport: T,
    departure: Departure,
    _guard: DropGuard,
}

impl Departure {
    /// Returns the one that came with a message; one that never comes where a connection is a single request, whose own
    /// cancellation tells as much.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Says that the client has left.
    pub(crate) fn tell(&self) {
        self.0.cancel();
    }

    /// Waits until the client has left.
    pub(crate) async fn told(&self) {
        self.0.cancelled().await;
    }
}

/// Waits until nobody waits for the answer to a request any more: it was cancelled, or its client has left.
pub(crate) async fn given_up(context: &RequestContext<RoleServer>) {
    let departure = Departure::of(&context.extensions);
    tokio::select! {
        () = context.ct.cancelled() => {}
        () = departure.told() => {}
    }
}

/// Waits for `telling`, for no longer than `patience` and only as long as somebody waits for the answer to the request;
/// `None` if that came to nothing.
pub(crate) async fn tell<T>(
    context: &RequestContext<RoleServer>,
    patience: Duration,
    telling: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        () = given_up(context) => None,
        told = timeout(patience, telling) => told.ok(),
    }
}

impl<T> Watched<T> {
    /// Watches `transport`, which may tell of its end by itself.
    pub(crate) fn new(transport: T, departure: Departure) -> Self {
        Self {
            transport,
            _guard: departure.0.clone().drop_guard(),
            departure,
        }
    }
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Watched<T> {
    type Error = T::Error;

    fn send(&mut self, item: ServerJsonRpcMessage) -> impl Future<Output = Result<(), T::Error>> + Send + 'static {
        self.transport.send(item)
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        let message = tokio::select! {
            biased;
            () = self.departure.told() => None,
            message = self.transport.receive() => message,
        };
        let Some(mut message) = message else {
            self.departure.tell();
            return None;
        };
        let extensions = match &mut message {
            ClientJsonRpcMessage::Request(request) => Some(request.request.extensions_mut()),
            ClientJsonRpcMessage::Notification(notification) => Some(notification.notification.extensions_mut()),
            _ => None,
        };
        if let Some(extensions) = extensions {
            extensions.insert(self.departure.clone());
        }
        Some(message)
    }

    async fn close(&mut self) -> Result<(), T::Error> {
        self.departure.tell();
        self.transport.close().await
    }
}
