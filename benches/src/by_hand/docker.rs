//! Docker through bollard alone.

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
    WaitContainerOptionsBuilder,
};
use futures::{Stream, StreamExt};
use inline::{ContainerId, ContainerSpec, RuntimeConfig};

use super::AnyError;
use crate::answer::Printed;

pub(crate) struct Client(Docker);

const TIMEOUT_SECONDS: u64 = 60;

impl Client {
    pub(crate) async fn connect(config: &RuntimeConfig) -> Result<Self, AnyError> {
        let host = config.docker.host.as_deref().unwrap_or("unix:///var/run/docker.sock");
        let docker = Docker::connect_with_unix(host, TIMEOUT_SECONDS, bollard::API_DEFAULT_VERSION)?;
        Ok(Self(docker.negotiate_version().await?))
    }

    pub(crate) async fn run(&self, spec: &ContainerSpec) -> Result<Printed, AnyError> {
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
        let attached = self.0.attach_container(&id, Some(attach)).await?;
        self.0.start_container(&id, None::<StartContainerOptions>).await?;
        let stdout = read_stdout(attached.output).await?;
        let until_stopped = WaitContainerOptionsBuilder::default().condition("not-running").build();
        let mut wait = self.0.wait_container(&id, Some(until_stopped));
        let code = wait.next().await.ok_or("no answer to wait")??.status_code;
        let force = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        self.0.remove_container(&id, Some(force)).await?;
        Ok(Printed { stdout, code })
    }

    pub(crate) async fn exec(&self, id: &ContainerId, cmd: &[&str]) -> Result<Printed, AnyError> {
        let options = CreateExecOptions {
            cmd: Some(cmd.to_vec()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let exec = self.0.create_exec(id.as_str(), options).await?.id;
        let StartExecResults::Attached { output, .. } = self.0.start_exec(&exec, None).await? else {
            return Err("an exec that is not attached".into());
        };
        let stdout = read_stdout(output).await?;
        let code = self.0.inspect_exec(&exec).await?.exit_code.ok_or("no exit code")?;
        Ok(Printed { stdout, code })
    }
}

async fn read_stdout(mut output: impl Stream<Item = Result<LogOutput, Error>> + Unpin) -> Result<Vec<u8>, AnyError> {
    let mut stdout = Vec::new();
    while let Some(output) = output.next().await {
        if let LogOutput::StdOut { message } = output? {
            stdout.extend_from_slice(&message);
        }
    }
    Ok(stdout)
}
