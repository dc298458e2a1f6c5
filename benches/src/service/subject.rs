//! What is measured: a service on an engine, with a base directory of its own.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use inline::{Container, ContainerId, ContainerRuntime, ErrorKind, ListFilter, labels};
use inline_sandbox::{LanguageConfig, Owner, Program, RunRequest, RunResult, SandboxConfig, SandboxService};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::Result;
use crate::bench::Bench;

/// How often an engine is asked for what is awaited.
const POLL: Duration = Duration::from_millis(1);
/// How long an interpreter is given to come up, as whoever reads one answer before asking again gives it.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a container may take to come or to go.
const PATIENCE: Duration = Duration::from_secs(20);

/// A service, and what it stands on.
pub(crate) struct Subject {
    pub(crate) service: SandboxService,
    pub(crate) directory: TempDir,
    runtime: Arc<dyn ContainerRuntime>,
}

impl Subject {
    /// Opens a service that is as operators have it by default, but for how often one may ask.
    pub(crate) async fn open(bench: &Bench) -> Result<Self> {
        Self::changed(bench, |_| {}).await
    }

    /// Opens a service with other settings.
    pub(crate) async fn changed(bench: &Bench, change: impl FnOnce(&mut SandboxConfig)) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let mut config = SandboxConfig::default();
        config.base_dir = Some(directory.path().join("base"));
        config.instance = Some(bench.instance.clone());
        config.pull_on_startup = false;
        config.admission.rate_limit.runs = NonZeroU32::MAX;
        config.admission.daily_cpu = None;
        for name in ["python", "bash"] {
            let mut language = LanguageConfig::default();
            language.image = Some(bench.python.clone());
            config.languages.insert(name.to_owned(), language);
        }
        change(&mut config);
        Ok(Self {
            service: SandboxService::open(Arc::clone(&bench.runtime), config).await?,
            directory,
            runtime: Arc::clone(&bench.runtime),
        })
    }

    /// Ends the service, and checks that it leaves no container.
    pub(crate) async fn close(self) -> Result<()> {
        self.service.shutdown().await;
        match self.containers().await? {
            0 => Ok(()),
            left => Err(format!("{left} containers are left behind").into()),
        }
    }

    /// Returns how many containers the service has on its engine.
    pub(crate) async fn containers(&self) -> Result<usize> {
        Ok(self.runtime.list(&self.own()).await?.len())
    }

    pub(crate) async fn run(&self, owner: &Owner, program: Program) -> Result<RunResult> {
        let request = RunRequest::new(owner.clone(), program);
        Ok(self.service.run(request).outcome().await?)
    }

    /// Waits until all is quiet and one container, made ahead, has its interpreter waiting; returns which.
    pub(crate) async fn warm(&self) -> Result<ContainerId> {
        let mut all = self.all_warm(1).await?;
        all.pop_first().ok_or_else(|| "no container waits".into())
    }

    /// Waits until all is quiet and `count` containers, made ahead, have their interpreters waiting; returns which.
    pub(crate) async fn all_warm(&self, count: usize) -> Result<BTreeSet<ContainerId>> {
        let warm = async {
            let mut seen = BTreeSet::new();
            loop {
                let found = self.made_ahead().await?;
                // Those that are on their way out are gone when they are looked for again.
                if found.len() == count && found == seen {
                    return Ok(found);
                }
                sleep(if found.len() == count { PAUSE } else { POLL }).await;
                seen = found;
            }
        };
        timeout(PATIENCE, warm).await?
    }

    /// Returns the containers that were made ahead, or none while there are others too.
    async fn made_ahead(&self) -> Result<BTreeSet<ContainerId>> {
        let all = self.runtime.list(&self.own()).await?;
        let waits = |container: &Container| {
            container.state.is_running() && container.labels.get(labels::ROLE).is_some_and(|role| role == "warm")
        };
        if !all.iter().all(waits) {
            return Ok(BTreeSet::new());
        }
        Ok(all.into_iter().map(|container| container.id).collect())
    }

    /// Waits until a container is gone.
    pub(crate) async fn gone(&self, id: &ContainerId) -> Result<()> {
        let gone = async {
            loop {
                match self.runtime.inspect(id).await {
                    Err(error) if error.kind() == ErrorKind::ContainerNotFound => return Ok(()),
                    Err(error) => return Err(error.into()),
                    Ok(_) => sleep(POLL).await,
                }
            }
        };
        timeout(PATIENCE, gone).await?
    }

    fn own(&self) -> ListFilter {
        ListFilter::instance(self.service.instance())
    }
}

/// Returns an owner by number.
pub(crate) fn owner(number: u32) -> Result<Owner> {
    Ok(Owner::new("local", &format!("bench-{number}"))?)
}

/// Checks that a program ended well and printed `stdout`: a wrong answer is no sample.
pub(crate) fn check(result: &RunResult, stdout: &str) -> Result<()> {
    if result.verdict.is_ok() && result.stdout.bytes == stdout.as_bytes() {
        return Ok(());
    }
    Err(format!(
        "a program ended with `{}` and printed `{}` and `{}`",
        result.verdict.name(),
        result.stdout.to_text().escape_debug(),
        result.stderr.to_text().escape_debug()
    )
    .into())
}
