//! The parts that are read of the service's answers. What is not named here may change as it likes.

use std::collections::BTreeMap;

use inline_runtime::{CgroupVersion, Container, ContainerId, ExitStatus, Result, State};
use serde::{Deserialize, Deserializer, Serialize};

/// Go writes an empty list or map as `null`.
fn null_as_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The answer to making something.
#[derive(Debug, Deserialize)]
pub(crate) struct Created {
    #[serde(rename = "Id")]
    pub(crate) id: String,
}

/// A container in full.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Inspection {
    pub(crate) id: ContainerId,
    pub(crate) name: String,
    pub(crate) state: ContainerState,
    #[serde(rename = "OCIRuntime")]
    pub(crate) oci_runtime: String,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) bounding_caps: Vec<String>,
    pub(crate) config: ContainerConfig,
    pub(crate) host_config: HostConfig,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ContainerState {
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) pid: i32,
    #[serde(default)]
    pub(crate) exit_code: i64,
    #[serde(default, rename = "OOMKilled")]
    pub(crate) oom_killed: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ContainerConfig {
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) open_stdin: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HostConfig {
    #[serde(default)]
    pub(crate) readonly_rootfs: bool,
    #[serde(default)]
    pub(crate) network_mode: String,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) security_opt: Vec<String>,
    pub(crate) log_config: LogConfig,
    #[serde(default, rename = "IDMappings", deserialize_with = "null_as_empty")]
    pub(crate) id_mappings: IdMappings,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LogConfig {
    #[serde(default, rename = "Type")]
    pub(crate) driver: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct IdMappings {
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) uid_map: Vec<String>,
}

/// A container in a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    pub(crate) id: ContainerId,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) names: Vec<String>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) state: String,
}

/// An exec session.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ExecSession {
    pub(crate) running: bool,
    pub(crate) exit_code: i64,
}

/// An image.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ImageInspection {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) size: Option<u64>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) config: ImageConfig,
}

/// A line of a pull.
#[derive(Debug, Deserialize)]
pub(crate) struct PullReport {
    #[serde(default)]
    pub(crate) stream: Option<String>,
    #[serde(default)]
    pub(crate) error: Option<String>,
    #[serde(default)]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ImageConfig {
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) entrypoint: Vec<String>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) cmd: Vec<String>,
}

/// What containers use.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StatsReport {
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) stats: Vec<ContainerStats>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ContainerStats {
    #[serde(rename = "CPUNano")]
    pub(crate) cpu_nanos: u64,
    #[serde(rename = "MemUsage")]
    pub(crate) memory: u64,
    #[serde(rename = "PIDs")]
    pub(crate) pids: u64,
}

/// What the service says of itself.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct SystemInfo {
    pub(crate) host: HostInfo,
    pub(crate) version: VersionInfo,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HostInfo {
    pub(crate) cgroup_version: String,
    pub(crate) cgroup_manager: String,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) cgroup_controllers: Vec<String>,
    pub(crate) kernel: String,
    pub(crate) oci_runtime: OciRuntimeInfo,
    pub(crate) security: SecurityInfo,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) id_mappings: HostIdMappings,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct OciRuntimeInfo {
    pub(crate) name: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecurityInfo {
    pub(crate) rootless: bool,
    pub(crate) seccomp_enabled: bool,
    #[serde(default)]
    pub(crate) seccomp_profile_path: String,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct HostIdMappings {
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) uidmap: Vec<IdRange>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) gidmap: Vec<IdRange>,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct IdRange {
    pub(crate) size: u32,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VersionInfo {
    pub(crate) version: String,
}

impl Inspection {
    /// Returns what the contract says of a container.
    pub(crate) fn into_container(self) -> Container {
        let state = match self.state.exit_status() {
            Some(status) => State::Exited(Some(status)),
            None => state_of(&self.state.status),
        };
        Container::new(self.id, self.name, self.config.labels, state)
    }
}

impl ContainerState {
    /// Returns whether the main process was never asked to run.
    pub(crate) fn is_created(&self) -> bool {
        matches!(self.status.as_str(), "created" | "configured")
    }

    /// Returns how the main process ended, if it did. The exit code of a running one is 0 and means nothing.
    pub(crate) fn exit_status(&self) -> Option<ExitStatus> {
        has_ended(&self.status).then(|| ExitStatus::from_shell_code(self.exit_code).with_oom_killed(self.oom_killed))
    }
}

impl Listed {
    /// Returns what the contract says of a container. Its exit status is left out: lists do not tell of the OOM killer.
    pub(crate) fn into_container(self) -> Container {
        let name = self.names.into_iter().next().unwrap_or_default();
        Container::new(self.id, name, self.labels, state_of(&self.state))
    }
}

impl HostInfo {
    /// Returns the version of the host's control groups.
    pub(crate) fn cgroup_version(&self) -> CgroupVersion {
        match self.cgroup_version.as_str() {
            "v1" => CgroupVersion::V1,
            "v2" => CgroupVersion::V2,
            _ => CgroupVersion::Unknown,
        }
    }
}

/// `stopped` is an exit that the service has not cleaned up after yet.
fn has_ended(status: &str) -> bool {
    matches!(status, "exited" | "stopped")
}

fn state_of(status: &str) -> State {
    match status {
        "created" | "configured" | "initialized" => State::Created,
        "running" => State::Running,
        status if has_ended(status) => State::Exited(None),
        _ => State::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use inline_runtime::Signal;

    fn state(status: &str, exit_code: i64) -> ContainerState {
        serde_json::from_value(serde_json::json!({"Status": status, "ExitCode": exit_code, "Pid": 0})).unwrap()
    }

    #[test]
    fn the_code_of_a_running_container_is_not_read() {
        assert_eq!(state("running", 0).exit_status(), None);
        assert_eq!(state("stopped", 3).exit_status(), Some(ExitStatus::from_code(3)));
        assert_eq!(
            state("exited", 137).exit_status(),
            Some(ExitStatus::from_signal(Signal::KILL))
        );
    }

    #[test]
    fn an_initialized_container_is_not_running_and_not_new() {
        assert_eq!(state_of("initialized"), State::Created);
        assert!(state("created", 0).is_created() && !state("initialized", 0).is_created());
    }

    #[test]
    fn null_is_an_empty_list() {
        let config: ContainerConfig = serde_json::from_str(r#"{"Labels": null, "Annotations": null}"#).unwrap();
        assert!(config.labels.is_empty() && config.annotations.is_empty());
    }
}
