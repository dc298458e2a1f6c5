//! The choices of a spec that decide what a container can reach.

use serde::{Deserialize, Serialize};

/// Chooses the network of a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum NetworkMode {
    /// No network but a loopback of its own. Default.
    #[default]
    None,
    /// The engine's own default network, usually a bridge or slirp4netns, with a way out.
    Default,
}

/// Chooses the seccomp filter of a container. There is no way to run without one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Seccomp {
    /// The engine's own profile. Default.
    #[default]
    Default,
    /// A profile as JSON text, in the format of Docker and the OCI runtime specification.
    Profile(String),
}

/// Chooses how users in the container map to users of the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Userns {
    /// The engine's own mapping. Default.
    #[default]
    Default,
    /// The container's `user` is the user who runs the engine, so that files in bind mounts belong to them. Rootless
    /// engines only; `user` must be given as `uid:gid`.
    KeepId,
}

/// Passes GPUs into a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Gpus {
    /// All of them.
    All,
    /// So many of them.
    Count(u32),
    /// Those with these ids.
    DeviceIds(Vec<String>),
}
