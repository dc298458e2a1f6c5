//! What is read from files of the user's, and from standard input.

use std::path::{Component, Path, PathBuf};

use inline_sandbox::SandboxError;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::failure::{Failure, Result};

/// Stands for standard input where a file is named.
pub(crate) const STDIN: &str = "-";

/// Reads a file, or standard input for `-`, if it has at most `max` bytes.
pub(crate) async fn read(path: &Path, what: &'static str, max: u64) -> Result<Vec<u8>> {
    let content = if is_stdin(path) {
        read_at_most(tokio::io::stdin(), max).await
    } else {
        async { read_at_most(tokio::fs::File::open(path).await?, max).await }.await
    };
    let content = content.map_err(|error| Failure::os(format!("reading `{}`", path.display()), error))?;
    let size = content.len() as u64;
    if size > max {
        return Err(SandboxError::TooLarge { what, size, max }.into());
    }
    Ok(content)
}

pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new(STDIN)
}

/// Reads one byte more at most.
async fn read_at_most(reader: impl AsyncRead + Unpin, max: u64) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    reader.take(max.saturating_add(1)).read_to_end(&mut content).await?;
    Ok(content)
}

/// Returns where in the workspace a file of the user's goes: below it as it is below here, else by its name alone.
pub(crate) fn place(path: &Path) -> Result<String> {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let is_below = parts.clone().all(|part| matches!(part, Component::Normal(_)));
    let place: PathBuf = if is_below {
        parts.collect()
    } else {
        path.file_name().unwrap_or_default().into()
    };
    match place.to_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(Failure::told(format!(
            "`{}` is not the name of a file in UTF-8",
            path.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_where_it_is_from_here() {
        for (path, expected) in [
            ("a.csv", "a.csv"),
            ("./data/a.csv", "data/a.csv"),
            ("/srv/a.csv", "a.csv"),
            ("../up/a.csv", "a.csv"),
        ] {
            assert_eq!(place(Path::new(path)).unwrap(), expected);
        }
        for path in ["/", "..", "."] {
            assert!(place(Path::new(path)).is_err(), "{path}");
        }
    }
}
