//! A blob on its way, of which no more is taken than the manifest says, and nothing else.

use bytes::Bytes;
use inline_runtime::Result;
use oci_client::manifest::OciDescriptor;
use reqwest::Response;
use sha2::{Digest, Sha256};

use super::error;
use super::registry::Registry;
use crate::store::hex;

/// A blob on its way.
pub(super) struct Blob<'a> {
    registry: &'a Registry<'a>,
    response: Response,
    hasher: Sha256,
    digest: String,
    left: u64,
}

impl<'a> Blob<'a> {
    /// Takes an answer whose body has not been read.
    ///
    /// # Errors
    ///
    /// - [`Unexpected`](inline_runtime::ErrorKind::Unexpected) if the manifest tells no size of it.
    pub(super) fn new(registry: &'a Registry<'a>, response: Response, blob: &OciDescriptor) -> Result<Self> {
        Ok(Self {
            registry,
            response,
            hasher: Sha256::new(),
            digest: blob.digest.clone(),
            left: u64::try_from(blob.size).map_err(|_| error::invalid("a part of it has a size below nothing"))?,
        })
    }

    /// Receives what comes next; `None` once all has come, and is what it should be.
    ///
    /// # Errors
    ///
    /// - [`Unavailable`](inline_runtime::ErrorKind::Unavailable) or [`Timeout`](inline_runtime::ErrorKind::Timeout) if not all of it comes.
    /// - [`Unexpected`](inline_runtime::ErrorKind::Unexpected) if it is larger than the manifest says, or not what its digest says.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let reference = self.registry.reference();
        let received = async {
            self.response
                .chunk()
                .await
                .map_err(|error| error::broken(reference, error))
        };
        let Some(chunk) = self.registry.in_time(received).await? else {
            return if self.left == 0 && digest(self.hasher.clone()) == self.digest {
                Ok(None)
            } else {
                Err(error::other_digest(reference))
            };
        };
        self.left = self
            .left
            .checked_sub(chunk.len() as u64)
            .ok_or_else(|| error::invalid("a part of it is larger than its manifest says"))?;
        self.hasher.update(&chunk);
        Ok(Some(chunk))
    }
}

/// Returns the digest of what was hashed, as manifests have it.
pub(super) fn digest(hasher: Sha256) -> String {
    format!("sha256:{}", hex(&hasher.finalize()))
}
