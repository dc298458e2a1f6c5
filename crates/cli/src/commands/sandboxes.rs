//! `inline sandboxes`: all of them.

use inline_sandbox::store::SandboxRecord;
use inline_sandbox::{Owner, Retention, SandboxError, SandboxService};

use super::with_service;
use crate::arguments::{SandboxCommand, SandboxesArguments};
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::open::Setup;
use crate::print::print;
use crate::text;

/// How many are read at a time.
const PAGE: u32 = 500;

pub(crate) async fn run(setup: &Setup, arguments: SandboxesArguments, interrupt: &Interrupt) -> Result<u8> {
    with_service(setup, interrupt, async |service| match &arguments.command {
        None | Some(SandboxCommand::List) => list(service).await,
        Some(SandboxCommand::Delete { owners }) => delete(service, owners).await,
    })
    .await
    .map(|()| 0)
}

async fn list(service: &SandboxService) -> Result<()> {
    let mut after: Option<Owner> = None;
    loop {
        let page = service.sandboxes(after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        print(page.iter().map(|sandbox| line(sandbox, service)).collect::<String>()).await?;
        after = Some(last.owner.clone());
    }
}

fn line(sandbox: &SandboxRecord, service: &SandboxService) -> String {
    let kept = match sandbox.retention.unwrap_or(service.config().retention) {
        Retention::Never => "for ever".to_owned(),
        Retention::After(span) => text::span(span),
    };
    format!(
        "{:<32} used {:<12} kept {kept}\n",
        sandbox.owner.as_str(),
        text::ago(sandbox.last_used)
    )
}

/// Deletes all that are there, and fails for the first that is not.
async fn delete(service: &SandboxService, owners: &[Owner]) -> Result<()> {
    let mut missing = None;
    for owner in owners {
        if service.delete_sandbox(owner).await? {
            eprintln!("deleted: {owner}");
        } else {
            missing.get_or_insert(owner);
        }
    }
    match missing {
        Some(owner) => Err(SandboxError::NotFound {
            what: "owner's sandbox",
            name: owner.to_string(),
        }
        .into()),
        None => Ok(()),
    }
}
