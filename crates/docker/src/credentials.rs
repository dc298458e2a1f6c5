//! The login to a registry, from where `docker login` puts it.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bollard::auth::DockerCredentials;
use inline_runtime::{Error, ErrorKind, Result};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::error;

const FILE: &str = "config.json";
const MAX_FILE_BYTES: u64 = 1 << 20;
/// How `docker login` calls the registry that images without one come from.
const DEFAULT_SERVER: &str = "https://index.docker.io/v1/";
const DEFAULT_NAMES: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

const HELPER_PREFIX: &str = "docker-credential-";
/// A helper may ask a key ring that asks its user.
const HELPER_TIMEOUT: Duration = Duration::from_mins(1);
const MAX_HELPER_BYTES: u64 = 64 << 10;
/// The name by which a helper says that its secret is an identity token.
const TOKEN_USERNAME: &str = "<token>";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The part of `config.json` that is about logins; the rest is for the `docker` command.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ConfigFile {
    auths: HashMap<String, Login>,
    cred_helpers: HashMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Login {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Secret {
    username: String,
    secret: String,
}

/// Finds the login to `registry`: from its own helper, else from the general one, else from the file itself.
///
/// A helper that fails counts as one that knows no login, as it does for the `docker` command: the registry may not
/// want any.
pub(crate) async fn find(directory: &Path, registry: &str) -> Result<Option<DockerCredentials>> {
    let path = directory.join(FILE);
    let Some(file) = read(&path).await? else {
        return Ok(None);
    };
    let server = server(registry);
    let own_helper = entry(&file.cred_helpers, registry);
    if let Some(helper) = own_helper.or(file.creds_store.as_ref()) {
        match ask(helper, server).await {
            Ok(Some(found)) => return Ok(Some(found)),
            Ok(None) => {}
            Err(why) => tracing::warn!(helper, registry, why, "the credential helper knows no login"),
        }
    }
    match entry(&file.auths, registry) {
        Some(login) => decode(login, server).map_err(|why| {
            invalid(&path, &format!("the login to `{registry}` {why}")).with_hint("log in again with `docker login`")
        }),
        None => Ok(None),
    }
}

async fn read(path: &Path) -> Result<Option<ConfigFile>> {
    let text = async {
        let mut text = String::new();
        let file = tokio::fs::File::open(path).await?;
        file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).await?;
        Ok::<_, io::Error>(text)
    };
    match text.await {
        Ok(text) if text.len() as u64 > MAX_FILE_BYTES => Err(invalid(path, "it is larger than 1 MiB")),
        // The parser's error quotes the file, which holds secrets.
        Ok(text) => serde_json::from_str(&text).map(Some).map_err(|failure| {
            let (line, column) = (failure.line(), failure.column());
            invalid(
                path,
                &format!("it is not as `docker login` writes it at line {line}, column {column}"),
            )
        }),
        Err(failure) if matches!(failure.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(failure) if failure.kind() == io::ErrorKind::PermissionDenied => {
            let message = format!("this user may not read `{}`", path.display());
            Err(error::error(ErrorKind::PermissionDenied, message).with_source(failure))
        }
        Err(failure) => Err(invalid(path, "it cannot be read").with_source(failure)),
    }
}

fn invalid(path: &Path, why: &str) -> Error {
    error::error(
        ErrorKind::InvalidConfig,
        format!("`{}` is of no use: {why}", path.display()),
    )
}

/// Returns the name by which `docker login` and the helpers know a registry.
fn server(registry: &str) -> &str {
    if DEFAULT_NAMES.contains(&registry) {
        DEFAULT_SERVER
    } else {
        registry
    }
}

/// Finds a registry among keys that are host names, or the URLs of older files.
fn entry<'a, T>(entries: &'a HashMap<String, T>, registry: &str) -> Option<&'a T> {
    let host = |key: &str| {
        let rest = key
            .strip_prefix("https://")
            .or_else(|| key.strip_prefix("http://"))
            .unwrap_or(key);
        server(rest.split('/').next().unwrap_or_default()).to_owned()
    };
    let exact = entries.get(server(registry)).or_else(|| entries.get(registry));
    exact.or_else(|| {
        entries
            .iter()
            .find(|(key, _)| host(key) == server(registry))
            .map(|(_, value)| value)
    })
}

/// Takes a login out of the file; `None` for the empty entry that a helper leaves behind.
fn decode(login: &Login, server: &str) -> Result<Option<DockerCredentials>, &'static str> {
    let (username, password) = match login.auth.as_deref().filter(|auth| !auth.is_empty()) {
        Some(auth) => {
            let decoded = BASE64.decode(auth).map_err(|_| "is not base64")?;
            let text = String::from_utf8(decoded).map_err(|_| "is not text")?;
            let (username, password) = text.split_once(':').ok_or("holds no password")?;
            (
                Some(username.to_owned()),
                Some(password.trim_end_matches('\0').to_owned()),
            )
        }
        None => (login.username.clone(), login.password.clone()),
    };
    let token = login.identitytoken.clone().filter(|token| !token.is_empty());
    if password.is_none() && token.is_none() {
        return Ok(None);
    }
    Ok(Some(DockerCredentials {
        username,
        password,
        identitytoken: token,
        serveraddress: Some(server.to_owned()),
        ..DockerCredentials::default()
    }))
}

