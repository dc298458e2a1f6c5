//! Finds out by effect what binds: limits of every kind are set, and a process is moved in and measured.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use inline_runtime::{Result, Support};

use super::Limits;
use super::controller::Controller;
use super::place::Place;
use super::scope::Ferry;

/// Limits that no machine is too small for.
pub(super) const LIMITS: Limits = Limits {
    memory: Some(64 << 20),
    memory_swap: None,
    nano_cpus: Some(100_000_000),
    pids_limit: Some(8),
};

/// What binds, each with its own reason where it does not.
#[derive(Clone, Debug)]
pub(super) struct Bindings {
    pub(super) memory: Support,
    pub(super) pids: Support,
    pub(super) cpu: Support,
    pub(super) stats: Support,
}

impl Bindings {
    /// Says that nothing binds, for one reason.
    pub(super) fn none(why: &str) -> Self {
        Self {
            memory: Support::absent(why),
            pids: Support::absent(why),
            cpu: Support::absent(why),
            stats: Support::absent(why),
        }
    }

    /// Moves a process into a place and says what binds there; `limit` sets one kind of limit and says why it cannot.
    pub(super) fn of(place: &Place, limit: impl Fn(Controller) -> Result<(), String>) -> Self {
        let entered = Idle::start().and_then(|idle| {
            place.enter(idle.child.id()).map_err(|error| cause(&error))?;
            Ok(idle)
        });
        let idle = match entered {
            Ok(idle) => idle,
            Err(why) => return Self::none(&why),
        };
        let support = |controller| match limit(controller).and_then(|()| place.holds(controller, idle.child.id())) {
            Ok(()) => Support::Present,
            Err(why) => Support::Absent { why },
        };
        Self {
            memory: support(Controller::Memory),
            pids: support(Controller::Pids),
            cpu: support(Controller::Cpu),
            stats: match place.stats() {
                Ok(_) => Support::Present,
                Err(error) => Support::absent(cause(&error)),
            },
        }
    }
}

/// Returns what went wrong with what the kernel said, in one line.
pub(super) fn cause(error: &inline_runtime::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{}: {source}", error.message()),
        None => error.message().to_owned(),
    }
}

/// Where the process to probe with is, whatever `PATH` the caller has.
const PATH: &str = "/usr/bin:/bin";

/// A process that does nothing until it is dropped.
pub(super) struct Idle {
    child: Child,
}

impl Idle {
    /// Starts what waits for the end of its input, which comes also if this process is killed.
    pub(super) fn start() -> Result<Self, String> {
        Command::new("cat")
            .env_clear()
            .env("PATH", PATH)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(|child| Self { child })
            .map_err(|error| format!("no process to probe with, `cat`: {error}"))
    }

    /// Has itself moved into a scope and returns the scope's directory.
    pub(super) fn carried(&self, ferry: &Ferry) -> Result<PathBuf> {
        ferry.carry(self.child.id())
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
