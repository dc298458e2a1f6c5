//! What is known of the engine behind a driver.

use crate::ImageReference;

/// Describes the engine behind a driver, for health checks and bug reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// The driver, as [`ContainerRuntime::driver`](crate::ContainerRuntime::driver) returns it.
    pub driver: &'static str,
    /// Where the engine was reached, without any secret: `unix:///var/run/docker.sock`.
    pub endpoint: String,
    /// The engine's own version.
    pub version: String,
    /// Whether the engine runs without root.
    pub rootless: bool,
    /// The control groups of the engine's host.
    pub cgroup_version: CgroupVersion,
    /// The OCI runtime that is used when a spec names none: `runc`, `crun`.
    pub default_oci_runtime: Option<String>,
    /// The OCI runtimes that a spec may name.
    pub oci_runtimes: Vec<String>,
    /// The reference that stands for the host's own system, where the driver can show it as an image: programs run with
    /// what is installed there, and nothing has to be pulled.
    pub host_image: Option<ImageReference>,
}

/// Says which control groups a host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CgroupVersion {
    /// The split hierarchies.
    V1,
    /// The unified hierarchy.
    V2,
    /// None, or none that the engine tells of.
    Unknown,
}

impl Info {
    /// Creates a description in which only driver, endpoint and version are known.
    pub fn new(driver: &'static str, endpoint: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            driver,
            endpoint: endpoint.into(),
            version: version.into(),
            rootless: false,
            cgroup_version: CgroupVersion::Unknown,
            default_oci_runtime: None,
            oci_runtimes: Vec::new(),
            host_image: None,
        }
    }
}
