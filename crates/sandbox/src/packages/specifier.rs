//! What a caller may name on the command line of pip or npm, and nothing else.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{npm, pip};
use crate::{Result, SandboxError};

const MAX_SPECIFIER_BYTES: usize = 256;
const MAX_URL_BYTES: usize = 2_048;
/// How much of a refused specifier is shown.
const MAX_SHOWN_CHARS: usize = 100;
/// Both managers take a word that ends so for a file of the current directory, which is the user's, if it is there.
const ARCHIVES: [&str; 14] = [
    ".whl", ".zip", ".tar", ".tgz", ".tbz", ".txz", ".tlz", ".gz", ".bz2", ".xz", ".lz", ".lzma", ".egg", ".conda",
];

/// Names the program that installs packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PackageManager {
    /// pip, for python.
    Pip,
    /// npm, for node.
    Npm,
}

impl PackageManager {
    /// Holds every package manager.
    pub const ALL: [Self; 2] = [Self::Pip, Self::Npm];

    /// Returns the name of the program.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pip => "pip",
            Self::Npm => "npm",
        }
    }
}

impl fmt::Display for PackageManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PackageManager {
    type Err = SandboxError;

    /// Parses the name of the program.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::NotFound`] if there is no such package manager.
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|manager| manager.name() == text)
            .ok_or_else(|| SandboxError::NotFound {
                what: "package manager",
                name: shown(text),
            })
    }
}

/// Says what a caller may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecifierPolicy {
    /// Whether an `https://` or `git+https://` URL may stand for a package.
    pub allow_urls: bool,
    /// Whether a path below the workspace, `./…`, may stand for a package.
    pub allow_paths: bool,
    /// How many packages one command may name.
    pub max_specifiers: usize,
}

/// Holds one package as a caller may name it.
///
/// [`argument`](Self::argument) is safe as an argument of the package manager: it never begins with `-`, names no file
/// or place unless the operator allows that, and has no control character in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Specifier {
    manager: PackageManager,
    name: Option<String>,
    argument: String,
}

impl Specifier {
    /// Parses what a caller typed.
    ///
    /// pip takes `name[extra,…]` and PEP 440 version specifiers; npm takes `[@scope/]name[@range or tag]`.
    ///
    /// ```
    /// use inline_sandbox::{PackageManager, Specifier, SpecifierPolicy};
    ///
    /// let policy = SpecifierPolicy { allow_urls: false, allow_paths: false, max_specifiers: 8 };
    /// let numpy = Specifier::parse(PackageManager::Pip, "NumPy >= 2, < 3", &policy)?;
    /// assert_eq!((numpy.name(), numpy.argument()), (Some("numpy"), "NumPy>=2,<3"));
    /// assert!(Specifier::parse(PackageManager::Pip, "--index-url=http://evil", &policy).is_err());
    /// # Ok::<(), inline_sandbox::SandboxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`SandboxError::InvalidPackage`] with what is wrong with it.
    pub fn parse(manager: PackageManager, text: &str, policy: &SpecifierPolicy) -> Result<Self> {
        let refuse = |why: String| SandboxError::InvalidPackage {
            specifier: shown(text),
            why,
        };
        let (name, argument) = parse(manager, text.trim_matches(' '), policy).map_err(refuse)?;
        Ok(Self {
            manager,
            name,
            argument,
        })
    }

    /// Returns the package manager that it is for.
    pub fn manager(&self) -> PackageManager {
        self.manager
    }

    /// Returns the name in its normal form, `None` for a bare URL or a path.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the argument for the package manager.
    pub fn argument(&self) -> &str {
        &self.argument
    }
}

