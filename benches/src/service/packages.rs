//! A package from an index and from the cache, beside pip on the host.

mod index;

use std::path::Path;
use std::time::{Duration, Instant};

use inline_sandbox::{InstallRequest, PackageManager, SecretUrl};
use tempfile::TempDir;

use self::index::Index;
use super::subject::{Subject, owner};
use super::{Result, host};
use crate::answer::by_command;
use crate::bench::Bench;
use crate::figure::{Figure, Floor};
use crate::summary::Summary;

/// Large, and without others that it needs.
const PACKAGE: &str = "numpy";
const SAMPLES: usize = 3;

#[derive(Default)]
struct Samples {
    cold: Vec<Duration>,
    cached: Vec<Duration>,
}

pub(super) async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let index = Index::start()?;
    let url = index.as_ref().map(Index::url);
    let arguments = index.as_ref().map(Index::arguments).unwrap_or_default();
    let (mut ours, mut floor) = (Samples::default(), Samples::default());
    for _ in 0..if bench.quick { 1 } else { SAMPLES } {
        let cache = tempfile::tempdir()?;
        floor.cold.push(on_the_host(&arguments, cache.path()).await?);
        floor.cached.push(on_the_host(&arguments, cache.path()).await?);
        let subject = Subject::changed(bench, |config| {
            config.packages.pip_index_url = url.clone().map(SecretUrl::new);
        })
        .await?;
        // The cache is of all owners, what is installed of one.
        ours.cold.push(install(&subject, 0).await?);
        ours.cached.push(install(&subject, 1).await?);
        subject.close().await?;
    }
    let figure = |name: &str, ours, floor| {
        let floor = Floor::new("pip on the host", Summary::of_durations(floor));
        let name = format!("pip install {PACKAGE}, {name}");
        Figure::beside(name, bench.driver(), Summary::of_durations(ours), floor, None)
    };
    Ok(vec![
        figure("cold", ours.cold, floor.cold),
        figure("from cache", ours.cached, floor.cached),
    ])
}

async fn install(subject: &Subject, number: u32) -> Result<Duration> {
    let request = InstallRequest::new(owner(number)?, PackageManager::Pip, [PACKAGE]);
    let begin = Instant::now();
    let installed = subject.service.install(request).outcome().await?;
    let taken = begin.elapsed();
    if installed.run.verdict.is_ok() && installed.packages.iter().any(|package| package.name == PACKAGE) {
        return Ok(taken);
    }
    let (verdict, stderr) = (installed.run.verdict.name(), installed.run.stderr.to_text());
    Err(format!("an installation ended with `{verdict}`: {}", stderr.trim_end()).into())
}

async fn on_the_host(index: &[String], cache: &Path) -> Result<Duration> {
    let target: TempDir = tempfile::tempdir()?;
    let mut command = host::python();
    command
        .args([
            "-I",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--only-binary",
            ":all:",
            "--no-deps",
        ])
        .arg("--cache-dir")
        .arg(cache)
        .arg("--target")
        .arg(target.path())
        .args(index)
        .args(["--disable-pip-version-check", "--root-user-action", "ignore", PACKAGE]);
    let begin = Instant::now();
    by_command(command).await?;
    Ok(begin.elapsed())
}
