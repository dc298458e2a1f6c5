//! What runs between an attached process and the reader of its events: frames in, events out, the exit last.

use std::time::Duration;

use async_trait::async_trait;
use futures::io::AsyncWriteExt;
use futures::stream;
use inline_runtime::{Error, ErrorKind, Event, Events, ExitStatus, Process, Result, Stdin};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::error::named;
use crate::frames::Frames;
use crate::interjection::Interjections;
use crate::raw::{Reader, Writer};
use crate::task::AbortOnDrop;

/// How many events wait for a reader before the process is held up.
const QUEUED_EVENTS: usize = 16;
/// How much input waits for a process that does not read.
const STDIN_BUFFER_BYTES: usize = 64 << 10;
const STDIN_CHUNK_BYTES: usize = 16 << 10;
/// How often the exit is looked for: at first, and after a while.
const FIRST_POLL: Duration = Duration::from_millis(2);
const LAST_POLL: Duration = Duration::from_millis(100);
/// Podman ends the stream when the process ends. One that still runs so long after its stream ended was cut off from us.
const MAX_EXIT_DELAY: Duration = Duration::from_secs(10);
/// While nobody reads, the exit is looked for this often, since the service forgets an exec soon after its end.
const STALLED_POLL: Duration = Duration::from_millis(500);

/// Knows how to ask for the end of one process.
#[async_trait]
pub(crate) trait Exit: Send + Sync + 'static {
    /// Returns how the process ended, or `None` while it runs.
    async fn status(&self) -> Result<Option<ExitStatus>>;
}

/// Puts a process together. Its errors name `operation`.
pub(crate) fn process(
    output: Reader,
    input: Option<Writer>,
    interjections: Interjections,
    exit: impl Exit,
    operation: &'static str,
) -> Process {
    let (sender, receiver) = mpsc::channel(QUEUED_EVENTS);
    let pump = Pump {
        frames: Frames::new(output),
        interjections,
        exit,
        ended: None,
        sender,
    };
    let task = AbortOnDrop::spawn(pump.run());
    let events: Events = Box::pin(stream::unfold(
        (receiver, task),
        move |(mut receiver, task)| async move {
            let event = receiver.recv().await?;
            Some((event.map_err(named(operation)), (receiver, task)))
        },
    ));
    Process::new(input.map(writer), events)
}

/// Copies input in a task of its own, so that dropping the writer delivers end of file as shutting it down does.
fn writer(mut connection: Writer) -> Stdin {
    let (near, mut far) = tokio::io::duplex(STDIN_BUFFER_BYTES);
    // The task ends with the process, which closes the connection; there is nobody to tell of a failure but the writer,
    // who finds its pipe broken.
    drop(tokio::spawn(async move {
        let mut buffer = vec![0; STDIN_CHUNK_BYTES];
        while let Ok(length @ 1..) = far.read(&mut buffer).await {
            if connection.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
        drop(connection.close().await);
    }));
    Box::pin(near)
}

/// Moves what a process does from its connection to the reader of its events.
struct Pump<E> {
    frames: Frames,
    interjections: Interjections,
    exit: E,
    /// How the process ended, where that was seen before the end of its output.
    ended: Option<ExitStatus>,
    sender: mpsc::Sender<Result<Event>>,
}

impl<E: Exit> Pump<E> {
    async fn run(mut self) {
        if let Err(error) = self.forward().await {
            self.send(Err(error)).await;
        }
    }

    async fn forward(&mut self) -> Result<()> {
        while let Some(event) = self.frames.next().await? {
            for event in self.interjections.pass(event) {
                self.send(Ok(event)).await;
            }
        }
        let status = self.exit_status().await?;
        for event in self.interjections.finish(status)? {
            self.send(Ok(event)).await;
        }
        self.send(Ok(Event::Exited(status))).await;
        Ok(())
    }

    /// Waits for room in the queue. A reader that is gone has dropped the whole task.
    async fn send(&mut self, event: Result<Event>) {
        loop {
            match tokio::time::timeout(STALLED_POLL, self.sender.reserve()).await {
                Ok(Ok(permit)) => return permit.send(event),
                Ok(Err(_)) => return,
                Err(_) if self.ended.is_none() => self.ended = self.exit.status().await.ok().flatten(),
                Err(_) => {}
            }
        }
    }

    async fn exit_status(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + MAX_EXIT_DELAY;
        let mut pause = FIRST_POLL;
        loop {
            if let Some(status) = self.ended {
                return Ok(status);
            }
            self.ended = self.exit.status().await?;
            if self.ended.is_none() {
                if Instant::now() > deadline {
                    return Err(Error::new(
                        ErrorKind::Unavailable,
                        "the connection to a process was lost while it runs",
                    ));
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 5 / 4).min(LAST_POLL);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use bytes::Bytes;
    use futures::StreamExt;

    use super::*;

    /// Gives one answer after the other, the last of them for ever.
    struct Script(Mutex<VecDeque<Option<u8>>>);

    #[async_trait]
    impl Exit for Script {
        async fn status(&self) -> Result<Option<ExitStatus>> {
            let mut answers = self.0.lock().unwrap();
            let answer = if answers.len() > 1 {
                answers.pop_front().unwrap()
            } else {
                answers[0]
            };
            Ok(answer.map(ExitStatus::from_code))
        }
    }

    fn events(output: &'static [u8], answers: impl IntoIterator<Item = Option<u8>>) -> Events {
        let exit = Script(Mutex::new(answers.into_iter().collect()));
        process(Box::new(output), None, Interjections::of_main(None), exit, "start").events
    }

    const HI: &[u8] = b"\x01\0\0\0\0\0\0\x02hi";

    #[tokio::test(start_paused = true)]
    async fn the_exit_comes_last_and_once() {
        let events: Vec<_> = events(HI, [None, None, Some(3)]).map(Result::unwrap).collect().await;
        let expected = [
            Event::Stdout(Bytes::from_static(b"hi")),
            Event::Exited(ExitStatus::from_code(3)),
        ];
        assert_eq!(events, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_runs_on_after_its_stream_was_cut_off() {
        let events: Vec<_> = events(HI, [None]).collect().await;
        assert_eq!(events.len(), 2);
        let error = events[1].as_ref().unwrap_err();
        assert_eq!(
            (error.kind(), error.operation()),
            (ErrorKind::Unavailable, Some("start"))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_exit_is_not_missed_while_nobody_reads() {
        // Forty chunks fill the queue; the service knows of the exit for one question only.
        let output: &'static [u8] = HI.repeat(40).leak();
        let mut events = events(output, [Some(3), None]);
        tokio::time::sleep(STALLED_POLL * 3).await;
        let mut last = None;
        while let Some(event) = events.next().await {
            last = Some(event.unwrap());
        }
        assert_eq!(last, Some(Event::Exited(ExitStatus::from_code(3))));
    }
}
