//! Registries that mean no good: what they send has no end, comes by drips or not at all, or is not what it says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use inline_runtime::{Credentials, PullEvent, PullOptions};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const CALL_TIMEOUT: Duration = Duration::from_millis(500);
const PULL_TIMEOUT: Duration = Duration::from_secs(2);
/// More than may be read of anything here, and what sockets hold besides.
const FAR_TOO_MUCH: usize = 32 << 20;

#[derive(Clone)]
enum Answer {
    Whole(u16, Vec<u8>),
    /// With a header line.
    With(u16, String),
    /// Begins so, and never ends.
    Endless(u16, String),
    /// A byte now and then.
    Drips,
    Silence,
}

/// What a registry has answered, and been shown.
#[derive(Default)]
struct Seen {
    sent: usize,
    /// The paths that were asked, each with its login.
    asked: Vec<(String, Option<String>)>,
}

struct Registry {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Registry {
    /// Answers by path; what has no answer is not there.
    async fn start(answers: impl Fn(u16) -> BTreeMap<String, Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answers, seen) = (Arc::new(answers(port)), Arc::<Mutex<Seen>>::default());
        let of_task = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answers), Arc::clone(&of_task)));
            }
        });
        Self { port, seen }
    }

    async fn pull(&self, name: &str, options: &PullOptions) -> Result<ImageId> {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let registries = Registries {
            insecure: Vec::new(),
            call_timeout: CALL_TIMEOUT,
            timeout: PULL_TIMEOUT,
        };
        let image = format!("127.0.0.1:{}/{name}", self.port).parse().unwrap();
        let mut events = store.pull(&image, options, &registries);
        let mut end = None;
        while let Some(event) = events.next().await {
            match event {
                Ok(PullEvent::Done(id)) => end = Some(Ok(id)),
                Ok(_) => {}
                Err(error) => end = Some(Err(error)),
            }
        }
        let end = end.unwrap();
        let left = names(&store.part("images")) + names(&store.part("references"));
        assert_eq!(left, if end.is_ok() { 2 } else { 0 });
        end
    }

    /// Pulls what cannot be had, and says why.
    async fn refuse(answers: Image) -> ErrorKind {
        let registry = Self::start(|_| answers.0.clone()).await;
        let error = registry.pull("tool", &PullOptions::default()).await.unwrap_err();
        let sent = registry.seen.lock().unwrap().sent;
        assert!(sent < FAR_TOO_MUCH, "{sent} bytes were read: {error:?}");
        error.kind()
    }
}

async fn serve(stream: TcpStream, answers: Arc<BTreeMap<String, Answer>>, seen: Arc<Mutex<Seen>>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read.take(1 << 20)).lines();
    let mut request = Vec::new();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.is_empty() {
            break;
        }
        request.push(line);
    }
    let Some(path) = request.first().and_then(|line| line.split(' ').nth(1)) else {
        return;
    };
    let login = request.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("authorization").then(|| value.to_owned())
    });
    seen.lock().unwrap().asked.push((path.to_owned(), login));
    let head = |status: u16| format!("HTTP/1.1 {status} Any\r\nConnection: close\r\n");
    let mut send = async |bytes: &[u8]| {
        write.write_all(bytes).await?;
        seen.lock().unwrap().sent += bytes.len();
        io::Result::Ok(())
    };
    let path = path.split('?').next().unwrap_or_default();
    // Who has heard enough hangs up, which is no failure here.
    match answers.get(path).cloned().unwrap_or(Answer::Whole(404, Vec::new())) {
        Answer::Whole(status, body) => {
            let text = format!("{}Content-Length: {}\r\n\r\n", head(status), body.len());
            send(&[text.as_bytes(), &body].concat()).await.ok();
        }
        Answer::With(status, header) => {
            let text = format!("{}{header}\r\nContent-Length: 0\r\n\r\n", head(status));
            send(text.as_bytes()).await.ok();
        }
        Answer::Endless(status, begin) => {
            send(format!("{}\r\n{begin}", head(status)).as_bytes()).await.ok();
            let blanks = vec![b' '; 1 << 16];
            while send(&blanks).await.is_ok() {}
        }
        Answer::Drips => {
            send(format!("{}\r\n", head(200)).as_bytes()).await.ok();
            while send(b" ").await.is_ok() {
                tokio::time::sleep(CALL_TIMEOUT / 10).await;
            }
        }
        Answer::Silence => tokio::time::sleep(PULL_TIMEOUT * 2).await,
    }
}

/// The answers that make an image of one layer.
#[derive(Clone)]
struct Image(BTreeMap<String, Answer>);

