//! One container of the fake: its life, and the processes in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::stream;
use inline_runtime::{
    Container, ContainerId, ContainerSpec, Error, ErrorKind, Event, Events, ExecSpec, ExitStatus, Process, Result,
    Signal, State, Stats, Stdin,
};
use tokio::io::{AsyncRead, BufReader, duplex, empty};
use tokio::sync::{mpsc, oneshot, watch};

use crate::fault::StreamFault;
use crate::link::Link;
use crate::program::{FakeProcess, Files, Program};

/// How many chunks of output lie between a program and its reader before the program waits.
const PIPE_CHUNKS: usize = 16;
/// How many bytes of input lie between a writer and the program before the writer waits, as in a pipe of Linux.
const PIPE_BYTES: usize = 64 << 10;
/// How a program that panicked has ended, as a Rust program does.
const PANICKED: u8 = 101;

#[derive(Debug)]
pub(crate) struct FakeContainer {
    pub(crate) id: ContainerId,
    pub(crate) spec: ContainerSpec,
    pub(crate) files: Files,
    life: Mutex<Life>,
    /// Set when all processes must go.
    killed: watch::Sender<bool>,
}

#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) state: State,
    pub(crate) stats: Stats,
    signals: Option<mpsc::UnboundedSender<Signal>>,
    /// The pipes of processes that nobody reads any more: they fill up, and then the processes wait.
    abandoned: Vec<mpsc::Receiver<Event>>,
}

/// What is run: the main process of a container or a further one.
pub(crate) struct Launch {
    pub(crate) program: Program,
    pub(crate) command: Vec<String>,
    pub(crate) args: Vec<String>,
    pub(crate) further: Option<ExecSpec>,
    pub(crate) fault: Option<StreamFault>,
}

impl FakeContainer {
    pub(crate) fn new(id: ContainerId, spec: ContainerSpec) -> Self {
        Self {
            id,
            spec,
            files: Files::default(),
            life: Mutex::new(Life {
                state: State::Created,
                stats: Stats::default(),
                signals: None,
                abandoned: Vec::new(),
            }),
            killed: watch::Sender::new(false),
        }
    }

    pub(crate) fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn describe(&self) -> Container {
        let labels = self.spec.labels.clone();
        Container::new(self.id.clone(), &self.spec.name, labels, self.life().state)
    }

    pub(crate) fn ensure_running(&self) -> Result<()> {
        if self.life().state.is_running() {
            return Ok(());
        }
        let name = &self.spec.name;
        Err(Error::new(
            ErrorKind::NotRunning,
            format!("container `{name}` is not running"),
        ))
    }

