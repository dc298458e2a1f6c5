//! What a process prints and how it ends, as the events of the contract.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use inline_runtime::{Error, ErrorKind, Event, Events, ExitStatus, Result};
use rustix::io::Errno;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::error::{lost, named};
use crate::pipes::Output;

/// What is read at once: as much as a pipe usually holds.
const CHUNK_BYTES: usize = 64 << 10;
/// How long the children of a process that has ended may go on printing, before their output is left to itself.
const GRACE: Duration = Duration::from_millis(50);
/// The most that is read after the end: twice what a program may make a pipe hold.
const MAX_BYTES_AFTER_END: usize = 2 << 20;

/// How a process ended, once it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It has not.
    Running,
    /// It has, in this way.
    Ended(ExitStatus),
    /// It has, and nobody knows how.
    Lost,
}

/// Turns a process's output and end into events.
pub(crate) fn events(output: Arc<Output>, exit: watch::Receiver<Exit>, operation: &'static str) -> Events {
    let reader = Reader {
        output,
        is_open: [true, true],
        next_pipe: 0,
        exit,
        deadline: None,
        bytes_left: MAX_BYTES_AFTER_END,
        is_done: false,
        buffer: vec![0; CHUNK_BYTES].into(),
    };
    let events = futures::stream::unfold(reader, move |mut reader| async move {
        let event = reader.next().await?;
        Some((event.map_err(named(operation)), reader))
    });
    Box::pin(events.fuse())
}

struct Reader {
    output: Arc<Output>,
    /// Whether standard output and standard error are still read.
    is_open: [bool; 2],
    /// Which of the two is asked first, so that neither keeps the other from being read.
    next_pipe: usize,
    exit: watch::Receiver<Exit>,
    /// Until when output is waited for, once the process has ended.
    deadline: Option<Instant>,
    /// How much is read after the end.
    bytes_left: usize,
    is_done: bool,
    buffer: Box<[u8]>,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Event>> {
        if self.is_done {
            return None;
        }
        while self.is_open != [false, false] {
            match self.read() {
                Ok(Some(event)) => return Some(Ok(event)),
                Ok(None) => self.wait().await,
                Err(error) => {
                    self.is_done = true;
                    let error = Error::new(ErrorKind::Unexpected, "a pipe cannot be read").with_source(error);
                    return Some(Err(error));
                }
            }
        }
        self.is_done = true;
        match self.exit.wait_for(|exit| *exit != Exit::Running).await.as_deref() {
            Ok(Exit::Ended(status)) => Some(Ok(Event::Exited(*status))),
            _ => Some(Err(lost())),
        }
    }

    /// Reads what is there now.
    fn read(&mut self) -> io::Result<Option<Event>> {
        self.next_pipe ^= 1;
        for pipe in [self.next_pipe, self.next_pipe ^ 1] {
            if !self.is_open[pipe] {
                continue;
            }
            match read(&self.output, pipe, self.deadline.is_some(), &mut self.buffer) {
                Ok(0) => self.is_open[pipe] = false,
                Ok(bytes) => {
                    if self.deadline.is_some() {
                        self.bytes_left = self.bytes_left.saturating_sub(bytes);
                        if self.bytes_left == 0 {
                            self.is_open = [false, false];
                        }
                    }
                    let chunk = Bytes::copy_from_slice(&self.buffer[..bytes]);
                    return Ok(Some(if pipe == 0 {
                        Event::Stdout(chunk)
                    } else {
                        Event::Stderr(chunk)
                    }));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Waits until there may be more, or until there is no more to wait for.
    async fn wait(&mut self) {
        let output = Arc::clone(&self.output);
        let readable = async {
            tokio::select! {
                _ = output.stdout.readable(), if self.is_open[0] => {}
                _ = output.stderr.readable(), if self.is_open[1] => {}
                // Both were closed by what was just read.
                else => {}
            }
        };
        match self.deadline {
            None => tokio::select! {
                () = readable => {}
                _ = self.exit.wait_for(|exit| *exit != Exit::Running) => self.deadline = Some(Instant::now() + GRACE),
            },
            Some(deadline) => {
                if timeout_at(deadline, readable).await.is_err() {
                    self.is_open = [false, false];
                }
            }
        }
    }
}

/// Reads one pipe. After the end the pipe itself is asked, since what the runtime knows of it may be older than the end.
fn read(output: &Output, pipe: usize, has_ended: bool, buffer: &mut [u8]) -> io::Result<usize> {
    let pipe: &Receiver = if pipe == 0 { &output.stdout } else { &output.stderr };
    if has_ended {
        match rustix::io::read(pipe.as_fd(), &mut *buffer) {
            Err(Errno::AGAIN) => {}
            read => return Ok(read?),
        }
    }
    pipe.try_read(buffer)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;
    use crate::pipes::Pipes;

    fn process() -> (File, File, watch::Sender<Exit>, Events) {
        let Pipes { output, theirs, .. } = Pipes::new(false, None).unwrap();
        let (sender, exit) = watch::channel(Exit::Running);
        let [_, stdout, stderr] = theirs;
        (stdout.into(), stderr.into(), sender, events(output, exit, "exec"))
    }

    fn ended() -> Exit {
        Exit::Ended(ExitStatus::from_code(3))
    }

    #[tokio::test]
    async fn the_exit_comes_last_and_once() {
        let (mut stdout, mut stderr, exit, mut events) = process();
        stdout.write_all(b"out").unwrap();
        stderr.write_all(b"err").unwrap();
        exit.send_replace(ended());
        drop((stdout, stderr));
        let mut all: Vec<_> = events.by_ref().map(Result::unwrap).collect().await;
        assert_eq!(all.pop(), Some(Event::Exited(ExitStatus::from_code(3))));
        assert_eq!(all.len(), 2);
        assert!(events.next().await.is_none());
    }

    #[tokio::test]
    async fn who_holds_the_output_does_not_hold_up_the_exit() {
        let (mut stdout, stderr, exit, mut events) = process();
        exit.send_replace(ended());
        stdout.write_all(b"left").unwrap();
        let begin = Instant::now();
        assert_eq!(events.next().await.unwrap().unwrap(), Event::Stdout("left".into()));
        assert!(matches!(events.next().await, Some(Ok(Event::Exited(_)))));
        assert!(begin.elapsed() < 10 * GRACE, "{:?}", begin.elapsed());
        drop((stdout, stderr));
    }

    #[tokio::test]
    async fn who_prints_on_and_on_does_not_hold_up_the_exit() {
        let (mut stdout, stderr, exit, mut events) = process();
        exit.send_replace(ended());
        std::thread::spawn(move || while stdout.write_all(&[0; 4096]).is_ok() {});
        let mut bytes = 0;
        while let Event::Stdout(chunk) = events.next().await.unwrap().unwrap() {
            bytes += chunk.len();
        }
        assert!(bytes <= MAX_BYTES_AFTER_END + CHUNK_BYTES, "{bytes}");
        drop(stderr);
    }

    #[tokio::test]
    async fn a_process_that_nobody_knows_the_end_of_is_lost() {
        let (stdout, stderr, exit, mut events) = process();
        drop((stdout, stderr));
        exit.send_replace(Exit::Lost);
        let error = events.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}
