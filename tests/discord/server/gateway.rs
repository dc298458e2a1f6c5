//! The gateway: one connection of a shard.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{SinkExt, StreamExt};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::event::Fault;
use super::session::{Down, Intents, Session};
use super::{Server, people};

/// How many may identify in one time, and how long that is.
const IDENTIFY_EVERY: Duration = Duration::from_millis(4500);
/// How much a heartbeat may come after its time before the gateway takes the connection for dead.
const LATE: Duration = Duration::from_secs(1);
/// How many payloads a connection may send in a minute.
const MAX_PAYLOADS: usize = 120;

/// Returns where the gateway is, and for a bot how to come to it.
pub(super) fn address(server: &Server, is_bot: bool) -> Value {
    let url = format!("ws://{}/gateway", server.address);
    if !is_bot {
        return json!({"url": url});
    }
    let used = server.state().gateway.identified.len();
    json!({
        "url": url, "shards": server.settings.shards,
        "session_start_limit": {
            "total": 1000, "remaining": 1000usize.saturating_sub(used), "reset_after": 14_400_000, "max_concurrency": 1,
        },
    })
}

/// Makes a connection of a request.
pub(super) fn upgrade(server: Arc<Server>, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
    let query = request.uri().query().unwrap_or_default();
    if !query.split('&').any(|pair| pair == "v=10") {
        server.complain(format!("the gateway's version is not in `{query}`"));
    }
    let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY).cloned() else {
        return Response::builder()
            .status(400)
            .body(Full::default())
            .unwrap_or_default();
    };
    tokio::spawn(async move {
        if let Ok(upgraded) = hyper::upgrade::on(&mut request).await {
            let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
            Connection::new(stream, server).run().await;
        }
    });
    Response::builder()
        .status(101)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_ACCEPT, derive_accept_key(key.as_bytes()))
        .body(Full::default())
        .unwrap_or_default()
}

struct Connection {
    stream: WebSocketStream<TokioIo<Upgraded>>,
    server: Arc<Server>,
    sender: UnboundedSender<Down>,
    receiver: UnboundedReceiver<Down>,
    session: Option<String>,
    last_beat: Instant,
    payloads: Vec<Instant>,
    is_silent: bool,
}

/// The connection ends.
struct End;

impl Connection {
    fn new(stream: WebSocketStream<TokioIo<Upgraded>>, server: Arc<Server>) -> Self {
        let (sender, receiver) = unbounded_channel();
        Self {
            stream,
            server,
            sender,
            receiver,
            session: None,
            last_beat: Instant::now(),
            payloads: Vec::new(),
            is_silent: false,
        }
    }

    async fn run(mut self) {
        let interval = self.server.settings.heartbeat_interval;
        let hello = json!({"op": 10, "s": null, "t": null, "d": {"heartbeat_interval": interval.as_millis()}});
        let mut outcome = self.send(&hello).await;
        while outcome.is_ok() {
            let deadline = self.last_beat + interval + LATE;
            outcome = tokio::select! {
                frame = self.stream.next() => match frame {
                    Some(Ok(Message::Text(text))) => self.take(&text).await,
                    Some(Ok(Message::Binary(_))) => self.close(4002).await,
                    Some(Ok(Message::Close(_))) => {
                        // The answer to it; whoever is at the other end may have gone.
                        let _ = self.stream.close(None).await;
                        Err(End)
                    }
                    Some(Err(_)) | None => Err(End),
                    Some(Ok(_)) => Ok(()),
                },
                Some(down) = self.receiver.recv() => self.pass(down).await,
                () = tokio::time::sleep_until(deadline.into()), if !self.is_silent => {
                    self.server.complain(format!("a heartbeat is more than {LATE:?} late"));
                    self.close(4009).await
                }
            };
        }
        self.note_beat(Instant::now());
    }

    /// Takes what the application sends.
    async fn take(&mut self, text: &str) -> Result<(), End> {
        let now = Instant::now();
        self.payloads
            .retain(|at| now.duration_since(*at) < Duration::from_mins(1));
        self.payloads.push(now);
        if self.payloads.len() > MAX_PAYLOADS {
            self.server
                .complain("the gateway was sent more than 120 payloads in a minute".to_owned());
            return self.close(4008).await;
        }
        let Ok(payload) = serde_json::from_str::<Value>(text) else {
            return self.close(4002).await;
        };
        let data = &payload["d"];
        match payload["op"].as_u64() {
            Some(1) => {
                self.note_beat(now);
                self.last_beat = now;
                self.server.change(|state| state.gateway.beats += 1);
                if self.is_silent {
                    return Ok(());
                }
                self.send(&json!({"op": 11, "s": null, "t": null, "d": null})).await
            }
            Some(2) if self.session.is_none() => self.identify(data).await,
            Some(2) => self.close(4005).await,
            Some(6) => self.resume(data).await,
            Some(3 | 4 | 8) if self.session.is_some() => Ok(()),
            Some(3 | 4 | 8) => self.close(4003).await,
            _ => self.close(4001).await,
        }
    }

