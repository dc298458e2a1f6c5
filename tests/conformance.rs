//! Every case of the contract against every driver: `docker::exec::stdin_to_eof`.
//!
//! The fake always runs. `INLINE_TEST` names the engines that run too; one that is named and cannot be reached fails,
//! one that is not named shows as ignored. The binary needs no file but itself, so that it can be copied to another host.

use std::process::ExitCode;
use std::sync::Arc;

use inline_conformance::{Subject, Suite, cases};
use inline_embedded::LimitPolicy as EmbeddedLimits;
use inline_podman::LimitPolicy;
use inline_runtime::{Capabilities, Info};
use inline_tests::docker::DockerSubject;
use inline_tests::embedded::EmbeddedSubject;
use inline_tests::environment::{INLINE_TEST, INLINE_TEST_BLESS, patience, variable};
use inline_tests::fake::FakeSubject;
use inline_tests::podman::PodmanSubject;
use inline_tests::table::{Table, column_name};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::{Handle, Runtime};

const README: &str = include_str!("../README.md");
const ENGINES: [&str; 5] = ["docker", "podman", "podman-rlimit", "embedded", "embedded-rlimit"];

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
                trials.push(readme(engine, runtime.handle().clone()));
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
        "embedded" => EmbeddedSubject::find(EmbeddedLimits::Cgroup, patience).map(Suite::new),
        "embedded-rlimit" => EmbeddedSubject::find(EmbeddedLimits::Rlimit, patience).map(Suite::new),
        "podman-rlimit" => PodmanSubject::find(LimitPolicy::Rlimit, patience).map(Suite::new),
        _ => PodmanSubject::find(LimitPolicy::Cgroup, patience).map(Suite::new),
    };
    suite.map(Arc::new).map_err(|error| error.to_string())
}

/// Holds the README's table of capabilities against what the driver says; `INLINE_TEST_BLESS` names a README to write it
/// into instead.
fn readme(engine: &'static str, handle: Handle) -> Trial {
    Trial::test(format!("{engine}::capabilities::are_those_of_the_readme"), move || {
        let (info, capabilities) = handle.block_on(description(engine))?;
        let name = column_name(&info, &capabilities);
        if let Some(path) = variable(INLINE_TEST_BLESS) {
            let readme = std::fs::read_to_string(&path)?;
            let mut table = Table::of_readme(&readme);
            table.set(name, &capabilities);
            let readme = table
                .into_readme(&readme)
                .ok_or("the README has no marks for the table")?;
            return std::fs::write(&path, readme).map_err(Failed::from);
        }
        let wrong = Table::of_readme(README).differences(&name, &capabilities);
        if wrong.is_empty() {
            return Ok(());
        }
        let wrong = wrong.join(", ");
        Err(
            format!("{wrong} of `{name}` is not what the driver says; write it with `{INLINE_TEST_BLESS}=README.md`")
                .into(),
        )
    })
}

async fn description(engine: &str) -> Result<(Info, Capabilities), Failed> {
    let runtime = match engine {
        "docker" => DockerSubject::find(patience()?)?.connect().await?,
        "embedded" => {
            EmbeddedSubject::find(EmbeddedLimits::Cgroup, patience()?)?
                .connect()
                .await?
        }
        "embedded-rlimit" => {
            EmbeddedSubject::find(EmbeddedLimits::Rlimit, patience()?)?
                .connect()
                .await?
        }
        "podman-rlimit" => PodmanSubject::find(LimitPolicy::Rlimit, patience()?)?.connect().await?,
        _ => PodmanSubject::find(LimitPolicy::Cgroup, patience()?)?.connect().await?,
    };
    Ok((runtime.info().await?, runtime.capabilities()))
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
