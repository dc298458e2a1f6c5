//! The names under which files and outputs are resources.

use inline_sandbox::{WORKSPACE_TARGET, WorkspacePath};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::outputs::OutputStream;

const FILES: &str = "sandbox://files/";
const OUTPUT: &str = "sandbox://output/";
/// What stands in a path as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The template of the names of files.
pub(crate) const FILE_TEMPLATE: &str = "sandbox://files/{+path}";

/// What a client means by the name of a resource.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ResourceUri {
    /// A file, by its path as it is typed.
    File(String),
    /// An output that was cut.
    Output,
}

impl ResourceUri {
    /// Returns the name of a file.
    pub(crate) fn file(path: &WorkspacePath) -> String {
        format!("{FILES}{}", utf8_percent_encode(&path.to_string(), PATH))
    }

    /// Returns the name of what a run printed.
    pub(crate) fn output(id: &str, stream: OutputStream) -> String {
        format!("{OUTPUT}{id}/{}", stream.name())
    }

    /// Reads a name; `None` if it is none of ours.
    pub(crate) fn parse(uri: &str) -> Option<Self> {
        if uri.starts_with(OUTPUT) {
            return Some(Self::Output);
        }
        let path = percent_decode_str(uri.strip_prefix(FILES)?).decode_utf8().ok()?;
        // From the workspace, wherever the current directory is.
        (!path.is_empty()).then(|| Self::File(format!("{WORKSPACE_TARGET}/{path}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back() {
        for (typed, uri) in [
            ("a.txt", "sandbox://files/a.txt"),
            ("plots/ä b#?.png", "sandbox://files/plots/%C3%A4%20b%23%3F.png"),
            ("100%25", "sandbox://files/100%2525"),
        ] {
            let path: WorkspacePath = typed.parse().unwrap();
            assert_eq!(ResourceUri::file(&path), uri);
            let Some(ResourceUri::File(read)) = ResourceUri::parse(uri) else {
                panic!("{uri}")
            };
            assert_eq!(WorkspacePath::root().join(&read).unwrap(), path);
        }
    }

    #[test]
    fn what_is_none_of_ours_is_no_name() {
        for uri in [
            "",
            "sandbox://files/",
            "file:///etc/passwd",
            "sandbox://files/%ff",
            "sandbox:/files/a",
        ] {
            assert_eq!(ResourceUri::parse(uri), None, "{uri}");
        }
    }

    #[test]
    fn no_name_leads_out() {
        let Some(ResourceUri::File(typed)) = ResourceUri::parse("sandbox://files/%2e%2e/%2e%2e/etc/passwd") else {
            panic!("not a file")
        };
        assert!(WorkspacePath::root().join(&typed).is_err());
    }
}
