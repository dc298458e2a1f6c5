//! Podman's own API through the client that podman-api stands on: podman-api itself cannot say all that the spec asks for.

use std::pin::Pin;
use std::time::Duration;

use containers_api::conn::hyper::{Body, Response};
use containers_api::conn::{Headers, Payload, RequestClient, Transport};
use futures::{AsyncRead, AsyncReadExt};
use hyperlocal::UnixClientExt;
use inline::{ContainerId, ContainerSpec, RuntimeConfig};
use serde_json::{Value, json};

use super::AnyError;
use crate::answer::Printed;

pub(crate) struct Client(RequestClient<PodmanError>);

/// The version of the API that each request names.
const API: &str = "/v4.3.1/libpod";
/// How often the end of a container is asked for.
const POLL: Duration = Duration::from_millis(2);
const STDOUT: u8 = 1;

/// One error for all that the client gives back.
#[derive(Clone, Debug)]
pub(crate) struct PodmanError(String);

impl std::fmt::Display for PodmanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PodmanError {}

impl From<containers_api::conn::Error> for PodmanError {
    fn from(error: containers_api::conn::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for PodmanError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

type Validated = Pin<Box<dyn Future<Output = Result<Response<Body>, PodmanError>> + Send + Sync>>;

fn validate(response: Response<Body>) -> Validated {
    Box::pin(std::future::ready(match response.status().as_u16() {
        101 | 200..=299 => Ok(response),
        status => Err(PodmanError(format!("status {status}"))),
    }))
}

impl Client {
    pub(crate) fn connect(config: &RuntimeConfig) -> Result<Self, AnyError> {
        let host = config
            .podman
            .host
            .as_deref()
            .ok_or("name the socket with `CONTAINER_HOST`")?;
        let path = host.strip_prefix("unix://").ok_or("only unix sockets")?.into();
        let client = containers_api::conn::hyper::Client::unix();
        Ok(Self(RequestClient::new(
            Transport::Unix { client, path },
            Box::new(validate),
        )))
    }

    pub(crate) async fn run(&self, spec: &ContainerSpec) -> Result<Printed, AnyError> {
        let body = json!({
            "name": spec.name,
            "image": spec.image.to_string(),
            "command": spec.cmd,
            "user": spec.user,
            "labels": spec.labels,
            "read_only_filesystem": true,
            "netns": {"nsmode": "none"},
            "cap_drop": ["ALL"],
            "no_new_privileges": true,
            "log_configuration": {"driver": "none"},
        });
        let create = format!("{API}/containers/create");
        let created: Value = self
            .0
            .post_json(create, Payload::Json(body.to_string()), Headers::none())
            .await?;
        let id = created["Id"].as_str().ok_or("no id")?;
        let container = format!("{API}/containers/{id}");
        let attach = format!("{container}/attach?stream=true&stdout=true&stderr=true");
        let attached = Box::pin(
            self.0
                .clone()
                .post_upgrade_stream(attach, Payload::<Body>::empty())
                .await?,
        );
        self.0
            .post(format!("{container}/start"), Payload::<Body>::empty(), Headers::none())
            .await?;
        let stdout = read_stdout(attached).await?;
        let code = self.exit_code(&container).await?;
        self.0
            .delete(format!("{container}?force=true&timeout=0&v=true"))
            .await?;
        Ok(Printed { stdout, code })
    }

    pub(crate) async fn exec(&self, id: &ContainerId, cmd: &[&str]) -> Result<Printed, AnyError> {
        let body = json!({ "Cmd": cmd, "AttachStdout": true, "AttachStderr": true });
        let created: Value = self
            .0
            .post_json(
                format!("{API}/containers/{id}/exec"),
                Payload::Json(body.to_string()),
                Headers::none(),
            )
            .await?;
        let exec = format!("{API}/exec/{}", created["Id"].as_str().ok_or("no id")?);
        let start = Payload::Json(json!({ "Detach": false, "Tty": false }).to_string());
        let attached = Box::pin(
            self.0
                .clone()
                .post_upgrade_stream(format!("{exec}/start"), start)
                .await?,
        );
        let stdout = read_stdout(attached).await?;
        loop {
            let state: Value = self.0.get_json(format!("{exec}/json")).await?;
            if state["Running"].as_bool() == Some(false) {
                let code = state["ExitCode"].as_i64().ok_or("no exit code")?;
                return Ok(Printed { stdout, code });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn exit_code(&self, container: &str) -> Result<i64, AnyError> {
        loop {
            let state: Value = self.0.get_json(format!("{container}/json")).await?;
            let state = &state["State"];
            if matches!(state["Status"].as_str(), Some("stopped" | "exited")) {
                return Ok(state["ExitCode"].as_i64().ok_or("no exit code")?);
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// Reads frames of eight bytes of header, which hold the stream and the length, and the text.
async fn read_stdout(mut attached: impl AsyncRead + Unpin) -> Result<Vec<u8>, AnyError> {
    let mut stdout = Vec::new();
    let mut header = [0; 8];
    while attached.read_exact(&mut header).await.is_ok() {
        let [stream, _, _, _, length @ ..] = header;
        let mut text = vec![0; u32::from_be_bytes(length) as usize];
        attached.read_exact(&mut text).await?;
        if stream == STDOUT {
            stdout.extend(text);
        }
    }
    Ok(stdout)
}
