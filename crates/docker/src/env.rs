//! The environment variables that [`DockerConfig::from_env`](crate::DockerConfig::from_env) reads, as the `docker`
//! command does.

/// Names the engine: `unix://`, `tcp://`, `http://`, `https://` or `ssh://` and where it is.
pub const DOCKER_HOST: &str = "DOCKER_HOST";
/// Names the directory that holds `ca.pem`, `cert.pem` and `key.pem`.
pub const DOCKER_CERT_PATH: &str = "DOCKER_CERT_PATH";
/// Makes `tcp://` mean `https://` if it is set to anything but the empty text.
pub const DOCKER_TLS_VERIFY: &str = "DOCKER_TLS_VERIFY";
/// Names the directory that holds the `config.json` with the registry logins; the default is `.docker` in [`HOME`].
pub const DOCKER_CONFIG: &str = "DOCKER_CONFIG";
/// Names the directory that the socket of a rootless engine is in.
pub const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
/// Names the user's home directory.
pub const HOME: &str = "HOME";
