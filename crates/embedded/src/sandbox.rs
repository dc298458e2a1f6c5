//! One running container, as its helper tells of it.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use inline_runtime::{Error, ErrorKind, Process, Result, Signal, Stats};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::timeout;

use crate::channel::Outgoing;
use crate::error::{from_helper, lost, no_helper};
use crate::host_user::Block;
use crate::limits::Place;
use crate::link::Sender;
use crate::listener::{END_TIME, Running, Shared, listen};
use crate::pipes::{Input, Pipes};
use crate::spawn::{Helper, Trust};
use crate::store::StoredImage;
use crate::stream::{Exit, events};
use crate::wire::{Launch, Numbered, Program, Reply, Request};

/// What a sandbox needs besides what its helper is told.
#[derive(Debug)]
pub(crate) struct Resources {
    pub(crate) place: Place,
    /// The users of the host that the sandbox's are.
    pub(crate) block: Option<Block>,
    /// Keeps the files of the image.
    pub(crate) image: Option<StoredImage>,
    /// The filter of system calls, in a file.
    pub(crate) filter: Arc<File>,
    /// Whether the helper is known to be one.
    pub(crate) trust: Trust,
    /// The bound on each call.
    pub(crate) call_timeout: Duration,
}

/// A helper and what runs in it. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Sandbox {
    sender: Sender,
    shared: Arc<Shared>,
    call_timeout: Duration,
    /// Who may open the pipes of processes once more, if that is not this user.
    pipe_owner: Option<(u32, u32)>,
    is_gone: watch::Receiver<bool>,
}

impl Sandbox {
    /// Makes a sandbox and runs its main program; leaves nothing if it cannot.
    pub(crate) async fn launch(
        mut helper: Helper,
        launch: Launch,
        with_stdin: bool,
        resources: Resources,
    ) -> Result<(Self, Process)> {
        let users = launch.users;
        let pipe_owner = users.is_privileged().then_some((users.host_uid, users.host_gid));
        let pipes = Pipes::new(with_stdin, pipe_owner).map_err(no_pipes)?;
        helper.check(resources.trust).await.map_err(no_helper)?;
        let Helper { child, link } = helper;
        let doors = resources.place.doors()?;
        if doors.is_empty()
            && let Some(id) = child.id()
        {
            resources.place.enter(id)?;
        }
        let (gone, is_gone) = watch::channel(false);
        let sandbox = Self {
            sender: link.sender(),
            shared: Arc::new(Shared {
                used: OnceLock::new(),
                place: Mutex::new(Some(resources.place)),
                state: Mutex::default(),
                ending: Notify::new(),
                main: watch::channel(Exit::Running).0,
            }),
            call_timeout: resources.call_timeout,
            pipe_owner,
            is_gone,
        };
        drop(tokio::spawn(listen(
            link,
            child,
            Arc::clone(&sandbox.shared),
            (resources.block, resources.image),
            gone,
        )));
        let request = Request::Launch(Box::new(launch));
        let files: Vec<_> = [&*resources.filter]
            .into_iter()
            .chain(&doors)
            .map(AsFd::as_fd)
            .collect();
        match sandbox.run(request, pipes, &files, "start").await {
            Ok(process) => Ok((sandbox, process)),
            Err(error) => {
                // The first error is the one that tells.
                drop(sandbox.end().await);
                Err(error)
            }
        }
    }

    /// Runs a further program.
    pub(crate) async fn exec(&self, program: Program, with_stdin: bool) -> Result<Process> {
        let pipes = Pipes::new(with_stdin, self.pipe_owner).map_err(no_pipes)?;
        self.run(Request::Exec(program), pipes, &[], "exec").await
    }

    /// Sends a signal to the main program.
    pub(crate) async fn signal(&self, signal: Signal) -> Result<()> {
        let number = self.shared.state().next_number();
        self.ask(number, Request::Signal(signal.number()), &[]).await.map(drop)
    }

    /// Measures what runs in it, or tells what was used when the main program ended.
    pub(crate) fn stats(&self) -> Result<Stats> {
        if self.exit() != Exit::Running {
            return self.shared.used();
        }
        match &*self.shared.place() {
            Some(place) => place.stats(),
            None => Err(lost()),
        }
    }

    /// Returns how the main program ended, if it has.
    pub(crate) fn exit(&self) -> Exit {
        *self.shared.main.borrow()
    }

    /// Ends it, whatever runs in it; returns when all of it is gone.
    pub(crate) async fn end(&self) -> Result<()> {
        self.close();
        let mut is_gone = self.is_gone.clone();
        let limit = 2 * END_TIME;
        match timeout(limit, is_gone.wait_for(|is_gone| *is_gone)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Error::new(
                ErrorKind::Unexpected,
                "the end of the sandbox was not waited for",
            )),
            Err(_) => Err(too_slow("the end of the sandbox", limit)),
        }
    }

    fn close(&self) {
        self.shared.state().is_ending = true;
        self.sender.close();
        self.shared.ending.notify_one();
    }

    async fn run(
        &self,
        request: Request,
        pipes: Pipes,
        files: &[BorrowedFd<'_>],
        operation: &'static str,
    ) -> Result<Process> {
        let (exit, ended) = watch::channel(Exit::Running);
        let running = Running {
            exit,
            oom_kills_before: self.shared.oom_kills(),
            _output: Arc::clone(&pipes.output),
        };
        let number = {
            let mut state = self.shared.state();
            let number = state.next_number();
            state.processes.insert(number, running);
            number
        };
        let theirs = pipes.theirs.iter().map(AsFd::as_fd);
        let descriptors: Vec<_> = theirs.chain(files.iter().copied()).collect();
        if let Err(error) = self.ask(number, request, &descriptors).await {
            self.shared.state().processes.remove(&number);
            return Err(error);
        }
        let stdin = pipes.input.map(Input::into_stdin);
        Ok(Process::new(stdin, events(pipes.output, ended, operation)))
    }

    async fn ask(&self, number: u64, body: Request, descriptors: &[BorrowedFd<'_>]) -> Result<()> {
        let (sender, reply) = oneshot::channel();
        self.shared.state().waiting.insert(number, sender);
        let ask = async {
            let message = Outgoing::new(&Numbered { number, body }).map_err(|error| {
                Error::new(ErrorKind::InvalidSpec, "arguments and variables are too large").with_source(error)
            })?;
            match self.sender.send(&message, descriptors).await {
                Ok(()) => reply.await.map_err(|_| lost()),
                Err(error) => Err(lost().with_source(error)),
            }
        };
        let answer = timeout(self.call_timeout, ask).await;
        self.shared.state().waiting.remove(&number);
        match answer.map_err(|_| too_slow("the helper", self.call_timeout))?? {
            Reply::Started | Reply::Done => Ok(()),
            Reply::Failed(failure) => Err(from_helper(&failure)),
            Reply::Hello(_) | Reply::Exited(_) => Err(Error::new(ErrorKind::Unexpected, "the helper answered amiss")),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.close();
    }
}

fn no_pipes(source: std::io::Error) -> Error {
    Error::new(ErrorKind::ResourceExhausted, "no pipes can be made for a process").with_source(source)
}

fn too_slow(what: &str, limit: Duration) -> Error {
    let seconds = limit.as_secs_f64();
    Error::new(ErrorKind::Timeout, format!("{what} took longer than {seconds} s")).with_hint("raise `call_timeout`")
}
