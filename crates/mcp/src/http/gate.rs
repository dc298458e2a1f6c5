//! Who may come in, and with what: everything that is settled before the protocol begins.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use inline_sandbox::Owner;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest};
use rmcp::transport::StreamableHttpService;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::PATH;
use super::answers::{self, Answer};
use super::origins::{self, Origins};
use super::sessions::Sessions;
use crate::handler::Handler;
use crate::{McpConfig, Tokens, message};

/// How long a client may take to send a message.
const BODY_PATIENCE: Duration = Duration::from_secs(30);
/// How many messages of one client are read at once: all its connections together would fill the memory.
const MAX_BODIES: usize = 8;
const SCHEME: &str = "bearer";

/// What serves one client.
pub(super) struct Known {
    pub(super) http: StreamableHttpService<Handler, Sessions>,
    pub(super) sessions: Arc<Sessions>,
    /// Bounds the messages that are read at once.
    bodies: Semaphore,
}

impl Known {
    pub(super) fn new(http: StreamableHttpService<Handler, Sessions>, sessions: Arc<Sessions>) -> Self {
        Self {
            http,
            sessions,
            bodies: Semaphore::new(MAX_BODIES),
        }
    }
}

/// Lets clients in.
pub(super) struct Gate {
    clients: Clients,
    origins: Origins,
    max_message: usize,
}

enum Clients {
    /// Whoever comes is the same.
    Open(Box<Known>),
    Guarded(Tokens, HashMap<Owner, Known>),
}

impl Gate {
    pub(super) fn open(known: Known, config: &McpConfig) -> Self {
        Self {
            clients: Clients::Open(Box::new(known)),
            origins: Origins::new(config),
            max_message: config.max_message(),
        }
    }

    pub(super) fn guarded(tokens: Tokens, clients: HashMap<Owner, Known>, config: &McpConfig) -> Self {
        Self {
            clients: Clients::Guarded(tokens, clients),
            origins: Origins::new(config),
            max_message: config.max_message(),
        }
    }

    /// Returns the sessions of every client.
    pub(super) fn sessions(&self) -> Vec<Arc<Sessions>> {
        let sessions = |known: &Known| Arc::clone(&known.sessions);
        match &self.clients {
            Clients::Open(known) => vec![sessions(known)],
            Clients::Guarded(_, clients) => clients.values().map(sessions).collect(),
        }
    }

    pub(super) async fn answer(&self, request: Request<Incoming>) -> Answer {
        let origin = self.origins.of(request.headers());
        let mut answer = if origin.is_some() && origins::is_preflight(request.method(), request.headers()) {
            origins::preflight()
        } else {
            self.pass(request).await.unwrap_or_else(|refused| refused)
        };
        if let Some(origin) = origin {
            origins::open_to(origin, &mut answer);
        }
        answer
    }

    async fn pass(&self, request: Request<Incoming>) -> Result<Answer, Answer> {
        if request.uri().path() != PATH {
            return Err(answers::plain(
                StatusCode::NOT_FOUND,
                "there is nothing here; the server is at `/mcp`",
            ));
        }
        let known = self.client(request.headers()).ok_or_else(answers::unauthorized)?;
        let is_post = request.method() == Method::POST;
        let (head, body) = request.into_parts();
        let body = self.read(known, body).await?;
        if is_post {
            let message = message::parse(&body).map_err(|answer| answers::message(StatusCode::BAD_REQUEST, &answer))?;
            if opens_session(&message) && known.sessions.is_full() {
                return Err(answers::too_many_sessions());
            }
        }
        let is_delete = head.method == Method::DELETE;
        let request: Request<Full<Bytes>> = Request::from_parts(head, Full::new(body));
        let mut answer = known.http.handle(request).await;
        // Clients take what is accepted for what is not done yet.
        if is_delete && answer.status() == StatusCode::ACCEPTED {
            *answer.status_mut() = StatusCode::NO_CONTENT;
        }
        Ok(answer)
    }

    /// Reads the message of a request.
    async fn read(&self, known: &Known, body: Incoming) -> Result<Bytes, Answer> {
        let too_long = || {
            let answer = message::too_long(self.max_message);
            answers::message(StatusCode::PAYLOAD_TOO_LARGE, &answer)
        };
        // Nobody waits for what is known to be refused.
        if body.size_hint().lower() > self.max_message as u64 {
            return Err(too_long());
        }
        let whole = async {
            let _turn = known.bodies.acquire().await;
            Limited::new(body, self.max_message).collect().await
        };
        match timeout(BODY_PATIENCE, whole).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
            Ok(Err(_)) => Err(answers::plain(
                StatusCode::BAD_REQUEST,
                "the message did not come whole",
            )),
            Err(_) => Err(answers::plain(StatusCode::REQUEST_TIMEOUT, "the message took too long")),
        }
    }

    /// Returns what serves the client that shows this token.
    fn client(&self, headers: &HeaderMap) -> Option<&Known> {
        let (tokens, clients) = match &self.clients {
            Clients::Open(known) => return Some(known),
            Clients::Guarded(tokens, clients) => (tokens, clients),
        };
        let mut shown = headers.get_all(AUTHORIZATION).into_iter();
        let (Some(credentials), None) = (shown.next(), shown.next()) else {
            return None;
        };
        let (scheme, token) = credentials.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return None;
        }
        clients.get(tokens.identify(token.trim().as_bytes())?)
    }
}

fn opens_session(message: &ClientJsonRpcMessage) -> bool {
    matches!(
        message,
        ClientJsonRpcMessage::Request(request) if matches!(request.request, ClientRequest::InitializeRequest(_))
    )
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clients = match &self.clients {
            Clients::Open(_) => 1,
            Clients::Guarded(_, clients) => clients.len(),
        };
        f.debug_struct("Gate")
            .field("clients", &clients)
            .finish_non_exhaustive()
    }
}
