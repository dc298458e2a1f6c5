//! The registry that holds the test images, as `scripts/images` fills it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use inline_conformance::RegistryImages;
use inline_runtime::{Error, ErrorKind, ImageReference, Result};
use serde_json::Value;

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

/// Fetches the one layer of the shell image: a tarball of a root filesystem.
///
/// # Errors
///
/// - What the connection fails with, and if the registry has no such image.
pub fn layer(registry: &str) -> io::Result<Vec<u8>> {
    let (_, manifest) = ask(registry, "GET", &format!("manifests/{TAG}"))?;
    let manifest: Value = serde_json::from_slice(&manifest)?;
    let layer = manifest["layers"][0]["digest"].as_str();
    let layer = layer.ok_or_else(|| io::Error::other("its manifest has no layer"))?;
    Ok(ask(registry, "GET", &format!("blobs/{layer}"))?.1)
}

/// Asks for the digest of the shell image's manifest.
fn digest(registry: &str) -> io::Result<Option<String>> {
    let (headers, _) = ask(registry, "HEAD", &format!("manifests/{TAG}"))?;
    let is_digest = |line: &String| line.to_ascii_lowercase().starts_with("docker-content-digest:");
    let digest = headers.into_iter().find(is_digest);
    Ok(digest.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned())))
}

/// Asks about the shell image; returns the lines of the header, and the body.
fn ask(registry: &str, method: &str, what: &str) -> io::Result<(Vec<String>, Vec<u8>)> {
    let address = registry
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::other("it has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    // A client of the oldest version gets its answer in one piece.
    write!(
        stream,
        "{method} /v2/{SHELL}/{what} HTTP/1.0\r\nHost: {registry}\r\nAccept: {MANIFESTS}\r\n\r\n"
    )?;
    let mut stream = BufReader::new(stream);
    let (mut headers, mut body) = (Vec::new(), Vec::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 || line.trim_end().is_empty() {
            break;
        }
        headers.push(line.trim_end().to_owned());
    }
    stream.read_to_end(&mut body)?;
    Ok((headers, body))
}
