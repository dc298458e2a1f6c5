//! Serving any number of clients by streamable HTTP.

mod answers;
mod connection;
mod gate;
mod origins;
mod resumable;
mod sessions;
mod usage;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use inline_sandbox::{CancellationToken, Owner, SandboxService};
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::client::Client;
use crate::handler::Handler;
use crate::{Error, McpConfig, Result, Tokens};

use self::gate::{Gate, Known};
use self::sessions::Sessions;

/// Where the server is on its address.
const PATH: &str = "/mcp";
/// Whose sandbox a client has where no tokens are known and this machine alone is served.
const WITHOUT_TOKEN: (&str, &str) = ("mcp", "anonymous");
/// How long is waited when a connection cannot be accepted, as when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long connections are given to end.
const END_PATIENCE: Duration = Duration::from_secs(3);

/// A server that listens.
#[derive(Debug)]
pub struct HttpServer {
    listener: TcpListener,
    address: SocketAddr,
    gate: Arc<Gate>,
    max_connections: usize,
    /// Ends streams and sessions.
    closing: CancellationToken,
}

impl HttpServer {
    /// Listens at `address` for the clients of `tokens`, each of which has a sandbox of its own; the server is at
    /// [`url`](Self::url). Without tokens, whoever can reach a loopback address has the sandbox `mcp:anonymous`.
    ///
    /// # Errors
    ///
    /// - [`Error::Unprotected`] if there is no token and the address is none of the loopback interface.
    /// - [`Error::InvalidConfig`], [`Error::Listen`].
    pub async fn bind(service: SandboxService, config: McpConfig, address: SocketAddr, tokens: Tokens) -> Result<Self> {
        config.validate()?;
        tokens.check_address(address)?;
        let refused = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (config, closing) = (Arc::new(config), CancellationToken::new());
        let known = |owner: &Owner| Self::known(&service, &config, owner, address, &closing);
        let gate = if tokens.is_empty() {
            let (kind, name) = WITHOUT_TOKEN;
            let nobody = Owner::new(kind, name).map_err(|_| Error::InvalidConfig {
                key: "mcp.tokens_file",
                why: "it is not set",
            })?;
            Gate::open(known(&nobody), &config)
        } else {
            let clients: HashMap<_, _> = tokens.owners().map(|owner| (owner.clone(), known(owner))).collect();
            Gate::guarded(tokens, clients, &config)
        };
        Ok(Self {
            listener,
            address,
            gate: Arc::new(gate),
            max_connections: config.max_connections.get(),
            closing,
        })
    }

    /// Returns the address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns where clients find it.
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Serves clients until `shutdown` is cancelled.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends all connections and the calls that go on.
    pub async fn serve(self, shutdown: CancellationToken) {
        let _closing = self.closing.clone().drop_guard();
        let (connections, places) = (TaskTracker::new(), Arc::new(Semaphore::new(self.max_connections)));
        for sessions in self.gate.sessions() {
            let closing = self.closing.clone();
            drop(connections.spawn(async move {
                tokio::select! {
                    () = sessions.expire() => {}
                    () = closing.cancelled() => {}
                }
            }));
        }
        tracing::info!(url = self.url(), "serving by HTTP");
        loop {
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, self.listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = accepted => accepted,
            };
            match accepted {
                Ok((stream, from)) => {
                    let (gate, closing) = (Arc::clone(&self.gate), self.closing.clone());
                    drop(connections.spawn(async move {
                        connection::serve(stream, gate, closing).await;
                        drop(place);
                        tracing::trace!(%from, "a connection ended");
                    }));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        self.closing.cancel();
        connections.close();
        if timeout(END_PATIENCE, connections.wait()).await.is_err() {
            tracing::warn!("connections were cut off");
        }
    }

    /// Makes what serves one client: sessions and all, so that no other can reach them.
    fn known(
        service: &SandboxService,
        config: &Arc<McpConfig>,
        owner: &Owner,
        address: SocketAddr,
        closing: &CancellationToken,
    ) -> Known {
        let client = Arc::new(Client::new(service.clone(), Arc::clone(config), owner.clone()));
        let sessions = Arc::new(Sessions::new(config));
        let http = StreamableHttpServerConfig::default()
            .with_allowed_hosts(hosts(config, address.ip()))
            .with_allowed_origins(config.allowed_origins.iter().cloned())
            .enforce_origin_validation()
            .with_max_request_body_bytes(config.max_message())
            .with_cancellation_token(closing.clone());
        let handler = move || Ok(Handler::new(Arc::clone(&client)));
        let http = StreamableHttpService::new(handler, Arc::clone(&sessions), http);
        Known::new(http, sessions)
    }
}

/// Returns the names by which clients may reach the server: a page of some other name that leads here is kept out.
fn hosts(config: &McpConfig, address: IpAddr) -> Vec<String> {
    let mut hosts = ["localhost", "127.0.0.1", "::1"].map(ToOwned::to_owned).to_vec();
    if !address.is_unspecified() {
        hosts.push(address.to_string());
    }
    hosts.extend(config.allowed_hosts.iter().cloned());
    hosts
}
