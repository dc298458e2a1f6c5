//! The HTTP API: one request for each connection.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;

use super::super::Result;
use super::discord::{Seen, application, message};

/// The longest body of a request, in bytes.
const MAX_BODY: usize = 1 << 20;

pub(super) async fn serve(listener: TcpListener, gateway: String, seen: UnboundedSender<Seen>) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let (gateway, seen) = (gateway.clone(), seen.clone());
        drop(tokio::spawn(async move {
            // Whoever asked may have gone.
            drop(answer(stream, &gateway, &seen).await);
        }));
    }
}

async fn answer(stream: TcpStream, gateway: &str, seen: &UnboundedSender<Seen>) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line).await?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    while !line.trim().is_empty() {
        line.clear();
        stream.read_line(&mut line).await?;
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    if length > MAX_BODY {
        return Err("a request is too long".into());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let answer = match method.as_str() {
        "GET" if path.contains("/gateway") => json!({
            "url": gateway, "shards": 1,
            "session_start_limit": {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1},
        }),
        "GET" => application(),
        "PUT" => registered(serde_json::from_slice(&body)?),
        _ => {
            seen.send(Seen::Message(String::from_utf8_lossy(&body).into_owned()))?;
            message()
        }
    }
    .to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    );
    stream.write_all((head + &answer).as_bytes()).await?;
    Ok(stream.flush().await?)
}

/// Returns commands as Discord tells them back.
fn registered(mut commands: Value) -> Value {
    for (number, command) in commands.as_array_mut().into_iter().flatten().enumerate() {
        (command["id"], command["version"]) = (json!(number.to_string()), json!("1"));
    }
    commands
}
