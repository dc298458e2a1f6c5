//! Who sandboxes are on the host: this user, or for root a block of users of their own.

use std::fs;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use inline_runtime::{Error, ErrorKind, Result};
use rustix::thread::CapabilitySet;

use crate::cure::CONTAINER;

/// How many users and groups a sandbox of root's has.
pub(crate) const IDS: u32 = 1 << 16;
/// The first of the users that sandboxes are: above those that systems give to people, services, and the containers of
/// other engines.
const FIRST: u32 = 0x7000_0000;
const BLOCKS: u32 = 1 << 12;

/// Says who sandboxes are on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostUser {
    /// We are root, and each sandbox gets users of its own.
    Root,
    /// We are this user and group, and so are sandboxes.
    User {
        /// The user.
        uid: u32,
        /// Their group.
        gid: u32,
    },
}

/// Users of the host that no other sandbox has, of this process or of another.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) base: u32,
    /// Only one process of a machine can have a socket of this name, and it goes away with the process.
    _name: UnixDatagram,
}

impl HostUser {
    /// Finds out who we are.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::PermissionDenied`] if we are root by name alone.
    pub(crate) fn find() -> Result<Self> {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        if !uid.is_root() {
            return Ok(Self::User {
                uid: uid.as_raw(),
                gid: gid.as_raw(),
            });
        }
        let can =
            rustix::thread::capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN));
        let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        if can && has_blocks(&map) {
            return Ok(Self::Root);
        }
        let what = if can {
            "this root has too few users of its own to make sandboxes of"
        } else {
            "this root has no right to make sandboxes (`CAP_SYS_ADMIN`)"
        };
        Err(Error::new(ErrorKind::PermissionDenied, what).with_hint(format!(
            "run this as a user who is not root, or as root of the host; {CONTAINER}"
        )))
    }
}

impl Block {
    /// Takes a block that nobody has.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::ResourceExhausted`] if each is taken.
    pub(crate) fn take() -> Result<Self> {
        let begin = getrandom::u32().unwrap_or_else(|_| std::process::id()) % BLOCKS;
        for number in (begin..BLOCKS).chain(0..begin) {
            if let Ok(name) = claim(number) {
                return Ok(Self {
                    base: FIRST + number * IDS,
                    _name: name,
                });
            }
        }
        Err(Error::new(
            ErrorKind::ResourceExhausted,
            format!("all {BLOCKS} blocks of users that sandboxes can be are taken"),
        ))
    }
}

fn claim(number: u32) -> io::Result<UnixDatagram> {
    let name = SocketAddr::from_abstract_name(format!("inline-embedded/users/{number}"))?;
    UnixDatagram::bind_addr(&name)
}

/// Returns whether a map of users has all those that sandboxes can be.
fn has_blocks(map: &str) -> bool {
    let last = u64::from(FIRST) + u64::from(BLOCKS) * u64::from(IDS) - 1;
    map.lines().any(|line| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        matches!(numbers[..], [inside, _, count] if inside <= u64::from(FIRST) && last < inside + count)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_sandboxes_are_the_same_user() {
        let blocks: Vec<_> = (0..20).map(|_| Block::take().unwrap()).collect();
        let bases: BTreeSet<u32> = blocks.iter().map(|block| block.base).collect();
        assert_eq!(bases.len(), blocks.len());
        assert!(bases.iter().all(|base| (FIRST..=0x7fff_0000).contains(base)));
    }

    #[test]
    fn a_block_is_free_again_once_its_holder_is_gone() {
        let block = Block::take().unwrap();
        let number = (block.base - FIRST) / IDS;
        assert!(claim(number).is_err());
        drop(block);
        assert!(claim(number).is_ok());
    }

    #[test]
    fn a_root_of_few_users_has_no_blocks() {
        assert!(has_blocks("         0          0 4294967295\n"));
        assert!(!has_blocks(
            "         0       1000          1\n         1     100000      65536\n"
        ));
        assert!(!has_blocks(""));
    }
}
