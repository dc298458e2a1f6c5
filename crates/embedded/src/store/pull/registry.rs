//! Asks a registry for manifests and blobs.
//!
//! The requests are made here and not by `oci-client`, which takes a manifest, a token, and what comes with an error into
//! memory however long it is. What the answers mean is that library's part.

use std::time::Duration;

use inline_runtime::{Credentials, Error, ErrorKind, ImageReference, Result};
use oci_client::client::current_platform_resolver;
use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE,
    OciDescriptor,
};
use reqwest::header::ACCEPT;
use reqwest::{Client, RequestBuilder, Response};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::blob::{Blob, digest};
use super::login::Login;
use super::manifest::{Found, Manifest, is_digest, parse};
use super::{Registries, error, login};

const USER_AGENT: &str = concat!("inline/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// As much as registries themselves take.
const MAX_MANIFEST_BYTES: usize = 4 << 20;
/// What is read of an answer that says why there is no other.
const MAX_REFUSAL_BYTES: usize = 64 << 10;
const MANIFESTS: [&str; 4] = [
    OCI_IMAGE_MEDIA_TYPE,
    OCI_IMAGE_INDEX_MEDIA_TYPE,
    IMAGE_MANIFEST_MEDIA_TYPE,
    IMAGE_MANIFEST_LIST_MEDIA_TYPE,
];
/// The registry of `docker.io` has a name of its own.
const DOCKER_HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// The registry of one image.
pub(super) struct Registry<'a> {
    client: Client,
    reference: &'a ImageReference,
    /// Where the interface of the registry begins, with a slash at the end.
    root: String,
    login: Login,
    call_timeout: Duration,
}

