//! Turns what went wrong in the helper into errors of the contract, with the cure where one is known.

use std::io;

use inline_runtime::{ContainerId, Error, ErrorKind};

use crate::cure::Machine;
use crate::runtime::DRIVER;
use crate::wire::{Failure, Step};

const LINK_IN: &str = "the driver must be linked into the executable itself: a library that another program loads, such as a module of \
                       Python or Node.js, cannot use it; start the command `inline` from there instead";
const NO_IDMAP: &str =
    "put it on a filesystem whose owners can be mapped, such as ext4, xfs, btrfs or tmpfs (Linux 6.3)";

/// Says which operation an error comes from.
pub(crate) fn named(operation: &'static str) -> impl Fn(Error) -> Error + Copy + Send + 'static {
    move |error| error.with_driver(DRIVER).with_operation(operation)
}

/// Creates the error for a container that there is not.
pub(crate) fn no_container(id: &ContainerId) -> Error {
    Error::new(ErrorKind::ContainerNotFound, format!("container `{id}` not found"))
}

/// Creates the error for a container that does not run.
pub(crate) fn not_running(id: &ContainerId) -> Error {
    Error::new(ErrorKind::NotRunning, format!("container `{id}` does not run"))
}

/// Creates the error for a sandbox that ended without saying how.
pub(crate) fn lost() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the sandbox ended without telling how: its helper was killed",
    )
}

/// Creates the error for a helper that could not be reached at all.
pub(crate) fn no_helper(source: io::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the helper, this executable once more, did not start",
    )
    .with_hint(LINK_IN)
    .with_source(source)
}

/// Creates the error for a driver in a file that is not the executable.
pub(crate) fn not_linked_in(file: &str) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("the executable cannot be the helper, since the driver is in `{file}`"),
    )
    .with_hint(LINK_IN)
}

/// Turns a failure of the helper into an error of the contract.
pub(crate) fn from_helper(failure: &Failure) -> Error {
    let Failure { step, subject, errno } = failure;
    let source = io::Error::from_raw_os_error(*errno);
    let cure = || Machine::here().cure(*step, *errno);
    let (kind, message, hint) = match step {
        _ if *errno == libc::ENOSYS => (
            ErrorKind::Unsupported,
            format!("this kernel lacks a system call that sandboxes are made with ({step:?}: {subject})"),
            cure(),
        ),
        Step::UserNamespace => (refusal(*errno), "no user namespace can be made".to_owned(), cure()),
        Step::Namespaces | Step::Network => (
            refusal(*errno),
            format!("no namespaces can be made ({subject})"),
            cure(),
        ),
        Step::Limits => (
            refusal(*errno),
            "the control groups of the container cannot be entered".to_owned(),
            None,
        ),
        Step::Root => (
            refusal(*errno),
            format!("the root filesystem cannot be put together (`{subject}`)"),
            cure(),
        ),
        Step::Source => (
            match *errno {
                libc::EACCES | libc::EPERM => ErrorKind::PermissionDenied,
                _ => ErrorKind::InvalidSpec,
            },
            format!("`{subject}` cannot be mounted"),
            None,
        ),
        Step::Idmap => (
            ErrorKind::Unsupported,
            format!("the owners of files in `{subject}` cannot be mapped"),
            Some(NO_IDMAP),
        ),
        Step::Mount => (
            ErrorKind::InvalidSpec,
            format!("nothing can be mounted on `{subject}`"),
            None,
        ),
        Step::Proc => (
            refusal(*errno),
            format!("no `/proc` can be mounted ({subject})"),
            cure(),
        ),
        Step::User => (ErrorKind::InvalidSpec, format!("`user` cannot be {subject}"), None),
        Step::WorkingDirectory => (
            ErrorKind::InvalidSpec,
            format!("`{subject}` is no directory to start in"),
            None,
        ),
        Step::Ulimit => (
            ErrorKind::Unsupported,
            format!("ulimit `{subject}` cannot be set"),
            Some("ask for no more than the hard limit that this process has, or run it as root"),
        ),
        Step::OomScore => (
            ErrorKind::Unsupported,
            format!("`oom_score_adj` cannot be {subject}"),
            Some("ask for no less than this process has, or run it as root"),
        ),
        Step::Fork => (ErrorKind::ResourceExhausted, "no process can be made".to_owned(), None),
        Step::Execute => execute(*errno, subject),
        Step::Signal => (signal(*errno), format!("signal {subject} was not sent"), None),
        Step::Privileges | Step::Seccomp | Step::Protocol => (
            ErrorKind::Unexpected,
            format!("the helper failed ({step:?}: {subject})"),
            None,
        ),
    };
    let error = Error::new(kind, message).with_source(source);
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

type Parts = (ErrorKind, String, Option<&'static str>);

fn execute(errno: i32, program: &str) -> Parts {
    match errno {
        libc::E2BIG => (
            ErrorKind::InvalidSpec,
            "arguments and variables are larger than the kernel takes".to_owned(),
            None,
        ),
        libc::ENOMEM | libc::EAGAIN => (ErrorKind::ResourceExhausted, format!("no memory for `{program}`"), None),
        libc::ENOENT | libc::ENOTDIR => (ErrorKind::CommandNotFound, format!("`{program}` not found"), None),
        _ => (
            ErrorKind::CommandNotFound,
            format!("`{program}` cannot be executed"),
            None,
        ),
    }
}

fn signal(errno: i32) -> ErrorKind {
    match errno {
        libc::ESRCH => ErrorKind::NotRunning,
        libc::EINVAL => ErrorKind::InvalidSpec,
        _ => ErrorKind::Unexpected,
    }
}

fn refusal(errno: i32) -> ErrorKind {
    match errno {
        libc::EACCES | libc::EPERM => ErrorKind::PermissionDenied,
        libc::ENOSPC | libc::ENOMEM | libc::EAGAIN | libc::EMFILE | libc::ENFILE => ErrorKind::ResourceExhausted,
        libc::EINVAL => ErrorKind::Unsupported,
        _ => ErrorKind::Unexpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_the_kinds_that_callers_branch_on() {
        for (step, errno, kind) in [
            (Step::Execute, libc::ENOENT, ErrorKind::CommandNotFound),
            (Step::Execute, libc::EACCES, ErrorKind::CommandNotFound),
            (Step::Execute, libc::ENOEXEC, ErrorKind::CommandNotFound),
            (Step::Execute, libc::E2BIG, ErrorKind::InvalidSpec),
            (Step::UserNamespace, libc::EPERM, ErrorKind::PermissionDenied),
            (Step::UserNamespace, libc::ENOSPC, ErrorKind::ResourceExhausted),
            (Step::Source, libc::ENOENT, ErrorKind::InvalidSpec),
            (Step::Signal, libc::ESRCH, ErrorKind::NotRunning),
            (Step::Fork, libc::EAGAIN, ErrorKind::ResourceExhausted),
        ] {
            let subject = "x".to_owned();
            let error = from_helper(&Failure { step, subject, errno });
            assert_eq!(error.kind(), kind, "{step:?} {errno}");
        }
    }
}
