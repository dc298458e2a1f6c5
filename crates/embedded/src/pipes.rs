//! The pipes of a process.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use inline_runtime::Stdin;
use rustix::fs::{Gid, Mode, OFlags, Uid};
use rustix::pipe::PipeFlags;
use tokio::io::AsyncWrite;
use tokio::net::unix::pipe::{Receiver, Sender};

/// All the ends of the pipes of one process.
#[derive(Debug)]
pub(crate) struct Pipes {
    pub(crate) input: Option<Input>,
    pub(crate) output: Arc<Output>,
    /// The process's own ends: standard input, output and error.
    pub(crate) theirs: [OwnedFd; 3],
}

/// Our end of the pipe that a process reads.
#[derive(Debug)]
pub(crate) struct Input(Option<Sender>);

/// Our ends of the pipes that a process prints to.
///
/// They are kept while the process runs, also when nobody reads them any more, so that it does not die of a closed pipe.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) stdout: Receiver,
    pub(crate) stderr: Receiver,
}

impl Pipes {
    /// Makes the pipes. `owner` is who may open them once more, by `/dev/stdout`, if that is not this user.
    pub(crate) fn new(with_input: bool, owner: Option<(u32, u32)>) -> io::Result<Self> {
        let (read, input) = if with_input {
            let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
            (read, Some(Input(Some(Sender::from_owned_fd(write)?))))
        } else {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            (rustix::fs::open("/dev/null", flags, Mode::empty())?, None)
        };
        let (stdout, stdout_write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let (stderr, stderr_write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        if let Some((uid, gid)) = owner {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            let read = with_input.then_some(&read);
            for pipe in [&stdout_write, &stderr_write].into_iter().chain(read) {
                rustix::fs::fchown(pipe, Some(uid), Some(gid))?;
            }
        }
        Ok(Self {
            input,
            output: Arc::new(Output {
                stdout: Receiver::from_owned_fd(stdout)?,
                stderr: Receiver::from_owned_fd(stderr)?,
            }),
            theirs: [read, stdout_write, stderr_write],
        })
    }
}

impl Input {
    /// Returns it as the contract has it.
    pub(crate) fn into_stdin(self) -> Stdin {
        Box::pin(self)
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
        work: impl FnOnce(Pin<&mut Sender>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Some(sender) => work(Pin::new(sender), context),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }
}

impl AsyncWrite for Input {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(context, |sender, context| sender.poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// A pipe has no other end of input than that nobody can write to it any more.
    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0 = None;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn shutting_input_down_ends_it() {
        let Pipes { input, theirs, .. } = Pipes::new(true, None).unwrap();
        let mut input = input.unwrap().into_stdin();
        input.write_all(b"text").await.unwrap();
        input.shutdown().await.unwrap();
        let [read, ..] = theirs;
        let mut text = String::new();
        std::fs::File::from(read).read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
        assert_eq!(
            input.write(b"more").await.unwrap_err().kind(),
            io::ErrorKind::BrokenPipe
        );
    }
}
