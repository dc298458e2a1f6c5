//! Installing packages: what has network sees nothing of the user's, and what sees that has no network.
//!
//! Packages are brought into an empty directory by a container that runs the package manager and nothing else: no file of
//! any owner is in it, so nothing that a user's program has written can make it do anything. They are put into the
//! workspace by a second container, which has no network.

mod bring;
mod listed;
mod place;

use std::sync::Arc;
use std::time::SystemTime;

use inline_runtime::ContainerSpec;
use metrics::counter;
use tokio::time::Instant;

use self::bring::Cache;
use super::admitted::admitted;
use super::job::{self, AsyncWork, Job, Reply};
use super::recorded::Recorded;
use super::room::{self, Room};
use super::{Inner, InstallRequest, Progress, Run, SandboxService, disk};
use crate::run::{Frame, Prepared, RunControl};
use crate::store::PackageRecord;
use crate::{
    Language, Limits, Owner, PackageManager, Program, Result, RunResult, RunUsage, SandboxError, Specifier, Verdict,
    metric, parse_specifiers,
};

/// What package managers need, where programs get less.
const MIN_MEMORY: u64 = 512 << 20;
const MIN_PIDS: u64 = 128;
/// Where brought packages are in both containers.
const PACKAGES: &str = "/packages";

/// Holds how an installation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Installation {
    /// How it ended, and what the package manager printed.
    pub run: RunResult,
    /// What the manager has installed for the owner now.
    pub packages: Vec<PackageRecord>,
}

/// What is to be installed.
struct Plan {
    manager: PackageManager,
    language: Language,
    specifiers: Vec<Specifier>,
    limits: Limits,
    /// Whether only that stays.
    is_clean: bool,
}

impl SandboxService {
    /// Installs packages into the owner's sandbox, which is made if there is none; later runs see them.
    ///
    /// pip takes wheels only, unless [`source_builds`](crate::PackageConfig::source_builds) is set; npm runs no scripts of
    /// packages. What is printed comes as it is printed. Cancelling leaves what was there.
    pub fn install(&self, request: InstallRequest) -> Run<Installation> {
        let owner = request.owner.clone();
        job::spawn(&self.inner, &owner, "install", request)
    }

    /// Returns what is installed in the owner's sandbox.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::Store`], [`SandboxError::StoreValue`].
    pub async fn packages(&self, owner: &Owner) -> Result<Vec<PackageRecord>> {
        self.inner.store.packages(owner).await
    }
}

impl AsyncWork<Installation> for InstallRequest {
    async fn run(self, inner: Arc<Inner>, job: Job, reply: Reply<Installation>) {
        drop(reply.send(self.answer(&inner, &job).await));
    }
}

impl InstallRequest {
    async fn answer(&self, inner: &Arc<Inner>, job: &Job) -> Result<Installation> {
        inner.check_open()?;
        room::check_owner(&self.owner)?;
        let plan = self.plan(inner).await?;
        let cancelled = || Installation {
            run: inner.cancelled(),
            packages: Vec::new(),
        };
        let Some(_permit) = admitted(inner, job).await? else {
            return Ok(cancelled());
        };
        let lock = inner.locks.of(&self.owner);
        let _present = lock.presence.read().await;
        let _alone = tokio::select! {
            biased;
            () = job.cancel.cancelled() => return Ok(cancelled()),
            alone = lock.installing.lock() => alone,
        };
        let room = Room::of_owner(inner, job, room::quota(&plan.limits)).await?;
        room.check_quota().await?;
        let text: Vec<&str> = plan.specifiers.iter().map(Specifier::argument).collect();
        let recorded = Recorded::begin(
            inner,
            job,
            &self.place,
            plan.manager.name(),
            &text.join("\n"),
            &plan.limits,
        )
        .await?;
        let staging = Room::one_shot(inner, job, room::quota(&plan.limits)).await;
        let run = match &staging {
            Ok(staging) => plan.run(inner, job, &room, staging).await,
            Err(_) => Ok(inner.cancelled()),
        };
        let (verdict, usage) = match &run {
            Ok(run) => (run.verdict, run.usage),
            Err(_) => (Verdict::Lost, RunUsage::default()),
        };
        recorded.end(inner, verdict, usage).await;
        counter!(metric::INSTALLS, "manager" => plan.manager.name(), "verdict" => verdict.name()).increment(1);
        let staging = staging?;
        let packages = match &run {
            Ok(run) if run.verdict.is_ok() => plan.record(inner, &room, &staging).await,
            _ => inner.store.packages(&room.owner).await,
        };
        staging.close(inner).await;
        let mut packages = packages?;
        packages.retain(|package| package.manager == plan.manager);
        Ok(Installation { run: run?, packages })
    }