    /// Marks the container as running, which can be done once.
    pub(crate) fn begin(&self) -> Result<()> {
        let mut life = self.life();
        if life.state != State::Created {
            let name = &self.spec.name;
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("container `{name}` was started before"),
            ));
        }
        life.state = State::Running;
        Ok(())
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        self.ensure_running()?;
        if signal == Signal::KILL {
            self.kill();
        } else if let Some(signals) = &self.life().signals {
            // A program that is just ending hears nothing more.
            let _ = signals.send(signal);
        }
        Ok(())
    }

    pub(crate) fn kill(&self) {
        self.killed.send_replace(true);
    }

    /// Waits until the main process has ended, if there is one.
    pub(crate) async fn ended(&self) {
        let mut killed = self.killed.subscribe();
        while self.life().state.is_running() {
            // The main task tells once more when it is through; the sender lives as long as `self`.
            drop(killed.changed().await);
        }
    }

    /// Runs a process and returns the caller's end of it.
    pub(crate) fn launch(self: &Arc<Self>, launch: Launch, link: Arc<Link>) -> Process {
        let spec = &self.spec;
        let further = launch.further.unwrap_or_default();
        let is_main = further.cmd.is_empty();
        let has_stdin = if is_main { spec.stdin } else { further.stdin };
        let (stdin, input): (_, Box<dyn AsyncRead + Send + Sync + Unpin>) = if has_stdin {
            let (ours, theirs) = duplex(PIPE_BYTES);
            (Some(Box::pin(ours) as Stdin), Box::new(theirs))
        } else {
            (None, Box::new(empty()))
        };
        let (output, events) = mpsc::channel(PIPE_CHUNKS);
        let (sender, signals) = mpsc::unbounded_channel();
        {
            let mut life = self.life();
            life.stats.pids += 1;
            if is_main {
                life.signals = Some(sender);
            }
        }
        let mut env = spec.env.clone();
        env.extend(further.env);
        let process = FakeProcess {
            command: launch.command,
            args: launch.args,
            env,
            working_dir: further.working_dir.or_else(|| spec.working_dir.clone()),
            user: further.user.or_else(|| spec.user.clone()),
            is_main,
            container: Arc::clone(self),
            stdin: BufReader::new(input),
            output,
            signals,
        };
        let (doom, doomed) = oneshot::channel();
        let (exited, exit) = oneshot::channel();
        let container = Arc::clone(self);
        let mut killed = self.killed.subscribe();
        tokio::spawn(async move {
            let mut work = tokio::spawn((launch.program)(process));
            let status = tokio::select! {
                biased;
                Ok(_) = killed.wait_for(|killed| *killed) => ExitStatus::from_signal(Signal::KILL),
                Ok(status) = doomed => status,
                ended = &mut work => ended.unwrap_or_else(|_| ExitStatus::from_code(PANICKED)),
            };
            if !work.is_finished() {
                work.abort();
                // What is waited for is that the program is gone, not how it went.
                drop(work.await);
            }
            container.leave(is_main, status);
            // Nobody may be there to hear it.
            let _ = exited.send(status);
        });
        let reading = Reading {
            container: Arc::clone(self),
            events,
            exit,
            link,
            fault: launch.fault,
            doom: Some(doom),
            delivered: 0,
        };
        Process::new(stdin, reading.into_events())
    }

    fn leave(&self, is_main: bool, status: ExitStatus) {
        let mut life = self.life();
        life.stats.pids -= 1;
        if is_main {
            life.state = State::Exited(Some(status));
            life.signals = None;
            life.abandoned.clear();
            drop(life);
            // The others go with the first, and whoever waits for the end is told.
            self.kill();
        }
    }
}

/// The reader's end of a process.
struct Reading {
    container: Arc<FakeContainer>,
    events: mpsc::Receiver<Event>,
    exit: oneshot::Receiver<ExitStatus>,
    link: Arc<Link>,
    fault: Option<StreamFault>,
    doom: Option<oneshot::Sender<ExitStatus>>,
    delivered: usize,
}

impl Reading {
    fn into_events(self) -> Events {
        let events = stream::unfold(Some(self), async |reading| {
            let mut reading = reading?;
            match reading.next().await {
                Ok(event @ Event::Exited(_)) => Some((Ok(event), None)),
                Ok(event) => Some((Ok(event), Some(reading))),
                Err(error) => Some((Err(error), None)),
            }
        });
        Box::pin(events)
    }

    async fn next(&mut self) -> Result<Event> {
        match self.fault {
            Some(StreamFault::LoseAfter(events)) if self.delivered >= events => {
                return Err(self.link.lost());
            }
            Some(StreamFault::DieAfter(events, status)) if self.delivered >= events => {
                if let Some(doom) = self.doom.take() {
                    // A process that has ended by itself cannot die any more.
                    let _ = doom.send(status);
                }
            }
            _ => {}
        }
        self.delivered += 1;
        let next = async {
            match self.events.recv().await {
                Some(event) => Ok(event),
                None => match (&mut self.exit).await {
                    Ok(status) => Ok(Event::Exited(status)),
                    Err(_) => Err(self.link.lost()),
                },
            }
        };
        tokio::select! {
            biased;
            () = self.link.severed() => Err(self.link.lost()),
            event = next => event,
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let (_, closed) = mpsc::channel(1);
        let events = std::mem::replace(&mut self.events, closed);
        let mut life = self.container.life();
        if life.state.is_running() {
            life.abandoned.push(events);
        }
    }
}
