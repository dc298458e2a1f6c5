//! Opening the connection: transport, API version, what kind of engine answers.

use std::path::Path;
use std::time::Duration;

use bollard::models::{SystemInfo, SystemVersion};
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use inline_runtime::{Error, ErrorKind, Result};

use crate::DockerConfig;
use crate::endpoint::Endpoint;
use crate::engine::Engine;
use crate::error;

/// Docker 20.10; before it there is no `one-shot` for stats and no private cgroup namespace.
const OLDEST_API: ApiVersion = ApiVersion { major: 1, minor: 41 };

/// The client's own bound. It counts whole seconds and stops at the headers, so each call gets a finer one, and this is
/// only there because the client cannot do without.
const CLIENT_TIMEOUT: Duration = Duration::from_hours(24);

/// A version of the engine's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ApiVersion {
    pub(crate) major: usize,
    pub(crate) minor: usize,
}

/// Connects, agrees on an API version and asks the engine what it is.
pub(crate) async fn connect(config: &DockerConfig) -> Result<(Engine, SystemInfo, ApiVersion)> {
    let endpoint = Endpoint::resolve(config)?;
    let client = open(&endpoint)?.with_timeout(CLIENT_TIMEOUT);
    let mut engine = Engine {
        client,
        endpoint,
        call_timeout: config.call_timeout,
        pull_timeout: config.pull_timeout,
    };
    let version = engine.call(engine.client.version()).await?;
    let api = agree(&engine.endpoint, &version)?;
    engine.client = engine
        .client
        .with_request_modifier(move |request| url_safe_login(versioned(request, api)));
    let info = engine.call(engine.client.info()).await?;
    Ok((engine, info, api))
}

fn open(endpoint: &Endpoint) -> Result<Docker> {
    let seconds = CLIENT_TIMEOUT.as_secs();
    let opened = match endpoint {
        Endpoint::Unix(socket) => {
            let path = socket.to_str().ok_or_else(|| {
                error::error(ErrorKind::InvalidConfig, "the path of the Docker socket is not Unicode")
            })?;
            // The client takes a socket that it may not look at for one that is missing.
            if let Err(failure) = std::fs::metadata(socket) {
                return Err(error::unreachable(endpoint, failure.kind()).with_source(failure));
            }
            Docker::connect_with_unix(path, seconds, API_DEFAULT_VERSION)
        }
        Endpoint::Http(authority) => Docker::connect_with_http(authority, seconds, API_DEFAULT_VERSION),
        Endpoint::Https {
            authority,
            certificates,
        } => return open_tls(endpoint, authority, certificates),
        Endpoint::Ssh(destination) => return open_ssh(endpoint, destination),
    };
    opened.map_err(|failure| error::from_client(endpoint, failure))
}

#[cfg(feature = "tls")]
fn open_tls(endpoint: &Endpoint, authority: &str, certificates: &Path) -> Result<Docker> {
    let [key, certificate, authorities] = ["key.pem", "cert.pem", "ca.pem"].map(|name| certificates.join(name));
    for file in [&key, &certificate, &authorities] {
        // The client would leave out what it cannot read, and the engine would only say "bad certificate".
        std::fs::File::open(file).map_err(|failure| {
            let kind = match failure.kind() {
                std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
                _ => ErrorKind::InvalidConfig,
            };
            error::error(kind, format!("certificate file `{}` cannot be read", file.display()))
                .with_hint("`DOCKER_CERT_PATH` names the directory of `ca.pem`, `cert.pem` and `key.pem`")
                .with_source(failure)
        })?;
    }
    // The client takes the provider of the process, and panics where features of other crates leave the choice open.
    // An error says that the process has one already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let seconds = CLIENT_TIMEOUT.as_secs();
    Docker::connect_with_ssl(
        authority,
        &key,
        &certificate,
        &authorities,
        seconds,
        API_DEFAULT_VERSION,
    )
    .map_err(|failure| {
        error::error(
            ErrorKind::InvalidConfig,
            format!("the certificates for `{endpoint}` make no sense"),
        )
        .with_source(failure)
    })
}

