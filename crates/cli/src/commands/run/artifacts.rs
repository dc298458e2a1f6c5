//! The files that a program has made, on their way into a directory of the user's.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use inline_sandbox::{Artifact, Artifacts};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::failure::{Failure, Result};

/// A directory with nothing in it: whatever a program calls its files, none takes the place of one that was there.
pub(super) struct Destination(PathBuf);

impl Destination {
    /// Makes the directory, or takes one that is empty.
    pub(super) async fn prepare(path: &Path) -> Result<Self> {
        let refused = |error| Failure::os(format!("making `{}`", path.display()), error);
        tokio::fs::create_dir_all(path).await.map_err(refused)?;
        let mut entries = tokio::fs::read_dir(path).await.map_err(refused)?;
        if entries.next_entry().await.map_err(refused)?.is_some() {
            return Err(Failure::told_with_hint(
                format!("the directory `{}` is not empty", path.display()),
                "name one that is, or is not there yet: the program chooses the names of what it makes",
            ));
        }
        Ok(Self(path.to_owned()))
    }

    /// Copies the files, each at its path as `--json` tells it, and says on standard error which are left out.
    pub(super) async fn take(&self, artifacts: &Artifacts) -> Result<()> {
        for artifact in &artifacts.files {
            if let Err(error) = self.take_one(artifacts, artifact).await? {
                eprintln!("left out: {} ({error})", artifact.path);
            }
        }
        for (artifact, why) in &artifacts.left_out {
            eprintln!("left out: {} ({why})", artifact.path);
        }
        if artifacts.left_out_more > 0 {
            eprintln!("left out: {} more", artifacts.left_out_more);
        }
        Ok(())
    }

    /// Returns within what keeps this file alone from being copied.
    async fn take_one(&self, artifacts: &Artifacts, artifact: &Artifact) -> Result<Result<(), String>> {
        let mut content = match artifacts.open(artifact).await {
            Ok(content) => content,
            Err(error) => return Ok(Err(error.to_string())),
        };
        // As it is printed: no byte of it means anything to a terminal, and no name leads out.
        let path = self.0.join(artifact.path.to_string());
        let copied: io::Result<()> = async {
            tokio::fs::create_dir_all(path.parent().unwrap_or(&self.0)).await?;
            let mut file = File::create_new(&path).await?;
            tokio::io::copy(&mut content, &mut file).await?;
            file.flush().await
        }
        .await;
        match copied {
            Ok(()) => Ok(Ok(())),
            // Escaped, a name can be longer than it was.
            Err(error) if error.kind() == ErrorKind::InvalidFilename => Ok(Err("its name is too long".to_owned())),
            Err(error) => Err(Failure::os(format!("writing `{}`", path.display()), error)),
        }
    }
}
