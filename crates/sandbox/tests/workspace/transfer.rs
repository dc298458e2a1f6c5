//! Files in and out as streams.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use inline_sandbox::SandboxError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use super::{Place, path};

#[tokio::test]
async fn what_is_uploaded_is_downloaded() {
    let place = Place::new().await;
    let content: Vec<u8> = (0..1_000_000_u32).map(|number| (number % 251) as u8).collect();
    let received = place
        .upload(&path("file"), &mut content.as_slice(), 1_000_000)
        .await
        .unwrap();
    assert_eq!(received, 1_000_000);
    let mut download = place.download(&path("file"), 1_000_000).await.unwrap();
    assert_eq!(download.size(), 1_000_000);
    let mut read = Vec::new();
    download.read_to_end(&mut read).await.unwrap();
    assert!(read == content);
    assert_eq!(place.trash(), 0);
}

#[tokio::test]
async fn an_upload_without_end_is_stopped() {
    let place = Place::new().await;
    let stopped = place.upload(&path("file"), &mut tokio::io::repeat(1), 1 << 20).await;
    assert!(matches!(stopped, Err(SandboxError::TooLarge { max, .. }) if max == 1 << 20));
    let small = Place::with_quota(inline_sandbox::Quota {
        bytes: 1 << 20,
        files: 10,
    })
    .await;
    let stopped = small.upload(&path("file"), &mut tokio::io::repeat(1), u64::MAX).await;
    assert!(matches!(
        stopped,
        Err(SandboxError::QuotaExceeded { what: "bytes", .. })
    ));
    for place in [place, small] {
        assert_eq!((place.trash(), place.inside.join("file").exists()), (0, false));
    }
}

/// Gives some bytes and then fails, as a connection does.
struct Broken(bool);

impl AsyncRead for Broken {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        self.0 = true;
        buffer.put_slice(b"half");
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn an_upload_that_breaks_or_is_given_up_changes_nothing() {
    let place = Place::new().await;
    place.write(&path("file"), "old").await.unwrap();
    let broken = place.upload(&path("file"), &mut Broken(false), 100).await;
    assert!(matches!(broken, Err(SandboxError::Io { .. })));

    let (mut sender, mut receiver) = tokio::io::duplex(64);
    sender.write_all(b"half").await.unwrap();
    let file = path("file");
    let upload = place.upload(&file, &mut receiver, 100);
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(200), upload)
            .await
            .is_err()
    );
    assert_eq!(std::fs::read(place.inside.join("file")).unwrap(), b"old");
    assert_eq!(place.trash(), 0);
}

#[tokio::test]
async fn a_file_that_grows_or_shrinks_meanwhile_is_read_within_its_first_size() {
    let place = Place::new().await;
    place.write(&path("file"), vec![1; 100_000]).await.unwrap();
    let mut grown = place.download(&path("file"), 100_000).await.unwrap();
    place.append(&path("file"), vec![2; 100_000]).await.unwrap();
    let mut read = Vec::new();
    grown.read_to_end(&mut read).await.unwrap();
    assert_eq!(read.len(), 100_000);

    let mut shrunk = place.download(&path("file"), 200_000).await.unwrap();
    std::fs::File::options()
        .write(true)
        .open(place.inside.join("file"))
        .unwrap()
        .set_len(10)
        .unwrap();
    read.clear();
    shrunk.read_to_end(&mut read).await.unwrap();
    assert_eq!(read.len(), 10);
}
