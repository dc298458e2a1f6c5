//! Serving the one client on standard input and output.

mod lines;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use inline_sandbox::{CancellationToken, Owner, SandboxService};
use rmcp::service::{ServerInitializeError, serve_server_with_ct};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use crate::client::Client;
use crate::departure::{Departure, Watched};
use crate::handler::Handler;
use crate::{Error, McpConfig, Result};

use self::transport::LineTransport;

/// How long the last answers may take when the server is told to end.
const END_PATIENCE: Duration = Duration::from_secs(2);

/// Serves the client that writes to `input` and reads `output`, in the sandbox of `owner`, until it closes either or
/// `shutdown` is cancelled; programs that run are stopped then. Nothing else may be written to `output`.
///
/// # Errors
///
/// - [`Error::InvalidConfig`].
/// - [`Error::Handshake`] if the client and the server find no version of the protocol in common. What else a client does
///   wrong is answered, and ends nothing.
///
/// # Cancellation
///
/// Dropping the future ends the calls that go on.
pub async fn serve_stdio(
    service: SandboxService,
    config: McpConfig,
    owner: Owner,
    (input, output): (
        impl AsyncRead + Send + Unpin + 'static,
        impl AsyncWrite + Send + Unpin + 'static,
    ),
    shutdown: CancellationToken,
) -> Result<()> {
    config.validate()?;
    let departure = Departure::default();
    let transport = LineTransport::new(input, output, config.max_message(), departure.clone());
    let transport = Watched::new(transport, departure);
    let client = Arc::new(Client::new(service, Arc::new(config), owner));
    tracing::info!(owner = %client.owner, "serving standard input and output");
    match serve_server_with_ct(Handler::new(client), transport, shutdown.clone()).await {
        Ok(running) => {
            let told_to_end = async {
                shutdown.cancelled().await;
                sleep(END_PATIENCE).await;
            };
            // At the end of its input a client is given some time for the last answers, unless we have to end.
            tokio::select! {
                _ = running.waiting() => {}
                () = told_to_end => {}
            }
            Ok(())
        }
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => Ok(()),
        Err(error) => Err(Error::Handshake { why: error.to_string() }),
    }
}