const MANIFEST: &str = "/v2/tool/manifests/latest";

impl Image {
    fn new() -> (Self, String, String) {
        let layer = Hostile::default().file("bin/tool", "tool").end();
        let config = br#"{"config": {"Cmd": ["tool"]}}"#.to_vec();
        let (of_config, of_layer) = (blob(&config, config.len()), blob(&layer, layer.len()));
        let manifest = format!(r#"{{"schemaVersion": 2, "config": {of_config}, "layers": [{of_layer}]}}"#);
        let (config_path, layer_path) = (path(&config), path(&layer));
        let answers = [
            ("/v2/".to_owned(), Answer::Whole(200, Vec::new())),
            (MANIFEST.to_owned(), Answer::Whole(200, manifest.into_bytes())),
            (config_path.clone(), Answer::Whole(200, config)),
            (layer_path.clone(), Answer::Whole(200, layer)),
        ];
        (Self(answers.into()), config_path, layer_path)
    }

    fn with(mut self, path: &str, answer: Answer) -> Self {
        self.0.insert(path.to_owned(), answer);
        self
    }
}

fn digest_of(bytes: &[u8]) -> String {
    digest(&mut &bytes[..]).unwrap().to_string()
}

fn path(bytes: &[u8]) -> String {
    format!("/v2/tool/blobs/{}", digest_of(bytes))
}

fn blob(bytes: &[u8], size: usize) -> String {
    let digest = digest_of(bytes);
    format!(r#"{{"mediaType": "application/any", "digest": "{digest}", "size": {size}}}"#)
}

fn challenge(what: &str) -> Answer {
    Answer::With(401, format!("WWW-Authenticate: {what}"))
}

#[tokio::test]
async fn an_image_that_is_as_it_should_be_comes() {
    let (image, ..) = Image::new();
    let registry = Registry::start(|_| image.0.clone()).await;
    registry.pull("tool", &PullOptions::default()).await.unwrap();
}

#[tokio::test]
async fn what_has_no_end_is_given_up() {
    let (image, config, layer) = Image::new();
    let index = r#"{"schemaVersion": 2, "manifests": ["#;
    for (path, status, begin) in [
        (MANIFEST, 200, ""),
        (MANIFEST, 200, r#"{"schemaVersion": 2, "config": {}, "layers": ["#),
        (MANIFEST, 200, index),
        (&config, 200, ""),
        (&layer, 200, ""),
        // What is said with a refusal has no end either.
        (&config, 500, ""),
        (&layer, 410, r#"{"errors": ["#),
    ] {
        let answer = Answer::Endless(status, begin.to_owned());
        let kind = Registry::refuse(image.clone().with(path, answer)).await;
        let expected = if status == 500 {
            ErrorKind::Unavailable
        } else {
            ErrorKind::Unexpected
        };
        assert_eq!(kind, expected, "{path} {status}");
    }
    let refusal = Answer::Endless(404, r#"{"errors": ["#.to_owned());
    assert_eq!(
        Registry::refuse(image.with(MANIFEST, refusal)).await,
        ErrorKind::ImageNotFound
    );
}

#[tokio::test]
async fn an_index_leads_to_one_manifest_and_no_further() {
    let (image, ..) = Image::new();
    let Some(Answer::Whole(_, manifest)) = image.0.get(MANIFEST).cloned() else {
        panic!("the image has no manifest");
    };
    let architecture = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    let index = |architecture: &str, manifest: &[u8]| {
        let entry = blob(manifest, manifest.len());
        let entry = entry.trim_end_matches('}');
        let text = format!(
            r#"{{"schemaVersion": 2, "manifests": [{entry}, "platform": {{"architecture": "{architecture}", "os": "linux"}}}}]}}"#
        );
        Answer::Whole(200, text.into_bytes())
    };
    let behind = format!("/v2/tool/manifests/{}", digest_of(&manifest));
    let good = image
        .clone()
        .with(MANIFEST, index(architecture, &manifest))
        .with(&behind, Answer::Whole(200, manifest.clone()));
    let registry = Registry::start(|_| good.0.clone()).await;
    registry.pull("tool", &PullOptions::default()).await.unwrap();

    let other = good.clone().with(MANIFEST, index("s390x", &manifest));
    assert_eq!(Registry::refuse(other).await, ErrorKind::ImageNotFound);
    let Answer::Whole(_, twice) = index(architecture, &manifest) else {
        panic!("an index is whole");
    };
    for answer in [
        Answer::Endless(200, String::new()),
        // Not what the digest says.
        Answer::Whole(200, [manifest.as_slice(), b" "].concat()),
        Answer::Whole(200, twice),
    ] {
        let bad = good.clone().with(&behind, answer);
        assert_eq!(Registry::refuse(bad).await, ErrorKind::Unexpected);
    }
}

#[tokio::test]
async fn what_comes_by_drips_or_not_at_all_is_given_up() {
    let (image, config, layer) = Image::new();
    for answer in [Answer::Drips, Answer::Silence] {
        for path in ["/v2/", MANIFEST, &config, &layer] {
            // Nothing is read of the first answer but that it is one.
            if path == "/v2/" && matches!(answer, Answer::Drips) {
                continue;
            }
            let begin = std::time::Instant::now();
            let kind = Registry::refuse(image.clone().with(path, answer.clone())).await;
            let is_layer_by_drips = path == layer && matches!(answer, Answer::Drips);
            // A layer may take as long as a pull may.
            let limit = if is_layer_by_drips { PULL_TIMEOUT } else { CALL_TIMEOUT };
            assert_eq!(kind, ErrorKind::Timeout, "{path}");
            let taken = begin.elapsed();
            assert!(
                taken >= limit && taken < limit + Duration::from_secs(1),
                "{path}: {taken:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_registry_that_leads_in_a_circle_is_given_up() {
    let (image, ..) = Image::new();
    let circle = Answer::With(307, format!("Location: {MANIFEST}"));
    assert_eq!(
        Registry::refuse(image.with(MANIFEST, circle)).await,
        ErrorKind::Unexpected
    );
}

#[tokio::test]
async fn a_token_is_got_where_the_registry_says_and_shown_to_it_alone() {
    let (image, ..) = Image::new();
    let registry = Registry::start(|port| {
        let realm = format!(r#"Basic realm="any", Bearer realm="http://127.0.0.1:{port}/token?a=b",service="s p""#);
        let token = Answer::Whole(200, br#"{"token": "secret"}"#.to_vec());
        image.clone().with("/v2/", challenge(&realm)).with("/token", token).0
    })
    .await;
    let options = PullOptions::default().with_credentials(Credentials::new("me", "password"));
    registry.pull("tool", &options).await.unwrap();
    let asked = &registry.seen.lock().unwrap().asked;
    let logins: Vec<_> = asked
        .iter()
        .map(|(path, login)| (path.as_str(), login.as_deref()))
        .collect();
    let password = Some("Basic bWU6cGFzc3dvcmQ=");
    assert_eq!(logins[0], ("/v2/", None));
    assert_eq!(
        logins[1],
        ("/token?a=b&scope=repository%3Atool%3Apull&service=s+p", password)
    );
    assert_eq!(logins.len(), 5);
    assert!(
        logins[2..].iter().all(|(_, login)| *login == Some("Bearer secret")),
        "{logins:?}"
    );
}

#[tokio::test]
async fn a_password_is_shown_only_where_it_is_asked_for() {
    let (image, ..) = Image::new();
    let options = PullOptions::default().with_credentials(Credentials::new("me", "password"));
    for (root, expected) in [
        (challenge(r#"Basic realm="any""#), Some("Basic bWU6cGFzc3dvcmQ=")),
        (Answer::Whole(200, Vec::new()), None),
    ] {
        let registry = Registry::start(|_| image.clone().with("/v2/", root.clone()).0).await;
        registry.pull("tool", &options).await.unwrap();
        let asked = &registry.seen.lock().unwrap().asked;
        assert!(
            asked[1..].iter().all(|(_, login)| login.as_deref() == expected),
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn a_token_that_has_no_end_or_is_none_is_given_up() {
    let (image, ..) = Image::new();
    for (answer, kind) in [
        (Answer::Endless(200, r#"{"token": ""#.to_owned()), ErrorKind::Unexpected),
        (Answer::Endless(403, String::new()), ErrorKind::Unauthorized),
        (Answer::Whole(200, b"{}".to_vec()), ErrorKind::Unexpected),
        (Answer::Whole(401, Vec::new()), ErrorKind::Unauthorized),
        (Answer::Drips, ErrorKind::Timeout),
    ] {
        let registry = Registry::start(|port| {
            let realm = challenge(&format!(r#"Bearer realm="http://127.0.0.1:{port}/token""#));
            image.clone().with("/v2/", realm).with("/token", answer.clone()).0
        })
        .await;
        let error = registry.pull("tool", &PullOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(registry.seen.lock().unwrap().sent < FAR_TOO_MUCH);
    }
    let nowhere = image.with("/v2/", challenge(r#"Bearer realm="nowhere""#));
    assert_eq!(Registry::refuse(nowhere).await, ErrorKind::Unexpected);
}
