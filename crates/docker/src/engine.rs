//! The connection to one engine, with a bound on every call.

use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as ClientError;
use inline_runtime::Result;

use crate::endpoint::Endpoint;
use crate::error;

/// One engine, and the bounds of calls to it.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) client: Docker,
    pub(crate) endpoint: Endpoint,
    pub(crate) call_timeout: Duration,
    pub(crate) pull_timeout: Duration,
}

impl Engine {
    /// Makes one call and translates its failure. Past the bound the request is dropped; the engine may still serve it.
    pub(crate) async fn call<T>(&self, request: impl Future<Output = Result<T, ClientError>>) -> Result<T> {
        match tokio::time::timeout(self.call_timeout, request).await {
            Ok(answer) => answer.map_err(|failure| error::from_client(&self.endpoint, failure)),
            Err(_) => Err(error::timeout(&self.endpoint)),
        }
    }
}
