//! The gateway: one connection, whose heart beats as slowly as with Discord.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::super::Result;
use super::discord::{Seen, ready};

/// In milliseconds.
const HEARTBEAT_INTERVAL: u64 = 41_250;
const HEARTBEAT: u64 = 1;
const IDENTIFY: u64 = 2;

/// Serves one connection after another.
pub(super) async fn serve(
    listener: TcpListener,
    seen: UnboundedSender<Seen>,
    mut dispatched: UnboundedReceiver<Value>,
) -> Result<()> {
    let url = format!("ws://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        // Whoever is at the other end may go at any time.
        drop(converse(stream, &url, &seen, &mut dispatched).await);
    }
}

async fn converse(
    stream: TcpStream,
    url: &str,
    seen: &UnboundedSender<Seen>,
    dispatched: &mut UnboundedReceiver<Value>,
) -> Result<()> {
    let mut socket = accept_async(stream).await?;
    send(
        &mut socket,
        &json!({"op": 10, "d": {"heartbeat_interval": HEARTBEAT_INTERVAL}}),
    )
    .await?;
    let mut sequence = 0;
    let mut dispatch = |mut payload: Value| {
        sequence += 1;
        (payload["op"], payload["s"]) = (json!(0), json!(sequence));
        payload
    };
    loop {
        tokio::select! {
            frame = socket.next() => match frame.ok_or("the bot is gone")?? {
                Message::Text(text) => match serde_json::from_str::<Value>(&text)?["op"].as_u64() {
                    Some(HEARTBEAT) => send(&mut socket, &json!({"op": 11})).await?,
                    Some(IDENTIFY) => {
                        send(&mut socket, &dispatch(json!({"t": "READY", "d": ready(url)}))).await?;
                        seen.send(Seen::Connected)?;
                    }
                    _ => {}
                },
                Message::Close(_) => return Ok(socket.close(None).await?),
                _ => {}
            },
            Some(payload) = dispatched.recv() => send(&mut socket, &dispatch(payload)).await?,
        }
    }
}

async fn send(socket: &mut WebSocketStream<TcpStream>, payload: &Value) -> Result<()> {
    Ok(socket.send(Message::Text(payload.to_string())).await?)
}
