//! `inline files`: the files of one sandbox.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::Path;

use inline_sandbox::{Entry, EntryKind, Export, ExportLimits, Files, Limits, MAX_PAGE, SandboxService};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::with_service;
use crate::arguments::{FileCommand, FilesArguments};
use crate::failure::{Failure, Result};
use crate::input;
use crate::interrupt::Interrupt;
use crate::open::Setup;
use crate::print::print;

pub(crate) async fn run(setup: &Setup, arguments: FilesArguments, interrupt: &Interrupt) -> Result<u8> {
    let (owner, asked) = (arguments.of.get(), arguments.command);
    with_service(setup, interrupt, async |service| {
        if matches!(asked, FileCommand::Write { .. } | FileCommand::Mkdir { .. }) {
            service.ensure_sandbox(&owner).await?;
        }
        command(service, service.files(&owner).await?, &asked).await.map(|()| 0)
    })
    .await
}

async fn command(service: &SandboxService, mut files: Files, command: &FileCommand) -> Result<()> {
    let limits = &service.config().limits;
    match command {
        FileCommand::List { path } => list(&files, path).await,
        FileCommand::Read { path } => {
            let mut download = files.download(path, limits.workspace_bytes).await?;
            copy(&mut download, &mut tokio::io::stdout()).await
        }
        FileCommand::Write {
            path,
            from,
            append: true,
        } => {
            let content = input::read(from, "file", limits.workspace_bytes).await?;
            Ok(files.append(path, content).await?)
        }
        FileCommand::Write {
            path,
            from,
            append: false,
        } => write(&files, path, from, limits).await,
        FileCommand::Rm { path, recursive } => Ok(files.remove(path, *recursive).await?),
        FileCommand::Mv { from, to, replace } => Ok(files.rename(from, to, *replace).await?),
        FileCommand::Mkdir { path } => Ok(files.make_directory(path).await?),
        FileCommand::Cd { path } => {
            files.change_directory(path).await?;
            print(format!("{}\n", files.directory())).await
        }
        FileCommand::Export { path, output } => export(&files, path, output.as_deref(), limits).await,
    }
}

async fn list(files: &Files, path: &str) -> Result<()> {
    let mut offset = 0;
    loop {
        let page = files.list(path, offset, MAX_PAGE).await?;
        print(page.entries.iter().map(line).collect::<String>()).await?;
        offset += MAX_PAGE;
        if offset >= page.total {
            if page.incomplete {
                eprintln!("hint: there are more, which are too many to list");
            }
            return Ok(());
        }
    }
}

fn line(entry: &Entry) -> String {
    let kind = match entry.kind {
        EntryKind::File => "file",
        EntryKind::Directory => "directory",
        EntryKind::Symlink => "symlink",
        _ => "special",
    };
    format!("{kind:<9} {:>12} {}\n", entry.size, entry.path)
}

async fn write(files: &Files, path: &str, from: &Path, limits: &Limits) -> Result<()> {
    let max = limits.workspace_bytes;
    if input::is_stdin(from) {
        files.upload(path, &mut tokio::io::stdin(), max).await?;
        return Ok(());
    }
    let opened = tokio::fs::File::open(from).await;
    let mut file = opened.map_err(|error| Failure::os(format!("reading `{}`", from.display()), error))?;
    files.upload(path, &mut file, max).await?;
    Ok(())
}

async fn export(files: &Files, path: &str, output: Option<&Path>, limits: &Limits) -> Result<()> {
    let bounds = ExportLimits {
        files: limits.workspace_files,
        bytes: limits.workspace_bytes,
    };
    let exported = match output {
        Some(output) => export_to(files, path, bounds, output).await?,
        None if io::stdout().is_terminal() => {
            return Err(Failure::told_with_hint(
                "a zip file is not for a terminal",
                "name a file with `--output`, or redirect standard output",
            ));
        }
        None => files.export(path, bounds, &mut tokio::io::stdout()).await?,
    };
    for (name, why) in &exported.skipped {
        eprintln!("left out: {name} ({why})");
    }
    if exported.skipped_more > 0 {
        eprintln!("left out: {} more", exported.skipped_more);
    }
    Ok(())
}

/// Exports to a file, which is there only when it is whole.
async fn export_to(files: &Files, path: &str, bounds: ExportLimits, output: &Path) -> Result<Export> {
    let refused = |error| Failure::os(format!("writing `{}`", output.display()), error);
    let part = Part::beside(output);
    let mut file = tokio::fs::File::create(&part.0).await.map_err(refused)?;
    let exported = files.export(path, bounds, &mut file).await?;
    tokio::fs::rename(&part.0, output).await.map_err(refused)?;
    Ok(exported)
}

/// A file that is removed again unless it was renamed, also where a signal comes in between.
struct Part(OsString);

impl Part {
    fn beside(output: &Path) -> Self {
        let mut path = output.as_os_str().to_owned();
        path.push(".part");
        Self(path)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It is not there when all went well.
        drop(std::fs::remove_file(&self.0));
    }
}

async fn copy(reader: &mut inline_sandbox::Download, writer: &mut (impl AsyncWrite + Unpin)) -> Result<()> {
    let copied = async {
        tokio::io::copy(reader, writer).await?;
        writer.flush().await
    };
    match copied.await {
        // Who has read enough has what was asked for.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::os("writing the output", error)),
        _ => Ok(()),
    }
}
