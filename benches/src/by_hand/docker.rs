//! Docker through bollard alone.

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
    WaitContainerOptionsBuilder,
};
use futures::StreamExt;
use inline::{ContainerSpec, RuntimeConfig};

use super::AnyError;

pub(crate) struct Client(Docker);

const TIMEOUT_SECONDS: u64 = 60;

impl Client {
    pub(crate) async fn connect(config: &RuntimeConfig) -> Result<Self, AnyError> {
        let host = config.docker.host.as_deref().unwrap_or("unix:///var/run/docker.sock");
        let docker = Docker::connect_with_unix(host, TIMEOUT_SECONDS, bollard::API_DEFAULT_VERSION)?;
        Ok(Self(docker.negotiate_version().await?))
    }

    pub(crate) async fn run(&self, spec: &ContainerSpec) -> Result<(Vec<u8>, i64), AnyError> {
        let body = ContainerCreateBody {
            image: Some(spec.image.to_string()),
            cmd: Some(spec.cmd.clone()),
            user: spec.user.clone(),
            labels: Some(spec.labels.clone().into_iter().collect()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            host_config: Some(HostConfig {
                network_mode: Some("none".to_owned()),
                readonly_rootfs: Some(true),
                cap_drop: Some(vec!["ALL".to_owned()]),
                security_opt: Some(vec!["no-new-privileges".to_owned()]),
                ipc_mode: Some("private".to_owned()),
                init: Some(false),
                log_config: Some(HostConfigLogConfig {
                    typ: Some("none".to_owned()),
                    config: None,
                }),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let name = CreateContainerOptionsBuilder::default().name(&spec.name).build();
        let id = self.0.create_container(Some(name), body).await?.id;
        let attach = AttachContainerOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .stream(true)
            .build();
        let mut attached = self.0.attach_container(&id, Some(attach)).await?;
        self.0.start_container(&id, None::<StartContainerOptions>).await?;
        let mut stdout = Vec::new();
        while let Some(output) = attached.output.next().await {
            if let LogOutput::StdOut { message } = output? {
                stdout.extend_from_slice(&message);
            }
        }
        let until_stopped = WaitContainerOptionsBuilder::default().condition("not-running").build();
        let mut wait = self.0.wait_container(&id, Some(until_stopped));
        let code = wait.next().await.ok_or("no answer to wait")??.status_code;
        let force = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        self.0.remove_container(&id, Some(force)).await?;
        Ok((stdout, code))
    }
}
