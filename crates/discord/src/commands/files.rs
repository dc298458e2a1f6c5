//! The files of a sandbox: looking, reading, writing, removing.

use inline_sandbox::{EntryKind, Files, Page};

use super::{Context, answer, complete, files_of, make_parent, put};
use crate::bot::Bot;
use crate::code;
use crate::custom_id::CustomId;
use crate::failure::Failure;
use crate::message::{Message, Style};
use crate::policy::Caller;
use crate::show::{MAX_CONTENT, block, inline, length, line, size};

/// How many names are shown at once.
const PAGE: usize = 20;
/// The top of what a user sees.
const ROOT: &str = inline_sandbox::WORKSPACE_TARGET;
/// How much of a file is shown; the rest is there to be downloaded.
const MAX_SHOWN: usize = 1_500;

/// Goes to a directory of your sandbox and shows what is in it
#[poise::command(slash_command)]
pub(super) async fn look(
    asked: Context<'_>,
    #[description = "The directory; without it the one that you are in"]
    #[autocomplete = "complete::path"]
    path: Option<String>,
) -> Result<(), Failure> {
    answer(asked, |bot, caller| async move {
        let mut files = bot.service.files(&caller.owner()?).await?;
        if let Some(path) = path {
            // Where people expect the top to be.
            let path = if matches!(path.as_str(), "/" | "~") {
                ROOT
            } else {
                &path
            };
            files.change_directory(path).await?;
        }
        listing(&files, &caller, &root_relative(&files), 0).await
    })
    .await
}

/// Shows the start of a file
#[poise::command(slash_command)]
pub(super) async fn read(
    asked: Context<'_>,
    #[description = "The file"]
    #[autocomplete = "complete::path"]
    name: String,
) -> Result<(), Failure> {
    answer(asked, |bot, caller| async move {
        let files = bot.service.files(&caller.owner()?).await?;
        let chunk = files.read(&name, 0, MAX_SHOWN).await?;
        let mut content = format!("📄 {} · {}", inline(&name), size(chunk.size));
        let mut text = String::from_utf8_lossy(&chunk.bytes).into_owned();
        // What is made visible takes more room.
        while length(&content) + length(&block(&text)) + 60 > MAX_CONTENT {
            let half = text.floor_char_boundary(text.len() * 3 / 4);
            text.truncate(half);
        }
        let shown = block(&text);
        content.push('\n');
        content.push_str(if shown.is_empty() { "-# it is empty" } else { &shown });
        if chunk.size > text.len() as u64 {
            content.push_str("\n-# there is more: `/il download` sends all of it");
        }
        Ok(Message::new(content))
    })
    .await
}

/// Writes a file; one that is there is replaced
#[poise::command(slash_command)]
pub(super) async fn write(
    asked: Context<'_>,
    #[description = "The file"]
    #[autocomplete = "complete::path"]
    name: String,
    #[description = "What it holds, as it is or in a ``` block"] content: String,
) -> Result<(), Failure> {
    answer(asked, |bot, caller| async move {
        let written = put(&bot, &caller, &name, code::content(&content)).await?;
        Ok(Message::new(format!(
            "📝 {} was written: {}.",
            inline(&name),
            size(written)
        )))
    })
    .await
}

/// Adds a line to the end of a file
#[poise::command(slash_command)]
pub(super) async fn append(
    asked: Context<'_>,
    #[description = "The file"]
    #[autocomplete = "complete::path"]
    name: String,
    #[description = "What is added, as it is or in a ``` block"] content: String,
) -> Result<(), Failure> {
    answer(asked, |bot, caller| async move {
        let files = files_of(&bot, &caller).await?;
        let mut content = code::content(&content);
        content.push('\n');
        make_parent(&files, &name).await?;
        files.append(&name, content).await?;
        let entry = files.entry(&name).await?;
        Ok(Message::new(format!(
            "📝 {} has {} now.",
            inline(&name),
            size(entry.size)
        )))
    })
    .await
}

