//! An index for pip and a registry for npm, with the packages of the tests, on an address that containers reach.

use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use libtest_mimic::Failed;
use zip::write::{SimpleFileOptions, ZipWriter};

/// Serves until the process ends.
#[derive(Debug)]
pub struct Index {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

/// One wheel: name, version, what it needs, its files.
type Wheel = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const WHEELS: &[Wheel] = &[
    (
        "inline_sample",
        "1.0",
        "inline-shared-a",
        &[
            ("inline_sample/__init__.py", "version = 1\n"),
            ("inline_sample/old.py", ""),
        ],
    ),
    (
        "inline_sample",
        "2.0",
        "inline-shared-a",
        &[("inline_sample/__init__.py", "version = 2\n")],
    ),
    ("inline_shared_a", "1.0", "", &[("inline_shared/a.py", "name = 'a'\n")]),
    ("inline_shared_b", "1.0", "", &[("inline_shared/b.py", "name = 'b'\n")]),
];
const MODULES: &[(&str, &str)] = &[("inline-one", "1.0.0"), ("inline-two", "2.0.0")];

impl Index {
    /// Begins to serve.
    ///
    /// # Errors
    ///
    /// - In words, if there is no address to serve on.
    pub fn start() -> Result<Self, Failed> {
        // The address that this host has for others; nothing is sent.
        let probe = UdpSocket::bind("0.0.0.0:0")?;
        probe.connect("192.0.2.1:9")?;
        let listener = TcpListener::bind("0.0.0.0:0")?;
        let address = SocketAddr::new(probe.local_addr()?.ip(), listener.local_addr()?.port());
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
    if let Some(name) = path.strip_prefix("/simple/") {
        let name = name.trim_end_matches('/').replace('-', "_");
        let links: String = WHEELS
            .iter()
            .filter(|wheel| wheel.0 == name)
            .map(file_name)
            .flat_map(|file| {
                [
                    "<a href=\"/files/".to_owned(),
                    file.clone(),
                    "\">".to_owned(),
                    file,
                    "</a>\n".to_owned(),
                ]
            })
            .collect();
        return (!links.is_empty()).then(|| ("text/html", links.into_bytes()));
    }
    if let Some(file) = path.strip_prefix("/files/") {
        let wheel = WHEELS.iter().find(|wheel| file_name(wheel) == file)?;
        return Some(("application/octet-stream", packed(wheel)?));
    }
    let name = path.strip_prefix("/npm/")?;
    if let Some(file) = name.strip_prefix("files/") {
        let (name, version) = MODULES.iter().find(|(name, _)| file == format!("{name}.tgz"))?;
        return Some(("application/octet-stream", module(name, version)?));
    }
    let (name, version) = MODULES.iter().find(|module| module.0 == name)?;
    let tarball = format!("http://{address}/npm/files/{name}.tgz");
    let about = serde_json::json!({
        "name": name,
        "dist-tags": {"latest": version},
        "versions": {*version: {"name": name, "version": version, "dist": {"tarball": tarball}}},
    });
    Some(("application/json", about.to_string().into_bytes()))
}

fn file_name(wheel: &Wheel) -> String {
    format!("{}-{}-py3-none-any.whl", wheel.0, wheel.1)
}

fn packed((name, version, needs, files): &Wheel) -> Option<Vec<u8>> {
    let info = format!("{name}-{version}.dist-info");
    let needs = if needs.is_empty() {
        String::new()
    } else {
        format!("Requires-Dist: {needs}\n")
    };
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}");
    let about = "Wheel-Version: 1.0\nGenerator: inline\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let mut all: Vec<(String, String)> = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    all.push((format!("{info}/METADATA"), metadata));
    all.push((format!("{info}/WHEEL"), about.to_owned()));
    let record: String = all.iter().flat_map(|(path, _)| [path, ",,\n"]).collect();
    all.push((format!("{info}/RECORD"), format!("{record}{info}/RECORD,,\n")));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in all {
        zip.start_file(path, SimpleFileOptions::default()).ok()?;
        zip.write_all(text.as_bytes()).ok()?;
    }
    Some(zip.finish().ok()?.into_inner())
}

/// Returns the tarball of a module whose install script would leave a trace.
fn module(name: &str, version: &str) -> Option<Vec<u8>> {
    let directory = tempfile::tempdir().ok()?;
    let package = directory.path().join("package");
    std::fs::create_dir(&package).ok()?;
    let about = serde_json::json!({
        "name": name, "version": version, "main": "index.js",
        "scripts": {"postinstall": "touch /packages/ran /workspace/ran"},
    });
    std::fs::write(package.join("package.json"), about.to_string()).ok()?;
    std::fs::write(package.join("index.js"), format!("module.exports = '{version}'\n")).ok()?;
    let mut tar = Command::new("tar")
        .args(["-czf", "-", "-C"])
        .arg(directory.path())
        .arg("package")
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut packed = Vec::new();
    tar.stdout.take()?.read_to_end(&mut packed).ok()?;
    tar.wait().ok()?;
    Some(packed)
}
