//! What a registry says an image is made of.

use inline_runtime::{ImageId, Result};
use oci_client::manifest::{ImageIndexEntry, OciDescriptor};
use serde::Deserialize;

use super::error::invalid;

const SCHEMA_VERSION: u8 = 2;
const MAX_LAYERS: usize = 1024;

/// What an image is made of.
#[derive(Debug)]
pub(super) struct Manifest {
    /// The id of the image: the digest of its config.
    pub(super) id: ImageId,
    pub(super) config: OciDescriptor,
    pub(super) layers: Vec<OciDescriptor>,
}

/// What is found under the name of an image.
#[derive(Debug)]
pub(super) enum Found {
    Image(Manifest),
    /// Images for several platforms.
    Index(Vec<ImageIndexEntry>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u8,
    config: Option<OciDescriptor>,
    layers: Option<Vec<OciDescriptor>>,
    manifests: Option<Vec<ImageIndexEntry>>,
}

/// Reads a manifest or an index.
///
/// What could be read as either is refused: another program might see another image in it.
///
/// # Errors
///
/// - [`Unexpected`](inline_runtime::ErrorKind::Unexpected) if it is neither, or no image that we could unpack.
pub(super) fn parse(text: &[u8]) -> Result<Found> {
    let document: Document =
        serde_json::from_slice(text).map_err(|error| invalid("its manifest cannot be read").with_source(error))?;
    if document.schema_version != SCHEMA_VERSION {
        return Err(invalid("its manifest is of an old or a future kind"));
    }
    match document {
        Document {
            config: Some(config),
            layers: Some(layers),
            manifests: None,
            ..
        } => image(config, layers),
        Document {
            config: None,
            layers: None,
            manifests: Some(manifests),
            ..
        } => Ok(Found::Index(manifests)),
        _ => Err(invalid("its manifest is neither that of an image nor an index")),
    }
}

fn image(config: OciDescriptor, layers: Vec<OciDescriptor>) -> Result<Found> {
    if layers.len() > MAX_LAYERS {
        return Err(invalid("it has more than 1024 layers"));
    }
    if !layers.iter().chain([&config]).all(|blob| is_digest(&blob.digest)) {
        return Err(invalid("a part of it has no sha256 digest"));
    }
    Ok(Found::Image(Manifest {
        id: ImageId::new(config.digest.clone()),
        config,
        layers,
    }))
}

/// Returns whether it is a digest as we make them. It becomes the name of a directory, and part of an address.
pub(super) fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(digest: &str) -> String {
        format!(r#"{{"mediaType": "a/b", "digest": "{digest}", "size": 1}}"#)
    }

    #[test]
    fn images_and_indexes_are_told_apart() {
        let blob = blob(&format!("sha256:{}", "a".repeat(64)));
        let image = format!(r#"{{"schemaVersion": 2, "config": {blob}, "layers": [{blob}, {blob}]}}"#);
        assert!(matches!(parse(image.as_bytes()).unwrap(), Found::Image(manifest) if manifest.layers.len() == 2));
        let index = format!(r#"{{"schemaVersion": 2, "manifests": [{blob}]}}"#);
        assert!(matches!(parse(index.as_bytes()).unwrap(), Found::Index(entries) if entries.len() == 1));
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let good = blob(&format!("sha256:{}", "a".repeat(64)));
        let layers = vec![good.as_str(); MAX_LAYERS + 1].join(",");
        let mut texts = vec![
            "[]".to_owned(),
            "{}".to_owned(),
            format!(r#"{{"schemaVersion": 1, "config": {good}, "layers": []}}"#),
            format!(r#"{{"schemaVersion": 2, "config": {good}}}"#),
            format!(r#"{{"schemaVersion": 2, "config": {good}, "layers": [], "manifests": []}}"#),
            format!(r#"{{"schemaVersion": 2, "config": {good}, "layers": [{layers}]}}"#),
        ];
        for digest in [
            "sha256:../../../../etc",
            "sha256:AAAA",
            &format!("sha512:{}", "a".repeat(64)),
            &format!("sha256:{}", "A".repeat(64)),
            &format!("sha256:{}/", "a".repeat(63)),
        ] {
            texts.push(format!(
                r#"{{"schemaVersion": 2, "config": {}, "layers": []}}"#,
                blob(digest)
            ));
            texts.push(format!(
                r#"{{"schemaVersion": 2, "config": {good}, "layers": [{}]}}"#,
                blob(digest)
            ));
        }
        for text in texts {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
