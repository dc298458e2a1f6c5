//! A registry with one image that no engine has yet, and that comes slowly.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UnixStream};

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
const BLOCK: usize = 512;
const LAYER_BYTES: usize = 3 << 20;
/// How much of it comes in a tenth of a second.
const PACE: usize = 64 << 10;

/// Serves until the process ends.
pub(crate) struct Registry {
    /// The reference of its image.
    pub(crate) image: String,
}

/// What can be asked for, by the end of its path, with its kind.
type Contents = Vec<(String, &'static str, Vec<u8>)>;

impl Registry {
    pub(crate) async fn start() -> Result<Self, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let image = format!("{}/inline-slow:latest", listener.local_addr()?);
        let contents = Arc::new(contents()?);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let contents = Arc::clone(&contents);
                tokio::spawn(async move { serve(stream, &contents).await });
            }
        });
        Ok(Self { image })
    }

    /// Takes the image away from Docker, which listens on `socket`.
    pub(crate) async fn remove(&self, socket: &str) -> Result<(), Failed> {
        let mut engine = UnixStream::connect(socket).await?;
        let request = format!("DELETE /images/{} HTTP/1.0\r\n\r\n", self.image);
        engine.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        BufReader::new(engine).read_line(&mut answer).await?;
        // It may not have come.
        let is_gone = ["200", "404"].iter().any(|status| answer.contains(status));
        if is_gone { Ok(()) } else { Err(answer.into()) }
    }
}

/// Makes an image of one layer, which nobody else has.
fn contents() -> Result<Contents, Failed> {
    let mut file = vec![0; LAYER_BYTES];
    getrandom::fill(&mut file)?;
    let mut layer = header("made").to_vec();
    layer.extend(file);
    layer.extend([0; 2 * BLOCK]);
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/made"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]},
    });
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "size": config.len(), "digest": digest(&config)},
        "layers": [{"mediaType": LAYER, "size": layer.len(), "digest": digest(&layer)}],
    });
    let manifest = manifest.to_string().into_bytes();
    Ok(vec![
        ("/latest".to_owned(), MANIFEST, manifest.clone()),
        (format!("/manifests/{}", digest(&manifest)), MANIFEST, manifest),
        (digest(&config), CONFIG, config),
        (digest(&layer), LAYER, layer),
    ])
}

/// Returns what stands before a file of [`LAYER_BYTES`] in an archive.
fn header(name: &str) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000755\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{LAYER_BYTES:011o}\0"));
    put(136, "00000000000\0");
    // The sum is that of a header with blanks in its place.
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(bytes))
}

async fn serve(stream: TcpStream, contents: &Contents) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    stream.read_line(&mut request).await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 2 {
        line.clear();
    }
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let found = contents.iter().find(|(end, ..)| path.ends_with(end.as_str()));
    let (status, kind, body) = match found {
        Some((_, kind, body)) => ("200 OK", *kind, body.as_slice()),
        None if path == "/v2/" => ("200 OK", "application/json", &b"{}"[..]),
        None => ("404 Not Found", "application/json", &b"{}"[..]),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nDocker-Content-Digest: {}\r\n\
         Docker-Distribution-Api-Version: registry/2.0\r\nConnection: close\r\n\r\n",
        body.len(),
        digest(body),
    );
    stream.write_all(head.as_bytes()).await?;
    if method == "GET" {
        for chunk in body.chunks(PACE) {
            stream.write_all(chunk).await?;
            if chunk.len() == PACE {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    stream.shutdown().await
}
