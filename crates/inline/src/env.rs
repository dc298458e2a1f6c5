//! Every environment variable that Inline reads, each a constant with what it does.

use std::collections::BTreeMap;

/// The path of the configuration file; `--config` goes before it.
pub const INLINE_CONFIG: &str = "INLINE_CONFIG";
/// Sets `driver`.
pub const INLINE_DRIVER: &str = "INLINE_DRIVER";
/// Sets `docker.host`; goes before [`DOCKER_HOST`].
pub const INLINE_DOCKER_HOST: &str = "INLINE_DOCKER_HOST";
/// Sets `podman.host`; goes before [`CONTAINER_HOST`].
pub const INLINE_PODMAN_HOST: &str = "INLINE_PODMAN_HOST";
/// Sets `podman.limits`.
pub const INLINE_PODMAN_LIMITS: &str = "INLINE_PODMAN_LIMITS";

/// Sets `embedded.limits`.
pub const INLINE_EMBEDDED_LIMITS: &str = "INLINE_EMBEDDED_LIMITS";

/// The bearer token of the client `mcp:default` of the MCP server.
pub const INLINE_MCP_TOKEN: &str = "INLINE_MCP_TOKEN";

/// The token of the Discord bot.
pub const DISCORD_TOKEN: &str = "DISCORD_TOKEN";
/// What stands for `https://discord.com` before the Discord bot, such as a proxy.
pub const INLINE_DISCORD_API: &str = "INLINE_DISCORD_API";

/// Sets `docker.host`, as for Docker's own tools.
pub const DOCKER_HOST: &str = "DOCKER_HOST";
/// Sets `docker.cert_path`, as for Docker's own tools.
pub const DOCKER_CERT_PATH: &str = "DOCKER_CERT_PATH";
/// Sets `docker.tls_verify`, as for Docker's own tools.
pub const DOCKER_TLS_VERIFY: &str = "DOCKER_TLS_VERIFY";
/// Sets `docker.docker_config`, the directory of Docker's `config.json`, as for Docker's own tools.
pub const DOCKER_CONFIG: &str = "DOCKER_CONFIG";
/// Sets `podman.host`, as for Podman's own tools.
pub const CONTAINER_HOST: &str = "CONTAINER_HOST";
/// The directory of the user's own sockets, where rootless engines listen.
pub const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
/// The user's data directory, where sandboxes are kept by default.
pub const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
/// The user's home, where Docker's `config.json` is looked for.
pub const HOME: &str = "HOME";

/// Sets `languages.python.image` and `languages.bash.image`.
pub const SANDBOX_IMAGE: &str = "SANDBOX_IMAGE";
/// Sets `pull_on_startup`.
pub const SANDBOX_PULL_ON_STARTUP: &str = "SANDBOX_PULL_ON_STARTUP";
/// Sets `base_dir`.
pub const IL_BASE_DIR: &str = "IL_BASE_DIR";
/// Sets `limits.timeout`, and `limits.max_timeout` where that is shorter.
pub const IL_TIMEOUT_SECONDS: &str = "IL_TIMEOUT_SECONDS";
/// Sets `limits.memory`.
pub const IL_MEMORY: &str = "IL_MEMORY";
/// Sets `limits.cpus`.
pub const IL_CPUS: &str = "IL_CPUS";
/// Sets `retention`.
pub const IL_RETENTION_SECONDS: &str = "IL_RETENTION_SECONDS";
/// Sets `echo_last_expression`.
pub const ECHO_LAST_EXPR: &str = "ECHO_LAST_EXPR";

/// The variables that a part of the program reads by itself, with the key that each sets: the command line goes before.
pub const PART_KEYS: [(&str, &str); 8] = [
    (SANDBOX_IMAGE, "languages.python.image"),
    (SANDBOX_PULL_ON_STARTUP, "pull_on_startup"),
    (IL_BASE_DIR, "base_dir"),
    (IL_TIMEOUT_SECONDS, "limits.timeout"),
    (IL_MEMORY, "limits.memory"),
    (IL_CPUS, "limits.cpus"),
    (IL_RETENTION_SECONDS, "retention"),
    (ECHO_LAST_EXPR, "echo_last_expression"),
];

/// Accepted from older deployments with a warning: the engine's API is used, not its binary.
pub const DOCKER_BINARY: &str = "DOCKER_BINARY";

/// The prefix that is ours: a variable that has it and is not known is an error.
const PREFIX: &str = "INLINE_";
/// How variables begin that only the project's own scripts and tests read.
const OF_TESTS: [&str; 2] = ["INLINE_TEST", "INLINE_DISCORD_OPENAPI"];
/// Those of our variables that the configuration knows.
const KNOWN: [&str; 8] = [
    INLINE_CONFIG,
    INLINE_DRIVER,
    INLINE_DOCKER_HOST,
    INLINE_PODMAN_HOST,
    INLINE_PODMAN_LIMITS,
    INLINE_EMBEDDED_LIMITS,
    INLINE_MCP_TOKEN,
    INLINE_DISCORD_API,
];

/// Holds the environment that the configuration is read from, so that tests need not touch the process's own.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Takes the environment of this process; variables that are not UTF-8 are left out.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }

    /// Returns a variable, unless it is unset or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns the first variable with our prefix that nothing reads, and the nearest that is read.
    pub(crate) fn unknown(&self) -> Option<(&str, Option<&'static str>)> {
        let ours = self
            .0
            .keys()
            .filter(|name| name.starts_with(PREFIX) && !OF_TESTS.iter().any(|of_tests| name.starts_with(of_tests)));
        ours.map(String::as_str)
            .find(|name| !KNOWN.contains(name))
            .map(|name| (name, crate::keys::nearest(name, KNOWN.into_iter())))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

#[cfg(all(test, feature = "docker", feature = "podman", feature = "embedded"))]
mod tests {
    #[test]
    fn the_drivers_own_names_are_the_same() {
        use inline_docker::env as docker;
        use inline_embedded::env as embedded;
        use inline_podman::env as podman;
        for (ours, theirs) in [
            (super::DOCKER_HOST, docker::DOCKER_HOST),
            (super::DOCKER_CERT_PATH, docker::DOCKER_CERT_PATH),
            (super::DOCKER_TLS_VERIFY, docker::DOCKER_TLS_VERIFY),
            (super::DOCKER_CONFIG, docker::DOCKER_CONFIG),
            (super::HOME, docker::HOME),
            (super::XDG_RUNTIME_DIR, docker::XDG_RUNTIME_DIR),
            (super::CONTAINER_HOST, podman::CONTAINER_HOST),
            (super::HOME, embedded::HOME),
            (super::XDG_DATA_HOME, embedded::XDG_DATA_HOME),
            (super::XDG_RUNTIME_DIR, podman::XDG_RUNTIME_DIR),
        ] {
            assert_eq!(ours, theirs);
        }
    }
}
