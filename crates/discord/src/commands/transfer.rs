//! Files from and to the machine of a user.

use std::time::Duration;

use inline_sandbox::{ExportLimits, SkipReason};
use poise::serenity_prelude as serenity;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::attachment::Attachment;
use super::{Context, answer, complete};
use crate::failure::Failure;
use crate::message::Message;
use crate::run::{file_name, is_blocked};
use crate::show::{inline, size};

/// What is held in memory for one answer, however much a guild allows.
const MAX_SENT: u64 = 25 << 20;
/// How much more is packed than can be sent, since it is compressed.
const MAX_PACKED: u64 = 512 << 20;
const MAX_PACKED_FILES: u64 = 50_000;
/// How long packing may take.
const PACKING: Duration = Duration::from_mins(1);

/// Puts a file into your sandbox
#[poise::command(slash_command)]
pub(super) async fn upload(
    asked: Context<'_>,
    #[description = "The file"] file: serenity::Attachment,
    #[description = "Its name in the sandbox; without it its own"] name: Option<String>,
) -> Result<(), Failure> {
    answer(asked, |bot, caller| async move {
        let (name, stored) = Attachment::from(file).store(&bot, &caller, name).await?;
        Ok(Message::new(format!(
            "📥 {} is there now: {}.",
            inline(&name),
            size(stored)
        )))
    })
    .await
}

/// Sends you a file of your sandbox
#[poise::command(slash_command)]
pub(super) async fn download(
    asked: Context<'_>,
    #[description = "The file"]
    #[autocomplete = "complete::path"]
    name: String,
) -> Result<(), Failure> {
    answer(asked, |bot, caller| async move {
        if is_blocked(&name, &bot.current.get().blocked_extensions) {
            return Err(Failure::told(format!(
                "{} is of a kind that is not sent; `/il export` packs it.",
                inline(&name)
            )));
        }
        let _transfer = bot.transfers.acquire().await;
        let files = bot.service.files(&caller.owner()?).await?;
        let mut download = files.download(&name, caller.upload_limit.min(MAX_SENT)).await?;
        let mut content = Vec::new();
        download
            .read_to_end(&mut content)
            .await
            .map_err(|_| Failure::told(format!("{} could not be read.", inline(&name))))?;
        let text = format!("📤 {} · {}", inline(&name), size(content.len() as u64));
        Ok(Message::new(text).with_file(file_name(&name), content))
    })
    .await
}

/// Sends you a directory of your sandbox as a zip file
#[poise::command(slash_command)]
pub(super) async fn export(
    asked: Context<'_>,
    #[description = "The directory; without it all of the sandbox"]
    #[autocomplete = "complete::path"]
    path: Option<String>,
) -> Result<(), Failure> {
    answer(asked, |bot, caller| async move {
        let _transfer = bot.transfers.acquire().await;
        let files = bot.service.files(&caller.owner()?).await?;
        let max = caller.upload_limit.min(MAX_SENT);
        let limits = ExportLimits {
            files: MAX_PACKED_FILES,
            bytes: MAX_PACKED,
        };
        let mut packed = Bounded {
            content: Vec::new(),
            max: usize::try_from(max).unwrap_or(usize::MAX),
            is_over: false,
        };
        let path = path.unwrap_or_else(|| "/workspace".to_owned());
        let exported = timeout(PACKING, files.export(&path, limits, &mut packed)).await;
        if packed.is_over {
            return Err(Failure::told(format!(
                "Packed it is larger than the {} that can be sent here: export a part of it.",
                size(max)
            )));
        }
        let exported = exported.map_err(|_| Failure::told("Packing it takes too long: export a part of it."))??;
        let mut text = format!(
            "📦 {} · {} files, {}",
            inline(&path),
            exported.files,
            size(exported.bytes)
        );
        let links = exported
            .skipped
            .iter()
            .filter(|(_, why)| matches!(why, SkipReason::Kind(_)))
            .count();
        if !exported.skipped.is_empty() {
            let skipped = exported.skipped.len() as u64 + exported.skipped_more;
            text = format!("{text}\n-# left out: {skipped}, of which links and the like: {links}");
        }
        Ok(Message::new(text).with_file("sandbox.zip", packed.content))
    })
    .await
}

/// Takes so many bytes and no more.
struct Bounded {
    content: Vec<u8>,
    max: usize,
    is_over: bool,
}

impl tokio::io::AsyncWrite for Bounded {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        if self.content.len() + bytes.len() > self.max {
            self.is_over = true;
            return std::task::Poll::Ready(Err(std::io::ErrorKind::FileTooLarge.into()));
        }
        self.content.extend_from_slice(bytes);
        std::task::Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}
