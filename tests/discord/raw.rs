//! A client with no sense of its own: it sends what a case wants.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::server::Discord;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
const BOUNDARY: &str = "a-boundary";

/// An answer of the HTTP API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// Sends a request with the application's token.
pub(crate) async fn send(discord: &Discord, method: &str, path: &str, body: &Value) -> Result<Answer, Failed> {
    let (kind, bytes) = match body {
        Value::Null => ("", Vec::new()),
        body => ("application/json", body.to_string().into_bytes()),
    };
    let token = discord.server().settings.token.clone();
    request(discord, method, path, &token, kind, bytes).await
}

/// Sends a form with files.
pub(crate) async fn send_form(
    discord: &Discord,
    method: &str,
    path: &str,
    payload: &Value,
    files: &[(&str, &[u8])],
) -> Result<Answer, Failed> {
    let mut form = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n\
         {payload}"
    )
    .into_bytes();
    for (number, (name, bytes)) in files.iter().enumerate() {
        let head = format!("name=\"files[{number}]\"; filename=\"{name}\"\r\nContent-Type: text/plain\r\n\r\n");
        form.extend_from_slice(format!("\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; {head}").as_bytes());
        form.extend_from_slice(bytes);
    }
    form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let token = discord.server().settings.token.clone();
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    request(discord, method, path, &token, &kind, form).await
}

pub(crate) async fn request(
    discord: &Discord,
    method: &str,
    path: &str,
    token: &str,
    kind: &str,
    bytes: Vec<u8>,
) -> Result<Answer, Failed> {
    let stream = TcpStream::connect(discord.server().address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = hyper::Request::builder()
        .method(method)
        .uri(path)
        .header("Host", "discord.com")
        .header("User-Agent", "DiscordBot (https://example.org, 1)")
        .header("Authorization", format!("Bot {token}"))
        .header("Content-Type", kind)
        .body(Full::new(Bytes::from(bytes)))?;
    let answer = tokio::time::timeout(PATIENCE, sender.send_request(request)).await??;
    let (head, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

/// A connection to the gateway.
pub(crate) struct Shard {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Shard {
    /// Connects, and takes the greeting.
    pub(crate) async fn connect(discord: &Discord) -> Result<Self, Failed> {
        let url = format!("ws://{}/gateway?v=10", discord.server().address);
        let (stream, _) = tokio_tungstenite::connect_async(url).await?;
        let mut shard = Self { stream };
        let hello = shard.next().await?;
        let interval = discord.server().settings.heartbeat_interval.as_millis();
        if hello["op"] != 10 || hello["d"]["heartbeat_interval"] != json!(interval) {
            return Err(format!("the greeting is {hello}").into());
        }
        Ok(shard)
    }

    /// Connects and identifies.
    pub(crate) async fn identify(discord: &Discord, intents: u64) -> Result<(Self, Value), Failed> {
        let mut shard = Self::connect(discord).await?;
        shard.send(&identify(&discord.server().settings.token, intents)).await?;
        let ready = shard.next().await?;
        if ready["t"] != "READY" {
            return Err(format!("the answer is {ready}").into());
        }
        Ok((shard, ready["d"].clone()))
    }

    pub(crate) async fn send(&mut self, payload: &Value) -> Result<(), Failed> {
        Ok(self.stream.send(Message::Text(payload.to_string())).await?)
    }

    /// Returns the next payload; a close is `{"close": code}`, an end without one `{"close": null}`.
    pub(crate) async fn next(&mut self) -> Result<Value, Failed> {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.stream.next()).await?;
            return match frame {
                Some(Ok(Message::Text(text))) => Ok(serde_json::from_str(&text)?),
                Some(Ok(Message::Close(frame))) => Ok(json!({"close": frame.map(|frame| u16::from(frame.code))})),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Ok(json!({"close": null})),
            };
        }
    }

    /// Returns the next event with a name.
    pub(crate) async fn event(&mut self, name: &str) -> Result<Value, Failed> {
        let mut payload = self.next().await?;
        while payload["t"] != name {
            if payload.get("close").is_some() {
                return Err(format!("the connection ended before `{name}`: {payload}").into());
            }
            payload = self.next().await?;
        }
        Ok(payload)
    }
}

pub(crate) fn identify(token: &str, intents: u64) -> Value {
    let properties = json!({"os": "linux", "browser": "raw", "device": "raw"});
    json!({"op": 2, "d": {"token": token, "intents": intents, "properties": properties, "shard": [0, 1]}})
}