impl<'a> Registry<'a> {
    /// Creates a client of the registry, which asks nothing yet.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unexpected`] if this machine has nothing to know registries by.
    pub(super) fn open(reference: &'a ImageReference, registries: &Registries) -> Result<Self> {
        // Whoever set a provider for the whole process before has said what is to be used.
        rustls::crypto::ring::default_provider().install_default().ok();
        let named = reference.registry();
        let is_plain = reference.is_loopback() || registries.insecure.iter().any(|registry| registry == named);
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            // Also where the registry sends us on, or for a token.
            .https_only(!is_plain)
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Unexpected, "no client of registries can be made").with_source(error)
            })?;
        let scheme = if is_plain { "http" } else { "https" };
        let host = if named == DOCKER_HUB.0 { DOCKER_HUB.1 } else { named };
        Ok(Self {
            client,
            reference,
            root: format!("{scheme}://{host}/v2/"),
            login: Login::None,
            call_timeout: registries.call_timeout,
        })
    }

    /// Gets the right to pull, if the registry asks for one.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unauthorized`] if it is refused.
    /// - Those of [`Self::text`].
    pub(super) async fn log_in(mut self, credentials: Option<&Credentials>) -> Result<Self> {
        self.login = login::log_in(&self, credentials).await?;
        Ok(self)
    }

    /// Fetches the manifest of the image, that for this machine where there are several.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::ImageNotFound`] if there is none, or none for this machine.
    /// - [`ErrorKind::Unexpected`] if it is none, or not what its digest says.
    /// - Those of [`Self::text`].
    pub(super) async fn manifest(&self) -> Result<Manifest> {
        let named = self.reference.digest().or(self.reference.tag());
        match self.found(named.unwrap_or("latest")).await? {
            Found::Image(manifest) => Ok(manifest),
            Found::Index(entries) => {
                let digest = current_platform_resolver(&entries).ok_or_else(|| error::no_platform(self.reference))?;
                if !is_digest(&digest) {
                    return Err(error::invalid("its index names no sha256 digest"));
                }
                match self.found(&digest).await? {
                    Found::Image(manifest) => Ok(manifest),
                    Found::Index(_) => Err(error::invalid("its index leads to another one")),
                }
            }
        }
    }

    /// Fetches a small blob whole.
    ///
    /// # Errors
    ///
    /// - Those of [`Self::blob`] and [`Blob::chunk`].
    pub(super) async fn text_of(&self, blob: &OciDescriptor, most: usize) -> Result<Vec<u8>> {
        if usize::try_from(blob.size).is_ok_and(|size| size > most) {
            return Err(error::too_long(most));
        }
        let fetch = async {
            let mut blob = self.blob(blob).await?;
            let mut text = Vec::new();
            while let Some(chunk) = blob.chunk().await? {
                text.extend_from_slice(&chunk);
            }
            Ok(text)
        };
        self.in_time(fetch).await
    }

    /// Begins to fetch a blob.
    ///
    /// # Errors
    ///
    /// - Those of [`Self::text`], but for the length.
    pub(super) async fn blob(&self, blob: &OciDescriptor) -> Result<Blob<'_>> {
        // The further places that an image may name are not asked: they could be any address that this machine reaches.
        let request = self.request(&format!("{}/blobs/{}", self.reference.repository(), blob.digest));
        let response = self.in_time(self.answer(self.login.add_to(request))).await?;
        Blob::new(self, response, blob)
    }

    /// Makes a request to the registry.
    pub(super) fn request(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.root))
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn reference(&self) -> &ImageReference {
        self.reference
    }

    /// Sends a request; the answer may be any, and its body has not been read.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unavailable`] or [`ErrorKind::Timeout`] if none comes.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let answer = async {
            request
                .send()
                .await
                .map_err(|error| error::unreachable(self.reference, error))
        };
        self.in_time(answer).await
    }

    /// Sends a request and reads the answer whole.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unavailable`] or [`ErrorKind::Timeout`] if none comes, or not all of it.
    /// - [`ErrorKind::Unexpected`] if it has more than `most` bytes.
    /// - As the registry refuses.
    pub(super) async fn text(&self, request: RequestBuilder, most: usize) -> Result<Vec<u8>> {
        let fetch = async {
            let mut response = self.answer(request).await?;
            let text = up_to(&mut response, most)
                .await
                .map_err(|error| error::broken(self.reference, error))?;
            if text.len() > most {
                return Err(error::too_long(most));
            }
            Ok(text)
        };
        self.in_time(fetch).await
    }

    /// Sends a request and turns a refusal into an error.
    async fn answer(&self, request: RequestBuilder) -> Result<Response> {
        let mut response = self.send(request).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let why = up_to(&mut response, MAX_REFUSAL_BYTES).await.unwrap_or_default();
        Err(error::refused(self.reference, status.as_u16(), &why))
    }

    async fn found(&self, named: &str) -> Result<Found> {
        let request = self
            .request(&format!("{}/manifests/{named}", self.reference.repository()))
            .header(ACCEPT, MANIFESTS.join(", "));
        let text = self.text(self.login.add_to(request), MAX_MANIFEST_BYTES).await?;
        // A tag says nothing of what is behind it; all else is a digest.
        if named.contains(':') && named != digest(Sha256::new_with_prefix(&text)) {
            return Err(error::other_digest(self.reference));
        }
        parse(&text)
    }

    /// Gives an answer, or a part of one, up that takes too long.
    pub(super) async fn in_time<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        timeout(self.call_timeout, answer)
            .await
            .unwrap_or_else(|_| Err(error::slow(self.reference, self.call_timeout)))
    }
}

/// Reads what comes, and no more than a piece beyond `most` bytes.
async fn up_to(response: &mut Response, most: usize) -> reqwest::Result<Vec<u8>> {
    let mut text = Vec::new();
    while text.len() <= most
        && let Some(chunk) = response.chunk().await?
    {
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_must_be_secret_is_not_asked_in_the_open() {
        let registries = |insecure: &[&str]| Registries {
            insecure: insecure.iter().map(ToString::to_string).collect(),
            call_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(5),
        };
        let reference = "registry.example/tool".parse().unwrap();
        for (registries, kind) in [
            (registries(&[]), ErrorKind::Unexpected),
            (registries(&["registry.example"]), ErrorKind::Unavailable),
        ] {
            let registry = Registry::open(&reference, &registries).unwrap();
            // Nothing listens there; a login or a redirect could lead to it.
            let request = registry.client().get("http://127.0.0.1:1/token");
            assert_eq!(registry.send(request).await.unwrap_err().kind(), kind);
        }
    }

    #[test]
    fn registries_are_found_by_their_names() {
        let registries = Registries {
            insecure: vec!["plain.example:5000".to_owned()],
            call_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(5),
        };
        for (reference, root) in [
            ("alpine", "https://registry-1.docker.io/v2/"),
            ("registry.example/tool", "https://registry.example/v2/"),
            ("plain.example:5000/tool", "http://plain.example:5000/v2/"),
            ("localhost:5000/tool", "http://localhost:5000/v2/"),
        ] {
            let reference = reference.parse().unwrap();
            assert_eq!(Registry::open(&reference, &registries).unwrap().root, root);
        }
    }
}
