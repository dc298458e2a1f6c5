//! The last steps of a process of ours on its way to be a program of the user's.

use std::ffi::{CString, NulError};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use inline_runtime::{Ulimit, UlimitName};
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::{Streams, user_namespace};
use crate::seccomp::Filter;
use crate::sys;
use crate::wire::{Failure, Program, Restrictions, Step};

/// Capabilities have numbers below this one.
const CAPABILITIES: u32 = 64;

/// What a program is confined by.
pub(super) struct Confinement<'a> {
    pub(super) restrictions: &'a Restrictions,
    pub(super) filter: &'a Filter,
    pub(super) identity: Identity<'a>,
}

/// How a process becomes the program's user.
pub(super) enum Identity<'a> {
    /// It is that user already.
    Kept,
    /// It changes its user.
    Changed,
    /// It enters the namespace of that user.
    Entered(BorrowedFd<'a>),
}

/// Becomes a program; returns only if it cannot, with the reason. `report` is closed once it has.
pub(super) fn become_program(
    program: &Program,
    confinement: &Confinement<'_>,
    streams: &Streams,
    report: &OwnedFd,
) -> Failure {
    match prepare(program, confinement, streams, report) {
        Ok(command) => command.execute(),
        Err(failure) => failure,
    }
}

fn prepare(
    program: &Program,
    confinement: &Confinement<'_>,
    streams: &Streams,
    report: &OwnedFd,
) -> Result<Command, Failure> {
    // Memory is allocated before there is a limit on it.
    let command = Command::new(program).map_err(|_| Failure {
        step: Step::Protocol,
        subject: "a NUL byte".to_owned(),
        errno: 0,
    })?;
    let restrictions = confinement.restrictions;
    rustix::process::setsid().map_err(Step::User.at("session"))?;
    connect(streams).map_err(Step::Execute.at("streams"))?;
    // What stays is the report, until the program runs.
    sys::close_on_exec_from(3).map_err(Step::Execute.at("descriptors"))?;
    rustix::io::fcntl_setfd(report, rustix::io::FdFlags::CLOEXEC).map_err(Step::Execute.at("descriptors"))?;
    match confinement.identity {
        Identity::Kept => {}
        Identity::Changed => user_namespace::become_user(program.uid, program.gid)?,
        Identity::Entered(namespace) => user_namespace::join(namespace)?,
    }
    rustix::process::chdir(&program.working_dir).map_err(Step::WorkingDirectory.at(&program.working_dir))?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    for ulimit in &restrictions.ulimits {
        let limit = Rlimit {
            current: Some(ulimit.soft),
            maximum: Some(ulimit.hard),
        };
        rustix::process::setrlimit(resource(ulimit), limit).map_err(Step::Ulimit.at(ulimit.name.name()))?;
    }
    drop_bounding_set(restrictions.capabilities).map_err(Step::Privileges.at("bounding set"))?;
    for (resource, value, name) in [
        (Resource::As, restrictions.limits.address_space, "memory"),
        (Resource::Nproc, restrictions.limits.processes, "pids_limit"),
    ] {
        let Some(value) = value else { continue };
        let limit = Rlimit {
            current: Some(value),
            maximum: Some(value),
        };
        rustix::process::setrlimit(resource, limit).map_err(Step::Ulimit.at(name))?;
    }
    confine(restrictions, confinement.filter)?;
    Ok(command)
}

/// Without new privileges the filter comes last. To load one where they may be gained takes a capability, so there it comes
/// before they are given up.
fn confine(restrictions: &Restrictions, filter: &Filter) -> Result<(), Failure> {
    // Of these a program of root keeps what it is to have, and any other one nothing: the kernel sees to it.
    let kept = CapabilitySet::from_bits_retain(restrictions.capabilities);
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    let give_up = || rustix::thread::set_capabilities(None, sets).map_err(Step::Privileges.at("capabilities"));
    if restrictions.no_new_privileges {
        give_up()?;
        filter.load().map_err(Step::Seccomp.at("load"))
    } else {
        sys::load_filter(filter.instructions()).map_err(Step::Seccomp.at("load"))?;
        give_up()
    }
}

fn connect(streams: &Streams) -> Result<(), Errno> {
    rustix::stdio::dup2_stdin(&streams.stdin)?;
    rustix::stdio::dup2_stdout(&streams.stdout)?;
    rustix::stdio::dup2_stderr(&streams.stderr)
}

fn drop_bounding_set(keep: u64) -> Result<(), Errno> {
    rustix::thread::clear_ambient_capability_set()?;
    for number in 0..CAPABILITIES {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        if keep & capability.bits() == 0 {
            match rustix::thread::remove_capability_from_bounding_set(capability) {
                // Past the last one that this kernel has.
                Err(Errno::INVAL) => break,
                result => result?,
            }
        }
    }
    Ok(())
}

/// Raises the hard limits that a program is to have above ours, while that is still allowed.
pub(super) fn raise_hard_limits(ulimits: &[Ulimit]) -> Result<(), Failure> {
    for ulimit in ulimits {
        let now = rustix::process::getrlimit(resource(ulimit));
        if now.maximum.is_some_and(|maximum| maximum < ulimit.hard) {
            let raised = Rlimit {
                current: now.current,
                maximum: Some(ulimit.hard),
            };
            rustix::process::setrlimit(resource(ulimit), raised).map_err(Step::Ulimit.at(ulimit.name.name()))?;
        }
    }
    Ok(())
}

fn resource(ulimit: &Ulimit) -> Resource {
    match ulimit.name {
        UlimitName::Cpu => Resource::Cpu,
        UlimitName::Fsize => Resource::Fsize,
        UlimitName::Memlock => Resource::Memlock,
        UlimitName::Nofile => Resource::Nofile,
        UlimitName::Stack => Resource::Stack,
        // The driver sends no other that is not known here.
        _ => Resource::Core,
    }
}

/// A program with its arguments and variables, as the kernel takes them.
struct Command {
    name: String,
    candidates: Vec<CString>,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Command {
    fn new(program: &Program) -> Result<Self, NulError> {
        let strings =
            |texts: &[String]| -> Result<Vec<_>, _> { texts.iter().map(|text| CString::new(text.as_str())).collect() };
        let name = program.arguments.first().cloned().unwrap_or_default();
        let candidates = if name.contains('/') {
            vec![CString::new(name.as_str())?]
        } else {
            let directories = program.search_path.split(':').filter(|directory| !directory.is_empty());
            directories
                .map(|directory| CString::new(format!("{directory}/{name}")))
                .collect::<Result<_, _>>()?
        };
        Ok(Self {
            name,
            candidates,
            arguments: strings(&program.arguments)?,
            environment: strings(&program.environment)?,
        })
    }

    /// Executes the first candidate that there is.
    fn execute(self) -> Failure {
        let mut worst = nix::errno::Errno::ENOENT;
        for candidate in &self.candidates {
            let Err(errno) = nix::unistd::execve(candidate, &self.arguments, &self.environment);
            match errno {
                nix::errno::Errno::ENOENT | nix::errno::Errno::ENOTDIR => {}
                // Something of that name that cannot be executed; there may be another that can.
                nix::errno::Errno::EACCES => worst = errno,
                errno => return Step::Execute.at(self.name)(io::Error::from(errno)),
            }
        }
        Step::Execute.at(self.name)(io::Error::from(worst))
    }
}
