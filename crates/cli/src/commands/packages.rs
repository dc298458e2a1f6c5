//! `inline pip` and `inline npm`: packages for the runs to come.

use inline_sandbox::store::PackageRecord;
use inline_sandbox::{InstallRequest, Owner, PackageManager, SandboxService};

use crate::arguments::{PackageArguments, PackageCommand};
use crate::exit;
use crate::failure::{Failure, Result};
use crate::follow::follow;
use crate::interrupt::Interrupt;
use crate::open::Setup;
use crate::print::{Printer, print};

const PLACE: &str = "command line";

pub(crate) async fn run(
    setup: &Setup,
    manager: PackageManager,
    arguments: PackageArguments,
    interrupt: &Interrupt,
) -> Result<u8> {
    let owner = arguments.of.get();
    let service = interrupt.bound(setup.service()).await?;
    let done = match arguments.command {
        PackageCommand::Install { packages } => {
            install(&service, InstallRequest::new(owner, manager, packages), interrupt).await
        }
        PackageCommand::Restore => install(&service, InstallRequest::restore(owner, manager), interrupt).await,
        PackageCommand::List => list(&service, &owner, manager).await,
    };
    service.shutdown().await;
    done
}

async fn install(service: &SandboxService, request: InstallRequest, interrupt: &Interrupt) -> Result<u8> {
    let mut printer = Printer::new(service.config().limits.output_kept);
    let installation = follow(service.install(request.with_place(PLACE)), &mut printer, interrupt).await?;
    let rest = printer.show_rest(&installation.run).await;
    rest.map_err(|error| Failure::os("writing the output", error))?;
    let verdict = installation.run.verdict;
    if verdict.is_ok() {
        eprint!("installed:\n{}", lines(&installation.packages));
    } else {
        eprintln!("inline: nothing was installed: {verdict}");
    }
    printer.code(exit::of(verdict, interrupt))
}

async fn list(service: &SandboxService, owner: &Owner, manager: PackageManager) -> Result<u8> {
    service.sandbox(owner).await?;
    let mut packages = service.packages(owner).await?;
    packages.retain(|package| package.manager == manager);
    print(lines(&packages)).await.map(|()| 0)
}

fn lines(packages: &[PackageRecord]) -> String {
    packages.iter().fold(String::new(), |lines, package| {
        lines + &package.name + " " + &package.version + "\n"
    })
}
