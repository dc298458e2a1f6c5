//! The driver's end of the socket to a helper.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::net::Shutdown;
use tokio::io::Interest;
use tokio::net::UnixDatagram;

use crate::channel::{Incoming, Outgoing, Receiver};

/// Receives what a helper says.
#[derive(Debug)]
pub(crate) struct Link {
    sender: Sender,
    receiver: Receiver,
}

/// Says something to a helper.
///
/// Tokio has no type for sockets that keep both packets apart and their order; the one for datagrams waits for any socket, and
/// nothing else of it is used.
#[derive(Clone, Debug)]
pub(crate) struct Sender(Arc<UnixDatagram>);

impl Link {
    /// Takes a socket that does not block.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            sender: Sender(Arc::new(UnixDatagram::from_std(socket.into())?)),
            receiver: Receiver::new(),
        })
    }

    pub(crate) fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Receives a message; `None` once the helper is gone, with all that it ran.
    ///
    /// Dropping the future loses nothing.
    pub(crate) async fn receive(&mut self) -> io::Result<Option<Incoming>> {
        let receiver = &mut self.receiver;
        let socket = &self.sender.0;
        socket
            .async_io(Interest::READABLE, || receiver.receive(socket.as_fd()))
            .await
    }
}

impl Sender {
    /// Sends a message whole.
    pub(crate) async fn send(&self, message: &Outgoing, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let send = || message.send(self.0.as_fd(), descriptors);
        self.0.async_io(Interest::WRITABLE, send).await
    }

    /// Says that there is nothing more to say, by which the sandbox ends; what the helper says until then is still heard.
    pub(crate) fn close(&self) {
        // A connection that the helper closed before is closed.
        rustix::net::shutdown(&self.0, Shutdown::Write).ok();
    }
}
