//! Real runs, with the limits of all: what an engine says of itself is not yet what it does.

use std::sync::Arc;

use inline::ContainerRuntime;
use inline_sandbox::{Language, Owner, Program, RunRequest, RunResult, SandboxError, SandboxService, Verdict};

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

/// Runs a program in each of `languages`, whose images are there, in workspaces that are gone afterwards.
pub(super) async fn run(
    setup: &Setup,
    runtime: Arc<dyn ContainerRuntime>,
    languages: impl Iterator<Item = &Language>,
    interrupt: &Interrupt,
) -> Result<Vec<(&'static str, Trial)>> {
    let tried = languages.filter_map(|language| SOURCES.into_iter().find(|(name, _)| *name == language.name));
    let tried: Vec<_> = tried.collect();
    if tried.is_empty() {
        return Ok(vec![("none", Trial::NotDone("no image is here yet".to_owned()))]);
    }
    let service = match interrupt
        .bound(SandboxService::open_one_shot(runtime, &setup.sandbox))
        .await
    {
        Ok(service) => service,
        Err(Failure::Interrupted) => return Err(Failure::Interrupted),
        Err(failure) => return Ok(vec![("service", Trial::Failed(failure.text()))]),
    };
    let mut trials = Vec::new();
    for (language, source) in tried {
        match one(&service, language, source, interrupt).await {
            Ok(result) if result.verdict == Verdict::Cancelled => {
                service.shutdown().await;
                return Err(Failure::Interrupted);
            }
            Ok(result) => trials.push((language, judge(&result))),
            Err(failure) if matches!(failure, Failure::Sandbox(SandboxError::NoInterpreter { .. })) => {
                trials.push((language, Trial::NotDone(failure.text())));
            }
            Err(failure) => trials.push((language, Trial::Failed(failure.text()))),
        }
    }
    service.shutdown().await;
    Ok(trials)
}

async fn one(service: &SandboxService, language: &str, source: &str, interrupt: &Interrupt) -> Result<RunResult> {
    let owner = Owner::new("local", "doctor").map_err(Failure::from)?;
    let request = RunRequest::new(owner, Program::new(language, source))
        .with_one_shot(true)
        .with_place("doctor");
    follow(service.run(request), &mut Printer::silent(), interrupt).await
}

fn judge(result: &RunResult) -> Trial {
    if result.verdict.is_ok() && result.stdout.to_text() == EXPECTED {
        return Trial::Passed(format!("ok, {} ms", result.usage.wall.as_millis()));
    }
    let printed = result.stderr.to_text();
    Trial::Failed(format!("{}\n{}", result.verdict, printed.trim_end()))
}
