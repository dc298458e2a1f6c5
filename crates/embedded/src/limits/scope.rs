//! Moves processes with the help of the user's service manager, for users in whose own group nothing is delegated.
//!
//! A process of a login session cannot be moved by its user. The service manager can, into a scope of its own; from there
//! the user may, as both ends are below the same delegated group. A process does not stay in its scope: the service
//! manager ends a scope, the helper with it, when the kernel has killed one process in it for want of memory.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use inline_runtime::{Error, ErrorKind, Result};

use super::hierarchy::Hierarchy;

const TIMEOUT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(1);
const MAX_COMPLAINT_BYTES: u64 = 4096;
/// What the names of scopes start with. Nobody locks a scope, so it must not look like one of our directories: another
/// process that connects would take it for left behind, and kill whom it carries.
const PREFIX: &str = "inline-scope-";

/// Carries processes out of a login session.
#[derive(Clone, Debug)]
pub(super) struct Ferry {
    mount: PathBuf,
}

impl Ferry {
    pub(super) fn of(hierarchy: &Hierarchy) -> Self {
        Self {
            mount: hierarchy.mount.clone(),
        }
    }

    /// Moves a process into a scope and returns the scope's directory, once the process is there.
    pub(super) fn carry(&self, pid: u32) -> Result<PathBuf> {
        let random = getrandom::u64().map_err(|error| {
            Error::new(ErrorKind::Unexpected, "no random number for the name of a scope").with_source(error)
        })?;
        let name = format!("{PREFIX}{random:016x}.scope");
        let mut command = Command::new("busctl");
        command
            .args(["--user", "--quiet", "--timeout=5", "call"])
            .args(["org.freedesktop.systemd1", "/org/freedesktop/systemd1"])
            .args([
                "org.freedesktop.systemd1.Manager",
                "StartTransientUnit",
                "ssa(sv)a(sa(sv))",
            ])
            .args([name.as_str(), "fail", "2"])
            .args(["PIDs", "au", "1", &pid.to_string()])
            .args(["CollectMode", "s", "inactive-or-failed"])
            .arg("0");
        run(command)?;
        self.wait_until_in(pid, &name)
    }

    /// The service manager answers before it has moved the process.
    fn wait_until_in(&self, pid: u32, name: &str) -> Result<PathBuf> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).map_err(|error| {
                Error::new(ErrorKind::Unexpected, "the helper ended before its limits were set").with_source(error)
            })?;
            let path = groups.lines().find_map(|line| line.strip_prefix("0::/"));
            if let Some(path) = path.filter(|path| path.ends_with(name)) {
                return Ok(self.mount.join(path));
            }
            if Instant::now() >= deadline {
                return Err(Error::new(
                    ErrorKind::Timeout,
                    format!("the service manager did not start `{name}` within {TIMEOUT:?}"),
                ));
            }
            thread::sleep(PAUSE);
        }
    }
}

/// Runs a command that answers soon.
fn run(mut command: Command) -> Result<()> {
    let unavailable = |why: String| {
        Error::new(
            ErrorKind::Unavailable,
            format!("the user's service manager did not start a scope: {why}"),
        )
    };
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| unavailable(format!("`busctl`: {error}")))?;
    let deadline = Instant::now() + TIMEOUT;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => thread::sleep(PAUSE),
            other => {
                child.kill().ok();
                child.wait().ok();
                let why = other
                    .err()
                    .map_or_else(|| "no answer".to_owned(), |error| error.to_string());
                return Err(unavailable(why));
            }
        }
    };
    if status.success() {
        return Ok(());
    }
    let mut complaint = String::new();
    if let Some(stderr) = child.stderr.take() {
        stderr.take(MAX_COMPLAINT_BYTES).read_to_string(&mut complaint).ok();
    }
    Err(unavailable(complaint.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::sweep;
    use super::*;

    #[test]
    fn a_scope_is_not_taken_for_a_directory_that_was_left_behind() {
        assert!(!PREFIX.starts_with(sweep::PREFIX));
    }

    #[test]
    fn a_command_that_fails_is_told_with_its_complaint() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no bus >&2; exit 3"]);
        let error = run(command).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().ends_with("no bus"), "{error}");
    }
}