#[cfg(not(feature = "tls"))]
fn open_tls(endpoint: &Endpoint, _authority: &str, _certificates: &Path) -> Result<Docker> {
    Err(without_feature(endpoint, "tls"))
}

#[cfg(feature = "ssh")]
fn open_ssh(endpoint: &Endpoint, destination: &str) -> Result<Docker> {
    Docker::connect_with_ssh(destination, CLIENT_TIMEOUT.as_secs(), API_DEFAULT_VERSION, None)
        .map_err(|failure| error::from_client(endpoint, failure))
}

#[cfg(not(feature = "ssh"))]
fn open_ssh(endpoint: &Endpoint, _destination: &str) -> Result<Docker> {
    Err(without_feature(endpoint, "ssh"))
}

#[cfg(not(all(feature = "tls", feature = "ssh")))]
fn without_feature(endpoint: &Endpoint, feature: &str) -> Error {
    error::error(
        ErrorKind::InvalidConfig,
        format!("`{endpoint}` needs feature `{feature}` of `inline-docker`"),
    )
    .with_hint(format!("build with `--features {feature}`"))
}

/// Takes the newest API that both sides know.
fn agree(endpoint: &Endpoint, version: &SystemVersion) -> Result<ApiVersion> {
    let components = version.components.as_deref().unwrap_or_default();
    if components.iter().any(|component| component.name.starts_with("Podman")) {
        return Err(unsupported(format!(
            "the engine at `{endpoint}` is Podman, whose Docker API leaves out parts of a spec without a word"
        ))
        .with_hint("use the driver `podman`"));
    }
    let text = version.api_version.as_deref().unwrap_or_default();
    let api = ApiVersion::parse(text).ok_or_else(|| {
        error::error(
            ErrorKind::Unexpected,
            format!("the engine at `{endpoint}` tells no API version"),
        )
        .with_hint("is it Docker that listens there?")
    })?;
    if api < OLDEST_API {
        return Err(unsupported(format!(
            "the engine at `{endpoint}` speaks API {text}, older than {}.{}",
            OLDEST_API.major, OLDEST_API.minor
        ))
        .with_hint("update Docker to 20.10 or newer"));
    }
    Ok(api.min(ApiVersion {
        major: API_DEFAULT_VERSION.major_version,
        minor: API_DEFAULT_VERSION.minor_version,
    }))
}

fn unsupported(message: String) -> Error {
    error::error(ErrorKind::Unsupported, message)
}

/// Puts the agreed version into the path. The client means to, but its `Url::join` with an absolute path drops it, and
/// an engine serves a path without a version by its newest API, whatever that does.
fn versioned(mut request: BollardRequest, api: ApiVersion) -> BollardRequest {
    let uri = request.uri().to_string();
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let Some(prefix) = uri.strip_suffix(path) else {
        return request;
    };
    let versioned = format!("{prefix}/v{}.{}{path}", api.major, api.minor);
    if let Ok(uri) = versioned.parse() {
        *request.uri_mut() = uri;
    }
    request
}

/// Writes the registry login in the alphabet that engines read. The client takes the other base64 alphabet, and an
/// engine that meets `+` or `/` in it pulls without a login and without a word.
fn url_safe_login(mut request: BollardRequest) -> BollardRequest {
    if let Some(login) = request.headers_mut().get_mut("x-registry-auth") {
        let safe = login
            .to_str()
            .map(|text| text.replace('+', "-").replace('/', "_").parse());
        if let Ok(Ok(safe)) = safe {
            *login = safe;
            login.set_sensitive(true);
        }
    }
    request
}

impl ApiVersion {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::UnixListener;

    use super::*;
    use crate::scripted::{Answer, CONNECT, Script, Scripted};

