//! The network of a sandbox that has none: a loopback of its own.

use std::io;

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// The index that the loopback has in every network namespace.
const LOOPBACK: i32 = 1;
const MESSAGE_BYTES: usize = 32;
/// Where an answer has its error: after the header.
const ERROR: usize = 16;

/// Brings the loopback up.
pub(super) fn loopback_up() -> io::Result<()> {
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    rustix::net::send(&socket, &request(), SendFlags::empty())?;
    let mut answer = [0; 256];
    let (bytes, _) = rustix::net::recv(&socket, &mut answer, RecvFlags::empty())?;
    let error = answer[..bytes]
        .get(ERROR..ERROR + 4)
        .and_then(|bytes| bytes.try_into().ok())
        .map(i32::from_ne_bytes);
    match error {
        Some(0) => Ok(()),
        Some(errno) => Err(io::Error::from_raw_os_error(-errno)),
        None => Err(Errno::BADMSG.into()),
    }
}

/// A header of netlink, then one of a link: family, kind, index, flags, which flags change.
fn request() -> [u8; MESSAGE_BYTES] {
    let kind = libc::RTM_NEWLINK.to_ne_bytes();
    let flags = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_ACK)
        .unwrap_or_default()
        .to_ne_bytes();
    let up = u32::try_from(libc::IFF_UP).unwrap_or_default().to_ne_bytes();
    let length = u32::try_from(MESSAGE_BYTES).unwrap_or_default().to_ne_bytes();
    let mut message = [0; MESSAGE_BYTES];
    for (at, bytes) in [
        (0, &length[..]),
        (4, &kind),
        (6, &flags),
        (20, &LOOPBACK.to_ne_bytes()),
        (24, &up),
        (28, &up),
    ] {
        message[at..at + bytes.len()].copy_from_slice(bytes);
    }
    message
}
