//! Listens to a helper: answers, ends of programs, and its own end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use inline_runtime::{ExitStatus, Result, Signal, Stats};
use tokio::process::Child;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::timeout;

use crate::error::lost;
use crate::host_user::Block;
use crate::limits::Place;
use crate::link::Link;
use crate::pipes::Output;
use crate::store::StoredImage;
use crate::stream::Exit;
use crate::wire::{End, Numbered, Reply};

/// How long a helper may take to end once its connection is closed: the kernel kills what is left in it.
pub(crate) const END_TIME: Duration = Duration::from_secs(5);
/// What a shell exits with whose command was killed.
const KILLED: u8 = 137;
/// The number of the main program.
const MAIN: u64 = 1;

/// What the sandbox knows, and so does the task that listens to its helper.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Taken in the end.
    pub(crate) place: Mutex<Option<Place>>,
    pub(crate) state: Mutex<State>,
    /// Told once we end it.
    pub(crate) ending: Notify,
    pub(crate) main: watch::Sender<Exit>,
    /// What was used when the main program ended, once somebody has asked.
    pub(crate) used: OnceLock<Stats>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) last_number: u64,
    /// Whether we end it, so that what still runs in it is known to be killed.
    pub(crate) is_ending: bool,
    pub(crate) waiting: HashMap<u64, oneshot::Sender<Reply>>,
    pub(crate) processes: HashMap<u64, Running>,
}

#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) exit: watch::Sender<Exit>,
    pub(crate) oom_kills_before: u64,
    pub(crate) _output: Arc<Output>,
}

impl State {
    /// The main program has the first number.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn place(&self) -> MutexGuard<'_, Option<Place>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn oom_kills(&self) -> u64 {
        self.place().as_ref().map_or(0, Place::oom_kills)
    }

    /// Returns what was used when the main program ended.
    ///
    /// It is measured when it is first asked for, since most never do: the programs are gone, and their groups tell until
    /// they are removed.
    pub(crate) fn used(&self) -> Result<Stats> {
        let place = self.place();
        match (self.used.get(), &*place) {
            (Some(used), _) => Ok(*used),
            (None, Some(place)) => {
                let mut stats = place.stats()?;
                // What is left is the helper's own.
                (stats.pids, stats.memory) = (0, 0);
                Ok(*self.used.get_or_init(|| stats))
            }
            (None, None) => Err(lost()),
        }
    }

    /// Takes in what the helper says.
    fn hear(&self, Numbered { number, body }: Numbered<Reply>) {
        let Reply::Exited(end) = body else {
            if let Some(waiting) = self.state().waiting.remove(&number) {
                // Whoever asked may have given up.
                drop(waiting.send(body));
            }
            return;
        };
        let Some(running) = self.state().processes.remove(&number) else {
            return;
        };
        let status = match end {
            End::Code(code) => Some(ExitStatus::from_code(code)),
            End::Signal(signal) => Signal::from_number(signal.into()).ok().map(ExitStatus::from_signal),
        };
        let exit = status.map_or(Exit::Lost, |status| {
            let is_oom = status.shell_code() == KILLED && self.oom_kills() > running.oom_kills_before;
            Exit::Ended(status.with_oom_killed(is_oom))
        });
        if number == MAIN {
            self.main.send_replace(exit);
        }
        running.exit.send_replace(exit);
    }

    /// Takes in that the helper is gone, with all that ran.
    fn finish(&self) {
        let mut state = self.state();
        let exit = if state.is_ending {
            Exit::Ended(ExitStatus::from_signal(Signal::KILL))
        } else {
            Exit::Lost
        };
        self.main.send_if_modified(|main| {
            let is_new = *main == Exit::Running;
            if is_new {
                *main = exit;
            }
            is_new
        });
        state.waiting.clear();
        for (_, running) in state.processes.drain() {
            running.exit.send_replace(exit);
        }
    }
}

/// Listens to a helper until all that ran is gone, and cleans up after it.
///
/// The connection closes when that is so. The kernel is still busy with what is left of the helper itself then, in which no
/// program runs and which nobody else needs to wait for.
pub(crate) async fn listen(
    mut link: Link,
    mut child: Child,
    shared: Arc<Shared>,
    held: (Option<Block>, Option<StoredImage>),
    gone: watch::Sender<bool>,
) {
    tokio::select! {
        () = hear_all(&mut link, &shared) => {}
        () = shared.ending.notified() => {}
    }
    link.sender().close();
    if timeout(END_TIME, hear_all(&mut link, &shared)).await.is_err() {
        kill(&mut child, &shared).await;
    }
    shared.finish();
    if !shared.state().is_ending
        && let Err(error) = shared.used()
    {
        tracing::debug!(%error, "what a container has used is not known");
    }
    let place = shared.place().take();
    if place.as_ref().is_some_and(Place::has_whole_helper) {
        reap(&mut child, &shared).await;
    }
    // The kernel takes a moment to let go of a group, in which nothing else should wait.
    let removed = tokio::task::spawn_blocking(move || {
        drop(held);
        place.map_or(Ok(()), Place::remove)
    });
    match removed.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the place of a sandbox stays behind"),
        Err(error) => tracing::warn!(%error, "the place of a sandbox stays behind"),
    }
    gone.send_replace(true);
    reap(&mut child, &shared).await;
}

async fn hear_all(link: &mut Link, shared: &Shared) {
    while let Ok(Some(message)) = link.receive().await {
        match message.decode() {
            Ok(reply) => shared.hear(reply),
            Err(error) => tracing::error!(%error, "a helper said something that makes no sense"),
        }
    }
}

/// Waits for the end of the helper's first process, which nothing keeps from it any more.
async fn reap(child: &mut Child, shared: &Shared) {
    if timeout(END_TIME, child.wait()).await.is_err() {
        kill(child, shared).await;
    }
}

async fn kill(child: &mut Child, shared: &Shared) {
    tracing::warn!("a helper did not end by itself");
    let killed = shared.place().as_ref().map_or(Ok(()), Place::kill_all);
    if let Err(error) = killed {
        tracing::warn!(%error, "what ran in a sandbox cannot be killed at once");
    }
    if let Err(error) = child.kill().await {
        tracing::warn!(%error, "a helper cannot be killed");
    }
}