    async fn plan(&self, inner: &Inner) -> Result<Plan> {
        let manager = self.manager;
        let language = inner
            .languages
            .values()
            .find(|language| language.package_manager() == Some(manager));
        let language = language.ok_or_else(|| SandboxError::NotFound {
            what: "language with the package manager",
            name: manager.to_string(),
        })?;
        let mut policy = inner.config.packages.specifier_policy();
        let is_restored = self.packages.is_none();
        let texts = if let Some(texts) = &self.packages {
            texts.clone()
        } else {
            // As many as there are.
            policy.max_specifiers = usize::MAX;
            let recorded = inner.store.packages(&self.owner).await?;
            recorded
                .iter()
                .filter(|package| package.manager == manager)
                .map(listed::exactly)
                .collect()
        };
        let mut limits = inner.config.limits.clone();
        let timeout = inner.config.packages.timeout;
        (limits.timeout, limits.max_timeout, limits.cpu_time) = (timeout, timeout, timeout);
        limits.memory = limits.memory.max(MIN_MEMORY);
        limits.pids_limit = limits.pids_limit.max(MIN_PIDS);
        Ok(Plan {
            specifiers: parse_specifiers(manager, texts, &policy)?,
            manager,
            language: language.clone(),
            limits,
            is_clean: is_restored,
        })
    }
}

impl Plan {
    /// Brings the packages, and puts them into the workspace.
    async fn run(&self, inner: &Inner, job: &Job, room: &Room, staging: &Room) -> Result<RunResult> {
        let begun = Instant::now();
        let image = room.image(inner, &self.language);
        tokio::select! {
            biased;
            () = job.cancel.cancelled() => return Ok(inner.cancelled()),
            ensured = inner.images.ensure(image, |event| job.mention(Progress::Pulling(event))) => drop(ensured?),
        };
        let cache = Cache::of(self, inner)?;
        let brought = {
            let _used = match &cache {
                Some(cache) => Some(cache.lock.presence.read().await),
                None => None,
            };
            let bring = self.bring(inner, room, staging, cache.as_ref()).await?;
            self.execute(inner, job, bring, staging, self.limits.clone()).await?
        };
        if let Some(cache) = cache {
            cache.close(inner).await;
        }
        if lacks(self.manager, &brought) {
            let (manager, image) = (self.manager, image.clone());
            return Err(SandboxError::NoPackageManager { manager, image });
        }
        if !brought.verdict.is_ok() {
            return Ok(brought);
        }
        let mut limits = self.limits.clone();
        limits.timeout = limits
            .timeout
            .saturating_sub(begun.elapsed())
            .max(std::time::Duration::from_secs(1));
        let place = self.place(inner, room, staging)?;
        let placed = self.execute(inner, job, place, room, limits).await?;
        Ok(both(brought, placed))
    }

    /// Runs a package manager in a container of its own; `written` is what it writes to.
    async fn execute(
        &self,
        inner: &Inner,
        job: &Job,
        spec: ContainerSpec,
        written: &Room,
        limits: Limits,
    ) -> Result<RunResult> {
        let prepared = tokio::select! {
            biased;
            () = job.cancel.cancelled() => return Ok(inner.cancelled()),
            prepared = Prepared::start(&inner.containers, &spec) => prepared?,
        };
        let mut control = RunControl {
            cancel: job.cancel.clone(),
            disk_full: disk::watch(written.workspace.clone(), written.workspace.quota()),
            on_start: job.on_start(),
        };
        // A package manager reads no input.
        let frame = Frame::new(&Program::default(), &self.language, "", false);
        let mut result = crate::run::execute(prepared, &frame, &limits, &job.output(inner), &mut control).await;
        if result.verdict.is_ok() && written.check_quota().await.is_err() {
            result.verdict = Verdict::DiskFull;
        }
        Ok(result)
    }

    /// Records what is installed now.
    async fn record(&self, inner: &Inner, room: &Room, staging: &Room) -> Result<Vec<PackageRecord>> {
        let installed = match self.manager {
            PackageManager::Pip => listed::of_pip(&room.workspace).await?,
            PackageManager::Npm => listed::of_npm(&staging.workspace).await?,
        };
        inner
            .store
            .set_packages(&room.owner, self.manager, &installed, SystemTime::now())
            .await?;
        inner.store.packages(&room.owner).await
    }
}

/// Returns whether a package manager was not even begun, as the image has none.
fn lacks(manager: PackageManager, run: &RunResult) -> bool {
    let says_so = |words: &str| run.stderr.to_text().trim_end().ends_with(words);
    // pip is a module of the interpreter, which is there without it too.
    run.has_no_interpreter() || manager == PackageManager::Pip && says_so(": No module named pip")
}

/// Makes one result of two containers that ran one after the other.
fn both(first: RunResult, second: RunResult) -> RunResult {
    let sum = |one: Option<_>, other: Option<_>| Some(one? + other?);
    let mut both = second;
    both.usage.wall += first.usage.wall;
    both.usage.cpu = sum(both.usage.cpu, first.usage.cpu);
    both.usage.peak_memory = both.usage.peak_memory.max(first.usage.peak_memory);
    for (all, before) in [(&mut both.stdout, first.stdout), (&mut both.stderr, first.stderr)] {
        all.truncated |= before.truncated;
        let after = std::mem::replace(&mut all.bytes, before.bytes);
        all.bytes.extend(after);
    }
    both
}
