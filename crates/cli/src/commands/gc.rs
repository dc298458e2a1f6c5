//! `inline gc`: clears up, at once, what every start and every minute clear up by themselves.

use std::sync::Arc;

use inline::ContainerRuntime;
use inline_sandbox::{SandboxConfig, SandboxError, SandboxService, Swept};

use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::open::Setup;
use crate::print::print;

pub(crate) async fn run(setup: &Setup, interrupt: &Interrupt) -> Result<u8> {
    let runtime = interrupt.bound(setup.engine()).await?.runtime;
    let mut all = Swept::default();
    let mut in_use = 0;
    for config in std::iter::once(setup.sandbox.clone()).chain(setup.sandbox.one_shots()) {
        match interrupt.bound(sweep(&runtime, config)).await {
            Ok(swept) => all += swept,
            // Whoever has it open clears up there every minute.
            Err(Failure::Sandbox(SandboxError::InUse { .. })) => in_use += 1,
            Err(error) => return Err(error),
        }
    }
    print(told(&all)).await?;
    if in_use > 0 {
        eprintln!("hint: {in_use} base directories are in use, by processes that clear up there themselves");
    }
    Ok(0)
}

/// Opens a service, which clears up, and returns what that has found.
async fn sweep(runtime: &Arc<dyn ContainerRuntime>, config: SandboxConfig) -> Result<Swept> {
    let service = SandboxService::open(Arc::clone(runtime), config).await?;
    let mut swept = service.swept_at_open();
    // What did not go then, goes now, or says why.
    let again = service.sweep().await;
    service.shutdown().await;
    swept += again?;
    Ok(swept)
}

fn told(swept: &Swept) -> String {
    let parts = [
        (swept.containers, "container", "containers"),
        (
            swept.abandoned,
            "unfinished run or session",
            "unfinished runs and sessions",
        ),
        (swept.leftovers, "leftover of a workspace", "leftovers of workspaces"),
        (swept.expired, "expired sandbox", "expired sandboxes"),
        (swept.records, "old record", "old records"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| format!("{number} {}", if number == 1 { one } else { many }))
        .collect();
    if parts.is_empty() {
        "there was nothing to remove\n".to_owned()
    } else {
        format!("removed {}\n", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_there_was_is_told() {
        let mut swept = Swept::default();
        assert_eq!(told(&swept), "there was nothing to remove\n");
        (swept.containers, swept.abandoned, swept.records) = (1, 2, 1);
        assert_eq!(
            told(&swept),
            "removed 1 container, 2 unfinished runs and sessions, 1 old record\n"
        );
    }
}
