//! Stands between a driver and a unix socket, so that the connection can be cut or stalled without touching the engine.

use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};

use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::bench::random_token;
use crate::subject::Connection;

/// Forwards a unix socket of its own to an engine's. Dropping it cuts every connection and removes the socket.
#[derive(Debug)]
pub struct SocketProxy {
    path: PathBuf,
    accepting: JoinHandle<()>,
    stalled: watch::Sender<bool>,
}

impl SocketProxy {
    /// Listens on a socket in the directory for temporary files and forwards each connection to the one at `engine`.
    ///
    /// # Errors
    ///
    /// - If the socket cannot be made. That the engine is not there shows on each connection.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn to(engine: impl Into<PathBuf>) -> io::Result<Self> {
        let engine = engine.into();
        let path = std::env::temp_dir().join(format!("inline-proxy-{}.sock", random_token()));
        let listener = UnixListener::bind(&path)?;
        let stalled = watch::Sender::new(false);
        let stall = stalled.subscribe();
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(forward(client, engine.clone(), stall.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self {
            path,
            accepting,
            stalled,
        })
    }

    /// Returns where the proxy listens.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Connection for SocketProxy {
    fn sever(self: Box<Self>) {}

    fn stall(&self) {
        self.stalled.send_replace(true);
    }
}

impl Drop for SocketProxy {
    fn drop(&mut self) {
        // The set of connections goes with the task, and each of its tasks with the set.
        self.accepting.abort();
        // A socket that stays is litter, no more.
        drop(std::fs::remove_file(&self.path));
    }
}

async fn forward(mut client: UnixStream, engine: PathBuf, mut stalled: watch::Receiver<bool>) {
    let copied = async {
        let mut engine = UnixStream::connect(engine).await?;
        copy_bidirectional(&mut client, &mut engine).await
    };
    let is_stalled = tokio::select! {
        biased;
        stalled = stalled.wait_for(|stalled| *stalled) => stalled.is_ok(),
        // How a connection ends is for the two sides to judge.
        _ = copied => false,
    };
    if is_stalled {
        pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_stalled_connection_is_silent_and_a_severed_one_closed() {
        let engine = std::env::temp_dir().join(format!("inline-engine-{}.sock", random_token()));
        let listener = UnixListener::bind(&engine).unwrap();
        let proxy = Box::new(SocketProxy::to(&engine).unwrap());
        let path = proxy.path().to_owned();
        let mut client = UnixStream::connect(&path).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        client.write_all(b"ping").await.unwrap();
        let mut bytes = [0; 4];
        server.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"ping");

        proxy.stall();
        let mut second = UnixStream::connect(&path).await.unwrap();
        for stalled in [&mut client, &mut second] {
            stalled.write_all(b"ping").await.unwrap();
            let answer = timeout(Duration::from_millis(100), stalled.read(&mut bytes)).await;
            answer.expect_err("a stalled connection was closed or answered");
        }

        proxy.sever();
        assert_eq!(client.read(&mut bytes).await.unwrap_or(0), 0);
        UnixStream::connect(&path).await.unwrap_err();
        std::fs::remove_file(engine).unwrap();
    }
}
