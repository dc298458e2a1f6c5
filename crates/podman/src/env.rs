//! The environment variables that [`PodmanConfig::from_env`](crate::PodmanConfig::from_env) reads, as the `podman`
//! command does.

/// Names the service: `unix://` and the path of its socket.
pub const CONTAINER_HOST: &str = "CONTAINER_HOST";
/// Names the user's runtime directory, below which rootless services listen; usually `/run/user/UID`.
pub const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