/// Removes a file or a directory
#[poise::command(slash_command)]
pub(super) async fn rm(
    asked: Context<'_>,
    #[description = "The file or the directory"]
    #[autocomplete = "complete::path"]
    name: String,
    #[description = "Whether a directory goes with all that is in it"] recursive: Option<bool>,
) -> Result<(), Failure> {
    answer(asked, |bot, caller| async move {
        let files = bot.service.files(&caller.owner()?).await?;
        files.remove(&name, recursive.unwrap_or(false)).await?;
        Ok(Message::new(format!("🗑️ {} was removed.", inline(&name))))
    })
    .await
}

/// Renames or moves a file or a directory
#[poise::command(slash_command)]
pub(super) async fn mv(
    asked: Context<'_>,
    #[description = "The file or the directory"]
    #[autocomplete = "complete::path"]
    from: String,
    #[description = "Its new name, or where it goes"]
    #[autocomplete = "complete::path"]
    to: String,
    #[description = "Whether a file that is there is replaced"] replace: Option<bool>,
) -> Result<(), Failure> {
    answer(asked, |bot, caller| async move {
        let files = bot.service.files(&caller.owner()?).await?;
        make_parent(&files, &to).await?;
        files.rename(&from, &to, replace.unwrap_or(false)).await?;
        Ok(Message::new(format!("📝 {} is {} now.", inline(&from), inline(&to))))
    })
    .await
}

/// Returns the page of the directory `path` that begins at `offset`, for the buttons below a listing.
pub(crate) async fn page(bot: &Bot, caller: &Caller, path: &str, offset: usize) -> Result<Message, Failure> {
    let files = bot.service.files(&caller.owner()?).await?;
    if path.is_empty() {
        return listing(&files, caller, &root_relative(&files), offset).await;
    }
    listing(&files, caller, path, offset).await
}

/// Returns the current directory as it is typed wherever one is.
fn root_relative(files: &Files) -> String {
    if files.directory().is_root() {
        ROOT.to_owned()
    } else {
        format!("{ROOT}/{}", files.directory())
    }
}

async fn listing(files: &Files, caller: &Caller, path: &str, offset: usize) -> Result<Message, Failure> {
    let mut offset = offset;
    let mut page = files.list(path, offset, PAGE).await?;
    if page.entries.is_empty() && page.total > 0 {
        // Names of this page and those before it have gone since the button was made.
        offset = (page.total - 1) / PAGE * PAGE;
        page = files.list(path, offset, PAGE).await?;
    }
    let mut content = format!("📂 {}", inline(path));
    if page.total == 0 {
        content.push_str("\n-# it is empty");
    } else {
        content.push('\n');
        content.push_str(&block(&lines(&page)));
        let last = (offset + page.entries.len()).min(page.total);
        if page.total > PAGE {
            content = format!("{content}\n-# {} to {last} of {}", offset + 1, page.total);
        }
    }
    let turn = |offset| {
        let to = |path: &str| CustomId::Page {
            user: caller.user,
            offset,
            path: path.to_owned(),
        };
        let id = to(path);
        // A path that no button can carry is where the user is, until that one goes elsewhere.
        if id.text().is_some() { id } else { to("") }
    };
    let mut message = Message::new(content);
    if offset > 0 {
        message = message.with_button("Previous", Style::Secondary, &turn(offset.saturating_sub(PAGE)));
    }
    if offset + PAGE < page.total {
        message = message.with_button("Next", Style::Secondary, &turn(offset + PAGE));
    }
    Ok(message)
}

fn lines(page: &Page) -> String {
    /// Room for a page of them, whatever they are made of.
    const MAX_NAME: usize = 40;
    let mut lines = String::new();
    for entry in &page.entries {
        let path = entry.path.to_string();
        let name = line(path.rsplit('/').next().unwrap_or(&path), MAX_NAME);
        let shown = match entry.kind {
            EntryKind::Directory => format!("{name}/\n"),
            EntryKind::File => format!("{name}  {}\n", size(entry.size)),
            EntryKind::Symlink => format!("{name}  (a link)\n"),
            _ => format!("{name}  (no file)\n"),
        };
        lines.push_str(&shown);
    }
    lines
}
