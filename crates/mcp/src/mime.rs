//! What a file holds, by its name.

use inline_sandbox::WorkspacePath;

const TYPES: [(&str, &str); 22] = [
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("html", "text/html"),
    ("ipynb", "application/x-ipynb+json"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("log", "text/plain"),
    ("md", "text/markdown"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("py", "text/x-python"),
    ("sh", "application/x-sh"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("webp", "image/webp"),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
];

/// Returns the media type that the name of `path` stands for.
pub(crate) fn of(path: &WorkspacePath) -> Option<&'static str> {
    let name = path.file_name()?;
    let (_, extension) = name.rsplit_once('.')?;
    let (_, of) = TYPES.iter().find(|(known, _)| extension.eq_ignore_ascii_case(known))?;
    Some(of)
}

/// Returns the media type of an image that clients can show, by its first bytes.
pub(crate) fn sniff_image(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_type() {
        let of = |path: &str| of(&path.parse().unwrap());
        assert_eq!(of("a/b.PNG"), Some("image/png"));
        assert_eq!(of("b.tar.gz"), Some("application/gzip"));
        assert_eq!((of("png"), of("a.b/c"), of("c.")), (None, None, None));
    }

    #[test]
    fn what_is_no_image_is_told_from_its_name() {
        assert_eq!(sniff_image(b"\x89PNG\r\n\x1a\n..."), Some("image/png"));
        assert_eq!(sniff_image(b"GIF89a"), Some("image/gif"));
        assert_eq!(sniff_image(b"RIFF....WEBP"), Some("image/webp"));
        assert_eq!(sniff_image(b"<html>"), None);
    }
}
