//! Who a client is, by the token that it shows.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use inline_sandbox::Owner;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{Error, Result};

/// The kind of owner that clients with a token are.
const KIND: &str = "mcp";
/// The name of the client whose token comes from the environment.
const OF_ENVIRONMENT: &str = "default";
/// A shorter token could be guessed.
const MIN_TOKEN_BYTES: usize = 16;
/// A header is not longer than this either.
const MAX_TOKEN_BYTES: usize = 1_024;
const MAX_FILE_BYTES: u64 = 1 << 20;
/// What others must not be allowed to do with the file.
const OTHERS: u32 = 0o007;

/// Knows the clients by their tokens, of which it keeps digests alone.
#[derive(Clone, Default)]
pub struct Tokens(Vec<Known>);

#[derive(Clone)]
struct Known {
    owner: Owner,
    digest: [u8; 32],
}

impl Tokens {
    /// Reads the tokens of `file` and the one of the `variable`, each if there is one.
    ///
    /// A line of the file is a name and a token of 16 bytes or more, parted by blanks, or a comment behind `#`. The client
    /// that shows the token is the owner `mcp:<name>`; a name may stand in several lines. The client with the token of the
    /// variable is `mcp:default`.
    ///
    /// # Errors
    ///
    /// - [`Error::TokensUnreadable`] if the file cannot be read, is larger than 1 MiB, or may be used by everybody.
    /// - [`Error::InvalidTokens`] with the line that is none, or if the file has none. No message has a token in it.
    pub fn load(file: Option<&Path>, variable: Option<(&str, String)>) -> Result<Self> {
        let mut tokens = Self::default();
        if let Some(path) = file {
            let text = read(path).map_err(|source| Error::TokensUnreadable {
                path: path.to_owned(),
                source,
            })?;
            for (number, line) in (1..).zip(text.lines()) {
                let place = || format!("line {number} of `{}`", path.display());
                tokens
                    .add_line(line)
                    .map_err(|why| Error::InvalidTokens { place: place(), why })?;
            }
            // Whoever names a file wants nobody in without a token.
            if tokens.is_empty() {
                return Err(Error::InvalidTokens {
                    place: format!("`{}`", path.display()),
                    why: "there is no token in it",
                });
            }
        }
        if let Some((name, token)) = variable {
            tokens
                .add(OF_ENVIRONMENT, token.trim())
                .map_err(|why| Error::InvalidTokens {
                    place: format!("`{name}`"),
                    why,
                })?;
        }
        Ok(tokens)
    }

    /// Returns whether nobody is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks that a server at `address` is not open to others than this machine, with no token to keep them out.
    ///
    /// # Errors
    ///
    /// - [`Error::Unprotected`].
    pub fn check_address(&self, address: SocketAddr) -> Result<()> {
        if self.is_empty() && !address.ip().is_loopback() {
            return Err(Error::Unprotected { address });
        }
        Ok(())
    }

    /// Returns every client once.
    pub fn owners(&self) -> impl Iterator<Item = &Owner> {
        let known = &self.0;
        let is_first = move |at: usize| known[..at].iter().all(|other| other.owner != known[at].owner);
        (0..known.len())
            .filter(move |&at| is_first(at))
            .map(move |at| &known[at].owner)
    }

    /// Returns whose token this is. The time that it takes says nothing about any token.
    pub(crate) fn identify(&self, token: &[u8]) -> Option<&Owner> {
        let digest = digest(token);
        let mut found = None;
        // All are compared, also behind the one that it is.
        for known in &self.0 {
            if bool::from(known.digest.ct_eq(&digest)) {
                found = Some(&known.owner);
            }
        }
        found
    }

    fn add_line(&mut self, line: &str) -> Result<(), &'static str> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(name), Some(token), None) => self.add(name, token),
            _ => Err("it is not a name and a token"),
        }
    }

    fn add(&mut self, name: &str, token: &str) -> Result<(), &'static str> {
        if token.len() < MIN_TOKEN_BYTES {
            return Err("the token is shorter than 16 bytes");
        }
        if token.len() > MAX_TOKEN_BYTES || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the token is longer than 1024 bytes, or not printable ASCII");
        }
        let owner = Owner::new(KIND, name).map_err(|_| "the name is not printable ASCII of 128 bytes or less")?;
        let digest = digest(token.as_bytes());
        if self.0.iter().any(|known| known.digest == digest) {
            return Err("the token is there already");
        }
        self.0.push(Known { owner, digest });
        Ok(())
    }
}

fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

fn read(path: &Path) -> std::io::Result<String> {
    let file = File::open(path)?;
    if file.metadata()?.mode() & OTHERS != 0 {
        return Err(std::io::Error::other(
            "everybody may use it; `chmod 600` keeps it secret",
        ));
    }
    let mut text = String::new();
    file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|known| &known.owner)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const ALICE: &str = "alice-0123456789abcdef";

    fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    fn load(text: &str) -> Result<Tokens> {
        Tokens::load(Some(file(text, 0o600).path()), None)
    }

    #[test]
    fn a_token_names_its_client() {
        let text = format!("# clients\n\nalice {ALICE}\nbob\t{ALICE}x\nalice {ALICE}y\n");
        let file = file(&text, 0o640);
        let variable = Some(("INLINE_MCP_TOKEN", format!("{ALICE}z\n")));
        let tokens = Tokens::load(Some(file.path()), variable).unwrap();
        for (suffix, owner) in [
            ("", "mcp:alice"),
            ("x", "mcp:bob"),
            ("y", "mcp:alice"),
            ("z", "mcp:default"),
        ] {
            let token = format!("{ALICE}{suffix}");
            assert_eq!(tokens.identify(token.as_bytes()).unwrap().as_str(), owner);
        }
        for other in ["", "alice", &ALICE[1..], &format!("{ALICE} ")] {
            assert!(tokens.identify(other.as_bytes()).is_none(), "{other:?}");
        }
        let owners: Vec<_> = tokens.owners().map(Owner::as_str).collect();
        assert_eq!(owners, ["mcp:alice", "mcp:bob", "mcp:default"]);
    }

    #[test]
    fn nothing_prints_a_token() {
        let tokens = load(&format!("alice {ALICE}")).unwrap();
        assert_eq!(format!("{tokens:?}"), "[Owner(mcp:alice)]");
        for bad in [
            "alice short",
            "alice",
            &format!("a b {ALICE}"),
            &format!("alice {ALICE}\nbob {ALICE}"),
            &format!("al\u{7f}ce {ALICE}"),
            &format!("alice {ALICE}é"),
            "",
            "# nobody\n",
        ] {
            let error = load(bad).unwrap_err();
            assert!(matches!(error, Error::InvalidTokens { .. }), "{bad}");
            assert!(!format!("{error:?}{error}").contains("0123456789"), "{error:?}");
        }
    }

    #[test]
    fn a_file_for_everybody_is_refused() {
        let file = file(&format!("alice {ALICE}"), 0o644);
        assert!(matches!(
            Tokens::load(Some(file.path()), None),
            Err(Error::TokensUnreadable { .. })
        ));
    }
}
