//! What a flaw makes of a process.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use inline_runtime::{ContainerId, ContainerRuntime, Event, Events, ExitStatus, Process, Result, Signal};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::Flaw;

const TRUNCATED_AT: usize = 1 << 20;
const LATENESS: Duration = Duration::from_secs(2);

/// Breaks a process of the container `id` in the way of `flaw`.
pub(super) fn break_process(
    process: Process,
    flaw: Flaw,
    runtime: &Arc<dyn ContainerRuntime>,
    id: &ContainerId,
) -> Process {
    let Process { stdin, events, .. } = process;
    let stdin = match stdin {
        Some(stdin) if flaw == Flaw::InputNeverEnds => {
            let (ours, mut theirs) = tokio::io::duplex(1 << 16);
            tokio::spawn(async move {
                let mut stdin = stdin;
                // The end of what the caller writes is where this stops, with the other side still open.
                drop(tokio::io::copy(&mut theirs, &mut stdin).await);
                std::future::pending::<()>().await;
            });
            Some(Box::pin(ours) as inline_runtime::Stdin)
        }
        other => other,
    };
    let guard = (flaw == Flaw::DropKills).then(|| KillOnDrop(Arc::clone(runtime), id.clone()));
    Process::new(stdin, break_events(events, flaw, guard))
}

fn break_events(events: Events, flaw: Flaw, guard: Option<KillOnDrop>) -> Events {
    match flaw {
        Flaw::ExitLost => events
            .filter(|event| std::future::ready(!matches!(event, Ok(Event::Exited(_)))))
            .boxed(),
        Flaw::ExitTwice => events
            .flat_map(|event| {
                let again = match &event {
                    Ok(Event::Exited(status)) => Some(Ok(Event::Exited(*status))),
                    _ => None,
                };
                stream::iter([event].into_iter().chain(again))
            })
            .boxed(),
        Flaw::OutputHeldBack => held_back(events).boxed(),
        Flaw::OutputReadAhead => read_ahead(events),
        Flaw::OutputTruncated => {
            let mut room = TRUNCATED_AT;
            map_chunks(events, move |chunk| {
                let kept = chunk.slice(..chunk.len().min(room));
                room -= kept.len();
                kept
            })
        }
        Flaw::OutputAsText => map_chunks(events, |chunk| {
            String::from_utf8_lossy(&chunk).into_owned().into_bytes().into()
        }),
        Flaw::ExitLate => events
            .then(async |event| {
                if matches!(event, Ok(Event::Exited(_))) {
                    sleep(LATENESS).await;
                }
                event
            })
            .boxed(),
        _ => events
            .map(move |event| {
                // It lives as long as the stream.
                let _guard = &guard;
                break_event(event, flaw)
            })
            .boxed(),
    }
}

fn break_event(event: Result<Event>, flaw: Flaw) -> Result<Event> {
    let killed = ExitStatus::from_signal(Signal::KILL);
    Ok(match (flaw, event) {
        (Flaw::StreamsSwapped, Ok(Event::Stdout(bytes))) => Event::Stderr(bytes),
        (Flaw::StreamsSwapped | Flaw::StreamsMerged, Ok(Event::Stderr(bytes))) => Event::Stdout(bytes),
        (Flaw::ExitAlwaysZero, Ok(Event::Exited(_))) => Event::Exited(ExitStatus::from_code(0)),
        (Flaw::SignalAsCode, Ok(Event::Exited(status))) => Event::Exited(ExitStatus::from_code(status.shell_code())),
        (Flaw::LossAsExit, Err(_)) => Event::Exited(killed),
        (Flaw::OomUntold, Ok(Event::Exited(status))) => Event::Exited(status.with_oom_killed(false)),
        (Flaw::OomForEveryKill, Ok(Event::Exited(status))) if status.signal() == killed.signal() => {
            Event::Exited(status.with_oom_killed(true))
        }
        (_, event) => event?,
    })
}

fn map_chunks(events: Events, mut change: impl FnMut(Bytes) -> Bytes + Send + 'static) -> Events {
    events
        .map(move |event| {
            Ok(match event? {
                Event::Stdout(chunk) => Event::Stdout(change(chunk)),
                Event::Stderr(chunk) => Event::Stderr(change(chunk)),
                exited @ Event::Exited(_) => exited,
            })
        })
        .boxed()
}

fn held_back(events: Events) -> impl Stream<Item = Result<Event>> {
    stream::once(events.collect::<Vec<_>>()).flat_map(stream::iter)
}

fn read_ahead(mut events: Events) -> Events {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            // The flaw is to go on reading, whoever listens.
            drop(sender.send(event));
        }
    });
    stream::poll_fn(move |context| receiver.poll_recv(context)).boxed()
}

#[derive(Debug)]
struct KillOnDrop(Arc<dyn ContainerRuntime>, ContainerId);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Ok(handle) = Handle::try_current() {
            let (runtime, id) = (Arc::clone(&self.0), self.1.clone());
            drop(handle.spawn(async move { runtime.kill(&id, Signal::KILL).await }));
        }
    }
}
