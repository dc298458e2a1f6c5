//! The engine's own command line, and who may use it.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use inline::{ContainerId, ContainerSpec};
use tokio::process::Command;

use crate::bench::Bench;

/// What `scripts/engines env` tells of the rootless Podman of another user, and what that user's programs need it as.
const PODMAN_ENVIRONMENT: [(&str, &str); 4] = [
    ("INLINE_TEST_PODMAN_HOME", "HOME"),
    ("INLINE_TEST_PODMAN_RUNTIME_DIR", "XDG_RUNTIME_DIR"),
    ("INLINE_TEST_PODMAN_CONTAINERS_CONF", "CONTAINERS_CONF"),
    ("INLINE_TEST_PODMAN_STORAGE_CONF", "CONTAINERS_STORAGE_CONF"),
];

/// Returns the command that runs `spec` to its end and removes the container, as closed as the spec is.
pub(crate) fn run(bench: &Bench, spec: &ContainerSpec) -> Command {
    let mut command = of_engine(bench);
    command.args(["run", "--rm", "--name", &spec.name]);
    for (name, value) in &spec.labels {
        command.arg("--label").arg(format!("{name}={value}"));
    }
    command.args([
        "--network",
        "none",
        "--read-only",
        "--cap-drop",
        "ALL",
        "--log-driver",
        "none",
    ]);
    command.args(["--security-opt", "no-new-privileges"]);
    command.args(spec.user.iter().flat_map(|user| ["--user", user]));
    command.arg(spec.image.to_string()).args(&spec.cmd);
    command
}

/// Returns the command that runs a further process in a container.
pub(crate) fn exec(bench: &Bench, id: &ContainerId, cmd: &[&str]) -> Command {
    let mut command = of_engine(bench);
    command.args(["exec", id.as_str()]).args(cmd);
    command
}

/// Returns the command that writes the files of a container to a tar archive, which the engine's user must be able to make.
pub(crate) fn export(bench: &Bench, id: &ContainerId, archive: &Path) -> Command {
    let mut command = of_engine(bench);
    command.arg("export").arg("--output").arg(archive).arg(id.as_str());
    command
}

/// Returns the command that runs `program` as whom the engine serves, see [`engine_user`].
pub(crate) fn as_engine_user(bench: &Bench, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = engine_user(bench) {
        // Where the caller is cannot be entered by others, as a rule.
        command.uid(uid).gid(gid).current_dir("/");
        for (ours, theirs) in PODMAN_ENVIRONMENT {
            if let Some(value) = std::env::var_os(ours) {
                command.env(theirs, value);
            }
        }
    }
    command
}

/// Returns the owner of the engine's socket, where that is another user whom we may become.
///
/// A rootless Podman keeps its containers in its user's own files, so only that user's `podman` finds them.
pub(crate) fn engine_user(bench: &Bench) -> Option<(u32, u32)> {
    if bench.driver() != "podman" || !rustix::process::geteuid().is_root() {
        return None;
    }
    let path = bench.config.podman.host.as_deref()?.strip_prefix("unix://")?;
    let socket = std::fs::metadata(path).ok()?;
    (socket.uid() != 0).then(|| (socket.uid(), socket.gid()))
}

fn of_engine(bench: &Bench) -> Command {
    let mut command = as_engine_user(bench, bench.driver());
    // It is the engine of this machine that is asked, not this machine's client for another.
    command.env_remove("CONTAINER_HOST");
    if let Some(host) = bench.config.docker.host.as_deref() {
        command.env("DOCKER_HOST", host);
    }
    command
}