    /// Notes how late a heartbeat comes, or would if it came now.
    fn note_beat(&self, now: Instant) {
        let late = now
            .duration_since(self.last_beat)
            .saturating_sub(self.server.settings.heartbeat_interval);
        self.server
            .change(|state| state.gateway.latest = state.gateway.latest.max(late));
    }

    fn knows(&self, token: &Value) -> bool {
        token.as_str().map(|token| token.trim_start_matches("Bot ")) == Some(&self.server.settings.token)
    }

    async fn identify(&mut self, data: &Value) -> Result<(), End> {
        if !self.knows(&data["token"]) {
            return self.close(4004).await;
        }
        let intents = data["intents"].as_u64().unwrap_or(0);
        let privileged = Intents::GUILD_MEMBERS | Intents::GUILD_PRESENCES;
        let may_read = self.server.settings.message_content;
        if intents & privileged != 0 || (intents & Intents::MESSAGE_CONTENT != 0 && !may_read) {
            return self.close(4014).await;
        }
        let shard = (
            data["shard"][0].as_u64().unwrap_or(0),
            data["shard"][1].as_u64().unwrap_or(1),
        );
        if shard.0 >= shard.1 {
            return self.close(4010).await;
        }
        let now = Instant::now();
        let is_early = self.server.change(|state| {
            let last = state.gateway.identified.last().copied();
            let is_early = last.is_some_and(|last| now.duration_since(last) < IDENTIFY_EVERY);
            if !is_early {
                state.gateway.identified.push(now);
            }
            is_early
        });
        if is_early {
            return self.send(&invalid(false)).await;
        }
        let sender = self.sender.clone();
        let id = self.server.change(|state| {
            let id = format!("{:032x}", state.snowflake());
            state.gateway.sessions.retain(|_, session| session.shard != shard);
            let mut session = Session::new(shard, intents, sender);
            let own = [people::GUILD, people::OTHER_GUILD]
                .into_iter()
                .filter(|guild| (guild >> 22) % shard.1 == shard.0);
            let guilds: Vec<u64> = own.collect();
            let unavailable: Vec<Value> = guilds
                .iter()
                .map(|guild| json!({"id": guild.to_string(), "unavailable": true}))
                .collect();
            let application = people::application(may_read);
            session.dispatch(
                "READY",
                &json!({
                    "v": 10, "user": people::bot(), "guilds": unavailable, "session_id": id,
                    "resume_gateway_url": format!("ws://{}/gateway", self.server.address), "shard": [shard.0, shard.1],
                    "application": {"id": application["id"], "flags": application["flags"]},
                    "private_channels": [], "presences": [], "relationships": [], "user_settings": {}, "_trace": [],
                }),
            );
            for guild in guilds.into_iter().filter(|_| intents & Intents::GUILDS != 0) {
                session.dispatch("GUILD_CREATE", &people::guild_create(guild).unwrap_or_default());
            }
            state.gateway.sessions.insert(id.clone(), session);
            id
        });
        self.session = Some(id);
        Ok(())
    }

    async fn resume(&mut self, data: &Value) -> Result<(), End> {
        if !self.knows(&data["token"]) {
            return self.close(4004).await;
        }
        let (id, seen) = (data["session_id"].as_str().unwrap_or_default(), data["seq"].as_u64());
        let sender = self.sender.clone();
        let is_known = self.server.change(|state| {
            let session = state.gateway.sessions.get_mut(id)?;
            let seen = seen.filter(|seen| *seen <= session.sequence())?;
            session.resume(seen, sender);
            state.gateway.resumed.push(Instant::now());
            Some(())
        });
        if is_known.is_none() {
            return self.send(&invalid(false)).await;
        }
        self.session = Some(id.to_owned());
        Ok(())
    }

    /// Sends what goes down, or does what a case wants.
    async fn pass(&mut self, down: Down) -> Result<(), End> {
        match down {
            Down::Payload(_) if self.is_silent => Ok(()),
            Down::Payload(payload) => self.send(&payload).await,
            Down::Fault(Fault::Drop) => Err(End),
            Down::Fault(Fault::Close(code)) => self.close(code).await,
            Down::Fault(Fault::Reconnect) => self.send(&json!({"op": 7, "s": null, "t": null, "d": null})).await,
            Down::Fault(Fault::InvalidSession(resumable)) => {
                if let (false, Some(id)) = (resumable, self.session.take()) {
                    self.server.change(|state| state.gateway.sessions.remove(&id));
                }
                self.send(&invalid(resumable)).await
            }
            Down::Fault(Fault::Silence) => {
                self.is_silent = true;
                Ok(())
            }
        }
    }

    async fn send(&mut self, payload: &Value) -> Result<(), End> {
        self.stream
            .send(Message::Text(payload.to_string()))
            .await
            .map_err(|_| End)
    }

    async fn close(&mut self, code: u16) -> Result<(), End> {
        let frame = CloseFrame {
            code: code.into(),
            reason: "".into(),
        };
        // Whoever is at the other end may have gone.
        drop(self.stream.close(Some(frame)).await);
        Err(End)
    }
}

fn invalid(resumable: bool) -> Value {
    json!({"op": 9, "s": null, "t": null, "d": resumable})
}
