//! Every case of the contract against every driver: `docker::exec::stdin_to_eof`.
//!
//! The fake always runs. `INLINE_TEST` names the engines that run too; one that is named and cannot be reached fails,
//! one that is not named shows as ignored. The binary needs no file but itself, so that it can be copied to another host.

use std::process::ExitCode;
use std::sync::Arc;

use inline_conformance::{Suite, cases};
use inline_podman::LimitPolicy;
use inline_tests::docker::DockerSubject;
use inline_tests::environment::{INLINE_TEST, patience, variable};
use inline_tests::fake::FakeSubject;
use inline_tests::podman::PodmanSubject;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::{Handle, Runtime};

const ENGINES: [&str; 3] = ["docker", "podman", "podman-rlimit"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match test(&arguments) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn test(arguments: &Arguments) -> Result<ExitCode, String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    let named = named_engines()?;
    let mut suites = Vec::new();
    let mut trials = Vec::new();
    for fake in [FakeSubject::capable(), FakeSubject::with_rlimits(), FakeSubject::bare()] {
        let suite = Arc::new(Suite::new(fake.map_err(|error| error.to_string())?));
        trials.extend(suite.trials(runtime.handle()));
        suites.push(suite);
    }
    for engine in ENGINES {
        if !named.iter().any(|name| name == engine) {
            trials.extend(all_failing(engine, &format!("`{INLINE_TEST}` does not name `{engine}`")).map(ignored));
            continue;
        }
        match find(engine, patience()?) {
            Ok(suite) => {
                trials.extend(suite.trials(runtime.handle()));
                suites.push(suite);
            }
            Err(message) => trials.extend(all_failing(engine, &message)),
        }
    }
    let conclusion = libtest_mimic::run(arguments, trials);
    let left = left_behind(runtime.handle(), &suites)?;
    if left.is_empty() {
        Ok(conclusion.exit_code())
    } else {
        Err(format!("left behind: {}", left.join(", ")))
    }
}

fn named_engines() -> Result<Vec<String>, String> {
    let text = variable(INLINE_TEST).unwrap_or_default();
    let named = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty() && *name != "fake");
    named
        .map(|name| {
            let known = ENGINES.contains(&name).then(|| name.to_owned());
            let all = ENGINES.join(", ");
            known.ok_or_else(|| format!("`{INLINE_TEST}` names `{name}`, which is none of fake, {all}"))
        })
        .collect()
}

fn find(engine: &str, patience: u32) -> Result<Arc<Suite>, String> {
    let suite = match engine {
        "docker" => DockerSubject::find(patience).map(Suite::new),
        "podman-rlimit" => PodmanSubject::find(LimitPolicy::Rlimit, patience).map(Suite::new),
        _ => PodmanSubject::find(LimitPolicy::Cgroup, patience).map(Suite::new),
    };
    suite.map(Arc::new).map_err(|error| error.to_string())
}

/// Returns the cases of an engine that cannot be tested: each fails, with the reason.
fn all_failing(engine: &str, why: &str) -> impl Iterator<Item = Trial> {
    cases().map(move |case| {
        let why = why.to_owned();
        Trial::test(format!("{engine}::{}", case.name()), move || Err(Failed::from(why)))
    })
}

fn ignored(trial: Trial) -> Trial {
    trial.with_ignored_flag(true)
}

/// Lists what any case left on any engine, after all that each case removed itself.
fn left_behind(handle: &Handle, suites: &[Arc<Suite>]) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    for suite in suites {
        all.extend(handle.block_on(suite.left_behind())?);
    }
    Ok(all)
}
