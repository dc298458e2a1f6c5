//! The address of this host that containers reach, whatever their network is made of.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};

/// What slirp4netns takes for its own side, so that a container reaches none of the host's addresses in it.
const OF_SLIRP4NETNS: [u8; 3] = [10, 0, 2];

/// Returns that address.
///
/// It is one of a bridge if there is one: pasta gives the address that this host has for others to the container as well.
pub(super) fn of_containers() -> io::Result<Ipv4Addr> {
    let for_others = for_others();
    let mut all = local(&fs::read_to_string("/proc/net/fib_trie")?);
    all.sort_by_key(|address| Some(*address) == for_others);
    let none = "this host has no address that containers reach; give it one, as with a bridge of Docker's";
    all.into_iter().next().ok_or_else(|| io::Error::other(none))
}

/// Returns the address that this host has for others; nothing is sent.
fn for_others() -> Option<Ipv4Addr> {
    let probe = UdpSocket::bind("0.0.0.0:0").ok()?;
    probe.connect("192.0.2.1:9").ok()?;
    match probe.local_addr().ok()?.ip() {
        std::net::IpAddr::V4(address) => Some(address),
        std::net::IpAddr::V6(_) => None,
    }
}

/// Reads the host's own addresses, each once, from the kernel's table: a line with the address, one with what it is.
fn local(table: &str) -> Vec<Ipv4Addr> {
    let lines: Vec<&str> = table.lines().map(str::trim).collect();
    let own = lines.windows(2).filter(|pair| pair[1] == "/32 host LOCAL");
    let mut all: Vec<Ipv4Addr> = own
        .filter_map(|pair| pair[0].strip_prefix("|-- ")?.parse().ok())
        .filter(|address: &Ipv4Addr| !address.is_loopback() && address.octets()[..3] != OF_SLIRP4NETNS)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_hosts_own_and_reached() {
        let table = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n\
            \x20    |-- 10.0.2.15\n        /32 host LOCAL\n     |-- 10.231.0.1\n        /32 host LOCAL\n\
            \x20    |-- 10.231.0.255\n        /32 link BROADCAST\n     |-- 127.0.0.1\n        /32 host LOCAL\n\
            Local:\n     |-- 10.231.0.1\n        /32 host LOCAL\n";
        assert_eq!(local(table), [Ipv4Addr::new(10, 231, 0, 1)]);
    }
}
