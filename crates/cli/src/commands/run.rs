//! `inline run`: one program, its output as it comes, and its exit code.

mod artifacts;
mod program;
mod record;

use inline_sandbox::{Owner, Run, RunRequest, RunResult, SandboxService, Verdict};

use crate::arguments::RunArguments;
use crate::exit;
use crate::failure::{Failure, Result};
use crate::follow::follow;
use crate::interrupt::Interrupt;
use crate::open::Setup;
use crate::print::{Printer, print};
use crate::text;

use self::artifacts::Destination;
use self::program::Given;
use self::record::Record;

/// Whose limits and usage a run without an owner counts for.
const NOBODY: &str = "one-shot";
const PLACE: &str = "command line";

pub(crate) async fn run(setup: &Setup, arguments: RunArguments, interrupt: &Interrupt) -> Result<u8> {
    // Before the engine is asked for anything: a file that is not there is told at once.
    let given = interrupt.bound(Given::read(&arguments, &setup.sandbox.limits)).await?;
    let destination = match &arguments.artifacts {
        Some(path) => Some(Destination::prepare(path).await?),
        None => None,
    };
    let service = interrupt
        .bound(async {
            if arguments.owner.is_some() {
                return setup.service().await;
            }
            Ok(SandboxService::open_one_shot(setup.engine().await?.runtime, &setup.sandbox).await?)
        })
        .await?;
    let code = run_on(&service, &arguments, given, destination.as_ref(), interrupt).await;
    service.shutdown().await;
    code
}

async fn run_on(
    service: &SandboxService,
    arguments: &RunArguments,
    given: Given,
    destination: Option<&Destination>,
    interrupt: &Interrupt,
) -> Result<u8> {
    warn_of_narrowing(service, arguments);
    let owner = arguments
        .owner
        .clone()
        .map_or_else(|| Owner::new("local", NOBODY), Ok)?;
    let program = given.into_program(arguments, service.languages())?;
    let request = RunRequest::new(owner, program)
        .with_place(PLACE)
        .with_one_shot(arguments.owner.is_none());
    let run = service.run(request);
    if arguments.json {
        let result = follow(run, &mut Printer::silent(), interrupt).await?;
        if let Some(destination) = destination {
            destination.take(&result.artifacts).await?;
        }
        print(Record::of(&result).to_line()?).await?;
        return Ok(exit::of(result.verdict, interrupt));
    }
    stream(service, run, destination, interrupt).await
}

async fn stream(
    service: &SandboxService,
    run: Run,
    destination: Option<&Destination>,
    interrupt: &Interrupt,
) -> Result<u8> {
    let mut printer = Printer::new(service.config().limits.output_kept);
    let result = follow(run, &mut printer, interrupt).await?;
    let rest = tokio::select! {
        biased;
        rest = printer.show_rest(&result) => rest,
        () = interrupt.reader_patience() => Ok(()),
    };
    rest.map_err(|error| Failure::os("writing the output", error))?;
    tell(&result, service);
    if let Some(destination) = destination {
        destination.take(&result.artifacts).await?;
    }
    let code = exit::of(result.verdict, interrupt);
    printer.code(code)
}

/// Says how it ended, where that is not the program's own doing.
fn tell(result: &RunResult, service: &SandboxService) {
    let limits = &service.config().limits;
    match result.verdict {
        Verdict::Ok | Verdict::NonZero(_) | Verdict::Cancelled => {}
        Verdict::Timeout => eprintln!(
            "inline: {}, after {} s",
            result.verdict,
            result.usage.wall.as_secs_f64().round()
        ),
        Verdict::OutputLimit => eprintln!("inline: {}, at {}", result.verdict, text::size(limits.output_max)),
        Verdict::DiskFull => eprintln!("inline: {}, {}", result.verdict, text::size(limits.workspace_bytes)),
        verdict => eprintln!("inline: {verdict}"),
    }
}

/// Says so where less is given than was asked for.
fn warn_of_narrowing(service: &SandboxService, arguments: &RunArguments) {
    let limits = &service.config().limits;
    if arguments.timeout.is_some_and(|asked| asked > limits.max_timeout) {
        eprintln!(
            "hint: the operator allows {} s at most",
            limits.max_timeout.as_secs_f64()
        );
    }
    if arguments.memory.is_some_and(|asked| asked > limits.memory) {
        eprintln!(
            "hint: the operator allows {} of memory at most",
            text::size(limits.memory)
        );
    }
}
