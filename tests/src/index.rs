//! An index for pip and a registry for npm, with the packages of the tests, on an address that containers reach.

mod address;
mod packages;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use libtest_mimic::Failed;

/// Serves until the process ends.
#[derive(Debug)]
pub struct Index {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Index {
    /// Begins to serve.
    ///
    /// # Errors
    ///
    /// - In words, if there is no address to serve on.
    pub fn start() -> Result<Self, Failed> {
        let listener = TcpListener::bind("0.0.0.0:0")?;
        let address = SocketAddr::new(address::of_containers()?.into(), listener.local_addr()?.port());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let log = Arc::clone(&log);
                thread::spawn(move || serve(&stream, address, &log));
            }
        });
        Ok(Self { address, asked })
    }

    /// Returns the index for pip.
    pub fn pip(&self) -> String {
        format!("http://{}/simple/", self.address)
    }

    /// Returns the registry for npm.
    pub fn npm(&self) -> String {
        format!("http://{}/npm/", self.address)
    }

    /// Returns what was asked for since the last call.
    pub fn asked(&self) -> Vec<String> {
        self.asked
            .lock()
            .map(|mut asked| std::mem::take(&mut *asked))
            .unwrap_or_default()
    }
}

fn serve(stream: &TcpStream, address: SocketAddr, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).is_err() {
        return;
    }
    let mut header = String::new();
    while reader.read_line(&mut header).is_ok_and(|length| length > 2) {
        header.clear();
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let answer = answer(&path, address);
    if let Ok(mut log) = log.lock() {
        log.push(path);
    }
    let (status, kind, body) = match answer {
        Some((kind, body)) => ("200 OK", kind, body),
        None => ("404 Not Found", "text/plain", Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nDate: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: max-age=600\r\n\
         Connection: close\r\n\r\n",
        now(),
        body.len()
    );
    let mut stream = stream;
    // Who asked may have gone.
    drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)));
}

/// Returns the time as HTTP has it; without it nothing is kept in a cache.
fn now() -> String {
    let date = Command::new("date")
        .args(["-u", "+%a, %d %b %Y %H:%M:%S GMT"])
        .env("LC_ALL", "C")
        .output();
    date.map(|date| String::from_utf8_lossy(&date.stdout).trim().to_owned())
        .unwrap_or_default()
}

fn answer(path: &str, address: SocketAddr) -> Option<(&'static str, Vec<u8>)> {
    if let Some(project) = path.strip_prefix("/simple/") {
        let project = project.trim_end_matches('/').replace('-', "_");
        let files = packages::files_of(&project);
        let links = files.iter().fold(String::new(), |links, file| {
            links + "<a href=\"/files/" + file + "\">" + file + "</a>\n"
        });
        return (!links.is_empty()).then(|| ("text/html", links.into_bytes()));
    }
    if let Some(file) = path.strip_prefix("/files/") {
        return Some(("application/octet-stream", packages::wheel(file)?));
    }
    let name = path.strip_prefix("/npm/")?;
    if let Some(name) = name.strip_prefix("files/").and_then(|file| file.strip_suffix(".tgz")) {
        let module = packages::module(name, packages::version_of(name)?)?;
        return Some(("application/octet-stream", module));
    }
    let version = packages::version_of(name)?;
    let tarball = format!("http://{address}/npm/files/{name}.tgz");
    let about = serde_json::json!({
        "name": name,
        "dist-tags": {"latest": version},
        "versions": {version: {"name": name, "version": version, "dist": {"tarball": tarball}}},
    });
    Some(("application/json", about.to_string().into_bytes()))
}
