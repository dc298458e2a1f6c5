//! What the command line can be asked for.

mod bot;
mod doctor;
mod files;
mod gc;
mod mcp;
mod packages;
mod run;
mod sandboxes;

use clap::CommandFactory;
use inline_sandbox::{PackageManager, SandboxService};

use crate::arguments::{Arguments, Command};
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::open::Setup;
use crate::print::print;

/// Does what was asked, and returns the exit code.
pub(crate) async fn run(arguments: Arguments, interrupt: &Interrupt) -> Result<u8> {
    let setup = || Setup::load(&arguments.global);
    match arguments.command {
        Command::Run(run) => run::run(&setup()?, run, interrupt).await,
        Command::Files(files) => files::run(&setup()?, files, interrupt).await,
        Command::Pip(packages) => packages::run(&setup()?, PackageManager::Pip, packages, interrupt).await,
        Command::Npm(packages) => packages::run(&setup()?, PackageManager::Npm, packages, interrupt).await,
        Command::Mcp(mcp) => mcp::run(&Setup::load_to_stay(&arguments.global)?, mcp, interrupt).await,
        Command::Bot(bot) => bot::run(&arguments.global, bot, interrupt).await,
        Command::Sandboxes(sandboxes) => sandboxes::run(&setup()?, sandboxes, interrupt).await,
        Command::Gc => gc::run(&setup()?, interrupt).await,
        Command::Doctor => doctor::run(&setup()?, interrupt).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "inline", &mut script);
            print(script).await.map(|()| 0)
        }
    }
}

/// Does `work` with the service of the owners' sandboxes and ends it, whatever came of the work; a signal ends both.
async fn with_service<T>(
    setup: &Setup,
    interrupt: &Interrupt,
    work: impl AsyncFnOnce(&SandboxService) -> Result<T>,
) -> Result<T> {
    let service = interrupt.bound(setup.service()).await?;
    let done = interrupt.bound(work(&service)).await;
    service.shutdown().await;
    done
}
