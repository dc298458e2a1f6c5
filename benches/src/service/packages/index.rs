//! An index for pip on this machine, of a directory of wheels: what the network does is in no figure.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use nix::ifaddrs::getifaddrs;

use super::Result;

/// Names the directory of wheels; without it packages come from pip's own index.
const WHEELS: &str = "INLINE_TEST_WHEELS";
/// What slirp4netns takes for its own side, so that a container reaches none of the host's addresses in it.
const OF_SLIRP4NETNS: [u8; 3] = [10, 0, 2];

/// Serves until the process ends.
pub(super) struct Index(SocketAddr);

impl Index {
    /// Begins to serve the directory, if one is named.
    pub(super) fn start() -> Result<Option<Self>> {
        let Some(wheels) = std::env::var_os(WHEELS) else {
            return Ok(None);
        };
        let listener = TcpListener::bind("0.0.0.0:0")?;
        let address = SocketAddr::new(of_containers()?.into(), listener.local_addr()?.port());
        let wheels = Arc::new(PathBuf::from(wheels));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let wheels = Arc::clone(&wheels);
                // Who asked may have gone.
                thread::spawn(move || drop(serve(&stream, &wheels)));
            }
        });
        Ok(Some(Self(address)))
    }

    /// Returns what pip has to be told to use it.
    pub(super) fn arguments(&self) -> Vec<String> {
        let host = self.0.ip().to_string();
        vec!["--index-url".to_owned(), self.url(), "--trusted-host".to_owned(), host]
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/simple/", self.0)
    }
}

/// Answers one request: `/simple/PROJECT/` or `/files/WHEEL`.
fn serve(mut stream: &TcpStream, wheels: &Path) -> Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().ok_or("no request")??;
    for header in lines {
        if header?.is_empty() {
            break;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let answer = match path.strip_prefix("/simple/") {
        Some(project) => Ok(("text/html", links(wheels, project.trim_end_matches('/'))?)),
        None => file(wheels, path.trim_start_matches("/files/")).map(|wheel| ("application/octet-stream", wheel)),
    };
    let (status, kind, body) = match answer {
        Ok((kind, body)) => ("200 OK", kind, body),
        Err(_) => ("404 Not Found", "text/plain", Vec::new()),
    };
    // Nothing is kept in a cache without a date; any in the past will do.
    let head = format!(
        "HTTP/1.1 {status}\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         ETag: \"1\"\r\nCache-Control: max-age=315360000\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    Ok(stream.write_all(&body)?)
}

fn links(wheels: &Path, project: &str) -> Result<Vec<u8>> {
    let prefix = project.replace('-', "_") + "-";
    let mut html = String::new();
    for entry in fs::read_dir(wheels)? {
        let name = entry?.file_name().into_string().unwrap_or_default();
        if name.starts_with(&prefix) {
            html = html + "<a href=\"/files/" + &name + "\">" + &name + "</a>\n";
        }
    }
    Ok(html.into_bytes())
}

fn file(wheels: &Path, name: &str) -> Result<Vec<u8>> {
    // Nothing above the directory.
    if name.contains('/') {
        return Err("no wheel".into());
    }
    Ok(fs::read(wheels.join(name))?)
}

/// Returns an address of this host that containers reach, whatever their network is made of: one of a bridge if there is
/// one, since pasta gives the address that this host has for others to the container as well.
fn of_containers() -> Result<Ipv4Addr> {
    let probe = UdpSocket::bind("0.0.0.0:0")?;
    // Nothing is sent.
    let for_others = probe.connect("192.0.2.1:9").and_then(|()| probe.local_addr()).ok();
    let own = getifaddrs()?.filter_map(|interface| Some(interface.address?.as_sockaddr_in()?.ip()));
    own.filter(|address| !address.is_loopback() && address.octets()[..3] != OF_SLIRP4NETNS)
        .min_by_key(|address| for_others.is_some_and(|other| other.ip() == IpAddr::V4(*address)))
        .ok_or_else(|| "this host has no address that containers reach".into())
}
