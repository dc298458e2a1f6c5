//! The engine behind a fake: what it was given, and what it holds.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use inline_runtime::{Capabilities, ContainerId, Error, ErrorKind, Image, Result};

use crate::container::FakeContainer;
use crate::program::Program;
use crate::{Call, Fault, Operation, PullScript};

pub(crate) struct Engine {
    pub(crate) capabilities: Capabilities,
    pub(crate) oci_runtimes: Vec<String>,
    pub(crate) programs: BTreeMap<String, Program>,
    pub(crate) pulls: BTreeMap<String, PullScript>,
    pub(crate) latencies: BTreeMap<Operation, Duration>,
    pub(crate) holdings: Mutex<Holdings>,
}

#[derive(Debug, Default)]
pub(crate) struct Holdings {
    pub(crate) images: BTreeMap<String, Image>,
    pub(crate) containers: Vec<Arc<FakeContainer>>,
    /// How many containers were ever made.
    pub(crate) made: u64,
    pub(crate) calls: Vec<Call>,
    /// By operation and by which call of it, from 1.
    pub(crate) faults: BTreeMap<(Operation, usize), Fault>,
}

impl Engine {
    pub(crate) fn holdings(&self) -> MutexGuard<'_, Holdings> {
        self.holdings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a call down and returns what is to go wrong with it.
    pub(crate) fn note(&self, call: Call) -> Option<Fault> {
        let mut holdings = self.holdings();
        let operation = call.operation();
        holdings.calls.push(call);
        let nth = holdings.count(operation);
        holdings.faults.remove(&(operation, nth))
    }

    pub(crate) fn find(&self, id: &ContainerId) -> Result<Arc<FakeContainer>> {
        let found = self.holdings().find(id);
        found.ok_or_else(|| Error::new(ErrorKind::ContainerNotFound, format!("no container `{id}`")))
    }

    /// Finds a program by its command, and what of the command are its arguments.
    pub(crate) fn program(&self, command: &[String]) -> Result<(Program, Vec<String>)> {
        let base_name = |path: &String| path.rsplit('/').next().unwrap_or_default().to_owned();
        let by_shell = match command {
            [shell, flag, _, name, args @ ..] if base_name(shell).ends_with("sh") && flag == "-c" => {
                self.programs.get(name).map(|program| (program, args))
            }
            _ => None,
        };
        let by_name = || {
            let (first, args) = command.split_first()?;
            Some((self.programs.get(&base_name(first))?, args))
        };
        match by_shell.or_else(by_name) {
            Some((program, args)) => Ok((Arc::clone(program), args.to_vec())),
            None => Err(Error::new(
                ErrorKind::CommandNotFound,
                format!("no program `{}`", command.first().map_or("", String::as_str)),
            )),
        }
    }
}

impl Holdings {
    pub(crate) fn find(&self, id: &ContainerId) -> Option<Arc<FakeContainer>> {
        let is_it = |container: &&Arc<FakeContainer>| container.id == *id || container.spec.name == id.as_str();
        self.containers.iter().find(is_it).cloned()
    }

    pub(crate) fn count(&self, operation: Operation) -> usize {
        let is_it = |call: &&Call| call.operation() == operation;
        self.calls.iter().filter(is_it).count()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("programs", &self.programs.keys())
            .field("holdings", &self.holdings)
            .finish_non_exhaustive()
    }
}