/// Parses all the packages of one command.
///
/// # Errors
///
/// - [`SandboxError::InvalidPackage`] for the first that is wrong, if there are none, or if there are more than
///   [`SpecifierPolicy::max_specifiers`].
pub fn parse_specifiers<I>(manager: PackageManager, texts: I, policy: &SpecifierPolicy) -> Result<Vec<Specifier>>
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    let mut specifiers = Vec::new();
    for text in texts {
        let text = text.as_ref();
        if specifiers.len() == policy.max_specifiers {
            let why = format!("{} packages at once are allowed", policy.max_specifiers);
            return Err(SandboxError::InvalidPackage {
                specifier: shown(text),
                why,
            });
        }
        specifiers.push(Specifier::parse(manager, text, policy)?);
    }
    if specifiers.is_empty() {
        return Err(SandboxError::InvalidPackage {
            specifier: String::new(),
            why: "none is named".to_owned(),
        });
    }
    Ok(specifiers)
}

/// A name, if there is one, and the argument.
type Parts = (Option<String>, String);

fn parse(manager: PackageManager, text: &str, policy: &SpecifierPolicy) -> Result<Parts, String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    let max = if policy.allow_urls {
        MAX_URL_BYTES
    } else {
        MAX_SPECIFIER_BYTES
    };
    if text.len() > max {
        return Err(format!("it has {} bytes, {max} are allowed", text.len()));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err("it has a character that is not printable ASCII".to_owned());
    }
    if text.starts_with('-') {
        return Err("it is an option, not a package".to_owned());
    }
    if text.contains("://") || text.starts_with("git+") {
        return direct(manager, text, policy);
    }
    if text.starts_with(['.', '/', '~']) {
        return path(text, policy).map(|path| (None, path));
    }
    let (name, argument) = match manager {
        PackageManager::Pip => pip::parse(text)?,
        PackageManager::Npm => npm::parse(text)?,
    };
    let lower = argument.to_ascii_lowercase();
    if let Some(archive) = ARCHIVES.into_iter().find(|archive| lower.ends_with(archive)) {
        return Err(format!("what ends in `{archive}` is taken for a file"));
    }
    Ok((Some(name), argument))
}

/// Parses `URL`, pip's `name @ URL` and npm's `name@URL`.
fn direct(manager: PackageManager, text: &str, policy: &SpecifierPolicy) -> Result<Parts, String> {
    if !policy.allow_urls {
        return Err("URLs are not allowed".to_owned());
    }
    let is_url = |text: &str| text.starts_with("https://") || text.starts_with("git+https://");
    if is_url(text) {
        return url(text).map(|()| (None, text.to_owned()));
    }
    // The first `@` of npm's scope is part of the name.
    let (name, address) = match text.char_indices().skip(1).find(|&(_, c)| c == '@') {
        Some((at, _)) => (text[..at].trim_end(), text[at + 1..].trim_start()),
        None => ("", text),
    };
    if !is_url(address) {
        return Err("a URL is `https://…` or `git+https://…`".to_owned());
    }
    url(address)?;
    let (name, bare) = match manager {
        PackageManager::Pip => pip::parse(name)?,
        PackageManager::Npm => npm::parse(name)?,
    };
    let at = if manager == PackageManager::Pip { " @ " } else { "@" };
    Ok((Some(name), format!("{bare}{at}{address}")))
}

fn url(text: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!&()*+,=%".contains(&byte);
    let Some((_, rest)) = text.split_once("://") else {
        return Err("it is no URL".to_owned());
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return Err("the URL has no host".to_owned());
    }
    if authority.contains('@') {
        return Err("a URL with a user or a password in it would be recorded".to_owned());
    }
    if !text.bytes().all(plain) {
        return Err("the URL has a character that needs escaping".to_owned());
    }
    Ok(())
}

fn path(text: &str, policy: &SpecifierPolicy) -> Result<String, String> {
    if !policy.allow_paths {
        return Err("paths are not allowed".to_owned());
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+/".contains(&byte);
    if !text.starts_with("./") || !text.bytes().all(plain) || text.split('/').any(|part| part == "..") {
        return Err("a path is `./` and plain names below the workspace".to_owned());
    }
    Ok(text.to_owned())
}

fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
