//! One real run, with the limits of all: what an engine says of itself is not yet what it does.

use std::sync::Arc;

use inline::ContainerRuntime;
use inline_sandbox::{Language, Owner, Program, RunRequest, RunResult, SandboxService, Verdict};

use crate::failure::{Failure, Result};
use crate::follow::follow;
use crate::interrupt::Interrupt;
use crate::open::Setup;
use crate::print::Printer;

/// What the program prints; every interpreter that is built in has it in common.
const SOURCES: [(&str, &str); 3] = [
    ("python", "print(42)"),
    ("node", "console.log(42)"),
    ("bash", "echo 42"),
];
const EXPECTED: &str = "42\n";

pub(super) enum Trial {
    Passed(String),
    NotDone(String),
    Failed(String),
}

/// Runs a program in `language`, whose image is there, in a workspace that is gone afterwards.
pub(super) async fn run(
    setup: &Setup,
    runtime: Arc<dyn ContainerRuntime>,
    language: Option<&Language>,
    interrupt: &Interrupt,
) -> Result<Trial> {
    let service = match interrupt.bound(setup.one_shot(runtime)).await {
        Ok(service) => service,
        Err(Failure::Interrupted) => return Err(Failure::Interrupted),
        Err(failure) => return Ok(Trial::Failed(failure.text())),
    };
    let source = language.and_then(|language| SOURCES.into_iter().find(|(name, _)| *name == language.name));
    let trial = match source {
        Some((language, source)) => match one(&service, language, source, interrupt).await {
            Ok(result) if result.verdict == Verdict::Cancelled => Err(Failure::Interrupted),
            Ok(result) => Ok(judge(language, &result)),
            Err(failure) => Ok(Trial::Failed(failure.text())),
        },
        None => Ok(Trial::NotDone("no image is here yet".to_owned())),
    };
    service.shutdown().await;
    trial
}

async fn one(service: &SandboxService, language: &str, source: &str, interrupt: &Interrupt) -> Result<RunResult> {
    let owner = Owner::new("local", "doctor").map_err(Failure::from)?;
    let request = RunRequest::new(owner, Program::new(language, source))
        .with_one_shot(true)
        .with_place("doctor");
    follow(service.run(request), &mut Printer::silent(), interrupt).await
}

fn judge(language: &str, result: &RunResult) -> Trial {
    if result.verdict.is_ok() && result.stdout.to_text() == EXPECTED {
        return Trial::Passed(format!("{language}, {} ms", result.usage.wall.as_millis()));
    }
    let printed = result.stderr.to_text();
    Trial::Failed(format!("{language}: {}\n{}", result.verdict, printed.trim_end()))
}
