//! The registry that holds the test images, as `scripts/images` fills it.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use inline_conformance::RegistryImages;
use inline_runtime::{Error, ErrorKind, ImageReference, Result};

const TIMEOUT: Duration = Duration::from_secs(10);
const SHELL: &str = "alpine";
const TAG: &str = "latest";
/// Nothing listens on the first port of a machine.
const DOWN: &str = "127.0.0.1:1";
const MANIFESTS: &str = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.index.v1+json";

/// Returns the image that has a shell, in the registry if there is one.
///
/// # Errors
///
/// - [`ErrorKind::InvalidSpec`] if the name of the registry is none.
pub fn shell(registry: Option<&str>) -> Result<ImageReference> {
    match registry {
        Some(registry) => format!("{registry}/{SHELL}:{TAG}").parse(),
        None => format!("{SHELL}:{TAG}").parse(),
    }
}

/// Returns the images of the registry, good and bad.
///
/// # Errors
///
/// - [`ErrorKind::Unavailable`] if the registry does not answer, [`ErrorKind::ImageNotFound`] if it does not have the
///   image.
pub fn images(registry: &str) -> Result<RegistryImages> {
    let digest = digest(registry).map_err(|error| {
        Error::new(
            ErrorKind::Unavailable,
            format!("the registry `{registry}` does not answer"),
        )
        .with_source(error)
    })?;
    let digest = digest.ok_or_else(|| {
        Error::new(
            ErrorKind::ImageNotFound,
            format!("the registry `{registry}` has no `{SHELL}:{TAG}`"),
        )
        .with_hint("scripts/images fills it")
    })?;
    Ok(RegistryImages {
        by_tag: shell(Some(registry))?,
        by_digest: format!("{registry}/{SHELL}@{digest}").parse()?,
        missing_tag: format!("{registry}/{SHELL}:no-such-tag").parse()?,
        registry_down: format!("{DOWN}/{SHELL}:{TAG}").parse()?,
        missing_layer: format!("{registry}/inline-broken:missing-blob").parse()?,
        corrupt_layer: format!("{registry}/inline-broken:corrupt").parse()?,
    })
}

/// Asks for the digest of the shell image's manifest.
fn digest(registry: &str) -> io::Result<Option<String>> {
    let address = registry
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::other("it has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "HEAD /v2/{SHELL}/manifests/{TAG} HTTP/1.1\r\nHost: {registry}\r\nAccept: {MANIFESTS}\r\nConnection: close\r\n\r\n"
    )?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("docker-content-digest")
        {
            return Ok(Some(value.trim().to_owned()));
        }
    }
    Ok(None)
}
