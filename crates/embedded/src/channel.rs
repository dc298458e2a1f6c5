//! Messages over a socket that keeps packets apart, for both ends.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use rustix::fs::MemfdFlags;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest packet; a message that is larger goes in a file, whose descriptor is sent.
const MAX_PACKET_BYTES: usize = 32 << 10;
/// The largest message: twice what the kernel takes as arguments and variables of a program.
const MAX_MESSAGE_BYTES: usize = 8 << 20;
/// The most descriptors beside a message.
const MAX_DESCRIPTORS: usize = 16;

const IN_PACKET: u8 = b'P';
const IN_FILE: u8 = b'F';

/// A message that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    packet: Vec<u8>,
    file: Option<File>,
}

/// A message that came, with its descriptors.
#[derive(Debug)]
pub(crate) struct Incoming {
    json: Vec<u8>,
    pub(crate) descriptors: Vec<OwnedFd>,
}

/// Receives messages, one after the other.
#[derive(Debug)]
pub(crate) struct Receiver {
    buffer: Box<[u8]>,
}

impl Outgoing {
    /// Encodes a message.
    pub(crate) fn new(message: &impl Serialize) -> io::Result<Self> {
        let mut packet = vec![IN_PACKET];
        serde_json::to_writer(&mut packet, message)?;
        if packet.len() <= MAX_PACKET_BYTES {
            return Ok(Self { packet, file: None });
        }
        if packet.len() > MAX_MESSAGE_BYTES {
            return Err(Errno::TOOBIG.into());
        }
        let mut file = memory_file()?;
        file.write_all(&packet[1..])?;
        Ok(Self {
            packet: vec![IN_FILE],
            file: Some(file),
        })
    }

    /// Sends it whole, or fails without having sent anything.
    pub(crate) fn send(&self, socket: BorrowedFd<'_>, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let all: Vec<_> = self
            .file
            .iter()
            .map(AsFd::as_fd)
            .chain(descriptors.iter().copied())
            .collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !all.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&all)) {
            return Err(Errno::TOOBIG.into());
        }
        rustix::net::sendmsg(socket, &[IoSlice::new(&self.packet)], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

impl Incoming {
    /// Decodes the message.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> io::Result<T> {
        Ok(serde_json::from_slice(&self.json)?)
    }
}

impl Receiver {
    pub(crate) fn new() -> Self {
        Self {
            buffer: vec![0; MAX_PACKET_BYTES].into(),
        }
    }

    /// Receives a message; `None` once the other end is closed.
    pub(crate) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<Option<Incoming>> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = rustix::net::recvmsg(
            socket,
            &mut [IoSliceMut::new(&mut self.buffer)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )?;
        let mut descriptors = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                descriptors.extend(received);
            }
        }
        if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(Errno::MSGSIZE.into());
        }
        let json = match self.buffer[..received.bytes].split_first() {
            None => return Ok(None),
            Some((&IN_FILE, _)) if !descriptors.is_empty() => read_file(descriptors.remove(0))?,
            Some((&IN_PACKET, json)) => json.to_vec(),
            Some(_) => return Err(Errno::BADMSG.into()),
        };
        Ok(Some(Incoming { json, descriptors }))
    }
}

/// Makes a file that only descriptors lead to.
pub(crate) fn memory_file() -> io::Result<File> {
    Ok(rustix::fs::memfd_create("inline", MemfdFlags::CLOEXEC)?.into())
}

/// Reads such a file whole. Where it was left does not matter, nor who else reads it now.
pub(crate) fn read_file(file: OwnedFd) -> io::Result<Vec<u8>> {
    let file = File::from(file);
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if length > MAX_MESSAGE_BYTES {
        return Err(Errno::TOOBIG.into());
    }
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, SocketFlags, SocketType};

    use super::*;

    fn pair() -> (OwnedFd, OwnedFd) {
        rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            None,
        )
        .unwrap()
    }

    #[test]
    fn small_and_large_messages_come_whole_with_their_descriptors() {
        let (ours, theirs) = pair();
        let file = memory_file().unwrap();
        for size in [0, 100, MAX_PACKET_BYTES, 3 << 20] {
            let text = "x".repeat(size);
            let descriptors = [file.as_fd(), file.as_fd()];
            Outgoing::new(&text).unwrap().send(ours.as_fd(), &descriptors).unwrap();
            let incoming = Receiver::new().receive(theirs.as_fd()).unwrap().unwrap();
            assert_eq!(incoming.decode::<String>().unwrap(), text);
            assert_eq!(incoming.descriptors.len(), 2, "{size}");
        }
    }

    #[test]
    fn a_message_that_is_too_large_is_refused() {
        let error = Outgoing::new(&"x".repeat(MAX_MESSAGE_BYTES)).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::TOOBIG.raw_os_error()));
    }

    #[test]
    fn the_end_is_told() {
        let (ours, theirs) = pair();
        drop(ours);
        assert!(Receiver::new().receive(theirs.as_fd()).unwrap().is_none());
    }
}