    async fn failure(script: Script) -> Error {
        connect(&Scripted::serve(script).config()).await.unwrap_err()
    }

    #[tokio::test]
    async fn requests_carry_the_version_that_both_sides_know() {
        const NEWER: Script = &[
            ("GET /version", Answer::Now(200, r#"{"ApiVersion": "1.99"}"#)),
            ("GET /v1.53/info", Answer::Now(200, "{}")),
        ];
        let (_, _, api) = connect(&Scripted::serve(&CONNECT).config()).await.unwrap();
        assert_eq!(api, OLDEST_API);
        let (_, _, api) = connect(&Scripted::serve(NEWER).config()).await.unwrap();
        assert_eq!(api, ApiVersion { major: 1, minor: 53 });
    }

    #[tokio::test]
    async fn what_is_no_usable_engine_is_told() {
        const OLD: Script = &[("GET /version", Answer::Now(200, r#"{"ApiVersion": "1.40"}"#))];
        const PODMAN: Script = &[(
            "GET /version",
            Answer::Now(
                200,
                r#"{"ApiVersion": "1.41", "Components": [{"Name": "Podman Engine", "Version": "4.3.1"}]}"#,
            ),
        )];
        const OTHER: Script = &[("GET /version", Answer::Now(200, "hello"))];
        const SILENT: Script = &[];
        const BROKEN: Script = &[("GET /version", Answer::Break)];
        assert_eq!(failure(OLD).await.kind(), ErrorKind::Unsupported);
        assert_eq!(failure(PODMAN).await.kind(), ErrorKind::Unsupported);
        assert_eq!(failure(OTHER).await.kind(), ErrorKind::Unexpected);
        assert_eq!(failure(SILENT).await.kind(), ErrorKind::Timeout);
        assert_eq!(failure(BROKEN).await.kind(), ErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn a_socket_without_an_engine_is_unavailable() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("docker.sock");
        let config = DockerConfig::default().with_host(format!("unix://{}", socket.display()));
        let missing = connect(&config).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::Unavailable);
        assert!(missing.message().contains("no Docker socket"), "{missing}");
        drop(UnixListener::bind(&socket).unwrap());
        let dead = connect(&config).await.unwrap_err();
        assert_eq!(dead.kind(), ErrorKind::Unavailable);
        assert!(dead.message().contains("no engine listens"), "{dead}");
    }

    #[tokio::test]
    async fn logins_are_in_the_alphabet_of_urls() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("docker.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let client = Docker::connect_with_unix(socket.to_str().unwrap(), 5, API_DEFAULT_VERSION).unwrap();
        let client = client.with_request_modifier(url_safe_login);
        let login = bollard::auth::DockerCredentials {
            password: Some("???>>>~~~".to_owned()),
            ..Default::default()
        };
        tokio::spawn(async move {
            let options = bollard::query_parameters::CreateImageOptions::default();
            let mut steps = Box::pin(client.create_image(Some(options), None, Some(login)));
            drop(futures::StreamExt::next(&mut steps).await);
        });
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        let request = String::from_utf8_lossy(&request[..length]);
        let header = request
            .lines()
            .find_map(|line| line.strip_prefix("x-registry-auth: "))
            .unwrap();
        assert!(header.contains(['-', '_']) && !header.contains(['+', '/']), "{header}");
    }

    #[cfg(not(feature = "tls"))]
    #[tokio::test]
    async fn a_missing_feature_is_named() {
        let config = DockerConfig::default()
            .with_host("https://engine")
            .with_cert_path("/certs");
        let error = connect(&config).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.message().contains("feature `tls`"), "{error}");
    }

    #[cfg(feature = "tls")]
    #[tokio::test]
    async fn a_missing_certificate_is_named() {
        let config = DockerConfig::default()
            .with_host("https://engine")
            .with_cert_path("/nowhere");
        let error = connect(&config).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.message().contains("/nowhere/key.pem"), "{error}");
    }
}