/// Asks a credential helper. What it prints is a secret, or may be, and goes into no message.
async fn ask(helper: &str, server: &str) -> Result<Option<DockerCredentials>, String> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if helper.is_empty() || !helper.bytes().all(is_word) {
        return Err("its name is not a word".to_owned());
    }
    let program = PathBuf::from(format!("{HELPER_PREFIX}{helper}"));
    match tokio::time::timeout(HELPER_TIMEOUT, run(&program, server)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(failure)) => Err(format!("`{}`: {failure}", program.display())),
        Err(_) => Err(format!(
            "`{}` takes longer than {} s",
            program.display(),
            HELPER_TIMEOUT.as_secs()
        )),
    }
}

async fn run(program: &Path, server: &str) -> io::Result<Option<DockerCredentials>> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read its input says so by its exit.
        drop(stdin.write_all(server.as_bytes()).await);
    }
    let answer = match child.stdout.take() {
        Some(stdout) => bounded(stdout).await?,
        None => Vec::new(),
    };
    if !child.wait().await?.success() {
        // So helpers say that they know no login, too.
        return Ok(None);
    }
    let Secret { username, secret } =
        serde_json::from_slice(&answer).map_err(|_| io::Error::other("its answer is not a login"))?;
    let (username, password, identitytoken) = match username.as_str() {
        TOKEN_USERNAME => (None, None, Some(secret)),
        _ => (Some(username), Some(secret), None),
    };
    Ok(Some(DockerCredentials {
        username,
        password,
        identitytoken,
        serveraddress: Some(server.to_owned()),
        ..DockerCredentials::default()
    }))
}

async fn bounded(stdout: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    stdout.take(MAX_HELPER_BYTES + 1).read_to_end(&mut answer).await?;
    if answer.len() as u64 > MAX_HELPER_BYTES {
        return Err(io::Error::other("its answer is larger than 64 KiB"));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(text: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), text).unwrap();
        directory
    }

    async fn login(text: &str, registry: &str) -> Option<(Option<String>, Option<String>, Option<String>)> {
        let found = find(file(text).path(), registry).await.unwrap()?;
        Some((found.username, found.password, found.identitytoken))
    }

    #[tokio::test]
    async fn logins_of_the_file_are_found_by_any_of_their_names() {
        // `me:a:b`, with and without padding.
        for (key, registry) in [
            ("registry.example:5000", "registry.example:5000"),
            ("https://registry.example/v1/", "registry.example"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("docker.io", "docker.io"),
        ] {
            let text = format!(r#"{{"auths": {{"{key}": {{"auth": "bWU6YTpi"}}}}, "HttpHeaders": {{}}}}"#);
            let expected = Some((Some("me".to_owned()), Some("a:b".to_owned()), None));
            assert_eq!(login(&text, registry).await, expected, "{key}");
            assert_eq!(login(&text, "other.example").await, None, "{key}");
        }
    }

    #[tokio::test]
    async fn tokens_are_taken_and_empty_entries_left() {
        let token = r#"{"auths": {"r.example": {"auth": "", "identitytoken": "t"}}}"#;
        assert_eq!(
            login(token, "r.example").await,
            Some((None, None, Some("t".to_owned())))
        );
        assert_eq!(login(r#"{"auths": {"r.example": {}}}"#, "r.example").await, None);
        assert_eq!(login("{}", "r.example").await, None);
        let nowhere = find(Path::new("/nowhere"), "r.example").await.unwrap();
        assert!(nowhere.is_none());
    }

    #[tokio::test]
    async fn a_broken_file_is_told_without_its_content() {
        for text in [
            r#"{"auths": {"r.example": {"auth": "hunter2!"}}}"#,
            r#"{"auths": {"r.example": {"auth": "aHVudGVyMg=="}}}"#,
            r#"{"auths": {"r.example": "hunter2"}}"#,
            r#"{"auths": hunter2"#,
        ] {
            let error = find(file(text).path(), "r.example").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{text}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[tokio::test]
    async fn helpers_are_asked_by_their_protocol() {
        let directory = tempfile::tempdir().unwrap();
        let helper = |name: &str, script: &str| {
            let path = directory.path().join(name);
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let good = helper(
            "good",
            r#"read -r server; echo "{\"ServerURL\": \"x\", \"Username\": \"$1\", \"Secret\": \"$server\"}""#,
        );
        let found = run(&good, "r.example\n").await.unwrap().unwrap();
        assert_eq!(
            (found.username.as_deref(), found.password.as_deref()),
            (Some("get"), Some("r.example"))
        );
        let token = helper("token", r#"echo '{"Username": "<token>", "Secret": "t"}'"#);
        let found = run(&token, "r.example").await.unwrap().unwrap();
        assert_eq!((found.identitytoken.as_deref(), found.password), (Some("t"), None));
        let none = helper("none", "echo 'credentials not found in native keychain'; exit 1");
        assert!(run(&none, "r.example").await.unwrap().is_none());
        let chatty = helper("chatty", "yes");
        assert!(run(&chatty, "r.example").await.is_err());
        assert!(ask("../../bin/sh", "r.example").await.is_err());
    }

    #[tokio::test]
    async fn a_missing_helper_leaves_the_file() {
        let text = r#"{"credsStore": "no-such-helper", "auths": {"r.example": {"auth": "bWU6YTpi"}}}"#;
        assert!(login(text, "r.example").await.is_some());
    }
}
