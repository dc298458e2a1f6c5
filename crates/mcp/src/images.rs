//! The images that a run has made, as content that a client can show.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use inline_sandbox::{Artifact, MAX_READ_BYTES, SandboxError, WORKSPACE_TARGET, WorkspacePath};
use rmcp::model::ContentBlock;

use crate::client::Client;
use crate::mime;

/// Holds images as content.
#[derive(Default)]
pub(crate) struct Attached {
    pub(crate) blocks: Vec<ContentBlock>,
    /// Says what is missing.
    pub(crate) notes: Vec<String>,
    paths: Vec<WorkspacePath>,
}

impl Attached {
    /// Returns whether the file is there as content.
    pub(crate) fn has(&self, file: &Artifact) -> bool {
        self.paths.contains(&file.path)
    }
}

/// Reads all `images`, as many as fit into a result.
pub(crate) async fn attach(client: &Client, images: impl Iterator<Item = &Artifact>) -> Attached {
    let mut attached = Attached::default();
    let images: Vec<_> = images.collect();
    if images.is_empty() {
        return attached;
    }
    let files = match client.service.files(&client.owner).await {
        Ok(files) => files,
        Err(error) => {
            attached.miss(images.len(), &error);
            return attached;
        }
    };
    let (mut room, mut missing) = (client.config.image_bytes, 0);
    for image in images {
        if image.size > room.min(MAX_READ_BYTES as u64) {
            missing += 1;
            continue;
        }
        let typed = format!("{WORKSPACE_TARGET}/{}", image.path);
        match files.read(&typed, 0, MAX_READ_BYTES).await {
            // It may have grown since it was counted.
            Ok(chunk) if !chunk.is_last() || chunk.bytes.len() as u64 > room => missing += 1,
            Ok(chunk) => match mime::sniff_image(&chunk.bytes) {
                Some(of) => {
                    room -= chunk.bytes.len() as u64;
                    attached
                        .blocks
                        .push(ContentBlock::image(BASE64_STANDARD.encode(&chunk.bytes), of));
                    attached.paths.push(image.path.clone());
                }
                // A client that is given what is none might show nothing at all.
                None => attached
                    .notes
                    .push(format!("`{}` has the name of an image and is none", image.path)),
            },
            Err(error) => attached.miss(1, &error),
        }
    }
    if missing > 0 {
        attached.notes.push(format!(
            "{missing} images are too large to be shown here; read them as resources"
        ));
    }
    attached
}

impl Attached {
    fn miss(&mut self, count: usize, error: &SandboxError) {
        tracing::debug!(%error, "images were not read");
        self.notes.push(format!("{count} images could not be read"));
    }
}
