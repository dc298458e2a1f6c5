//! `kill -9` at each stage, and a restart: files are whole, and nothing else is left.
//!
//! The victim is this same program, started with `INLINE_TEST_VICTIM`. `INLINE_TEST` names the engines.

#![expect(clippy::print_stdout, reason = "the victim says on standard output where it is")]

#[path = "crash/victim.rs"]
mod victim;

use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use inline::ListFilter;
use inline_sandbox::SandboxService;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use inline_tests::environment::patient;
use inline_tests::index::Index;
use inline_tests::service::{Engine, config, owner, told};
use inline_tests::suite::ensure;
use victim::Stage;

const INLINE_TEST_VICTIM: &str = "INLINE_TEST_VICTIM";
/// How long after it says that it is there a victim is killed, so that each falls somewhere else.
const DELAYS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(80),
    Duration::from_millis(300),
    Duration::from_millis(1_500),
];

/// How often a service looks for what nobody uses. An engine may still be at what the victim asked it for when the next
/// service looks for the first time.
const SWEEP: Duration = Duration::from_mins(1);

fn main() -> ExitCode {
    if let Ok(victim) = std::env::var(INLINE_TEST_VICTIM) {
        return victim::main(&victim);
    }
    let mut trials = Vec::new();
    for engine in Engine::ALL {
        let is_tested = engine.is_tested();
        for stage in Stage::ALL {
            let trial = Trial::test(format!("{}::crash::{}", engine.name(), stage.name()), move || {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_all()
                    .build()?;
                runtime.block_on(die_at(engine, stage))
            });
            let can_run = stage != Stage::Pip || engine.has_network();
            trials.push(trial.with_ignored_flag(!is_tested || !can_run));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Lets victims come to `stage` and kills each a little later; then looks at what the next process makes of it.
async fn die_at(engine: Engine, stage: Stage) -> Result<(), Failed> {
    let directory = tempfile::Builder::new().prefix("inline-crash-").tempdir()?;
    let index = Index::start()?;
    for delay in DELAYS {
        kill_one(engine, stage, directory.path(), &index, delay).await?;
        let service = SandboxService::open(engine.connect().await?, config(engine, directory.path())?)
            .await
            .map_err(told)?;
        let looked = look(&service, stage, directory.path(), delay).await;
        // Before what it found is told, so that a failure leaves nothing on the engine either.
        service.shutdown().await;
        looked?;
    }
    Ok(())
}

/// Looks at what a process makes of what the one before it has left.
async fn look(service: &SandboxService, stage: Stage, directory: &Path, delay: Duration) -> Result<(), Failed> {
    let deadline = Instant::now() + SWEEP + patient(Duration::from_secs(10))?;
    loop {
        let listed = service
            .runtime()
            .list(&ListFilter::instance(service.instance()))
            .await?;
        if listed.is_empty() {
            break;
        }
        ensure(Instant::now() < deadline, || {
            format!("after {delay:?}: containers {listed:?}")
        })?;
        sleep(Duration::from_millis(200)).await;
    }
    let in_flight = service.store().in_flight().await.map_err(told)?;
    ensure(in_flight.is_empty(), || {
        format!("after {delay:?}: in flight {in_flight:?}")
    })?;
    let trash = std::fs::read_dir(directory.join("base/workspaces/trash"))?.count();
    ensure(trash == 0, || format!("after {delay:?}: {trash} in the trash"))?;
    let (alice, owners) = (owner("alice")?, directory.join("base/workspaces/owners"));
    let is_there = service.sandbox(&alice).await.is_ok();
    if stage != Stage::Delete || is_there {
        let files = service.files(&alice).await.map_err(told)?;
        let kept = files.read("kept.txt", 0, 100).await.map_err(told)?;
        ensure(kept.bytes == victim::KEPT.as_bytes(), || {
            format!("after {delay:?}: {kept:?}")
        })?;
        let grown = files.read("replaced.bin", 0, 1 << 20).await.map_err(told)?;
        let is_whole = grown.bytes.len() == victim::REPLACED && grown.bytes.iter().all(|byte| *byte == grown.bytes[0]);
        ensure(is_whole, || {
            format!("after {delay:?}: a file in parts, {} bytes", grown.bytes.len())
        })?;
    }
    // Those of the owner and of the caches; no run's that was to leave none.
    let left: Vec<_> = std::fs::read_dir(owners)?
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    let is_once = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("once");
    ensure(!left.iter().any(is_once), || format!("after {delay:?}: {left:?}"))?;
    let again = service
        .run_bash("echo 42", patient(Duration::from_secs(20))?)
        .await
        .map_err(told)?;
    ensure(again.stdout.to_text() == "42\n", || {
        format!("after {delay:?}: {again:?}")
    })?;
    Ok(())
}

async fn kill_one(
    engine: Engine,
    stage: Stage,
    directory: &Path,
    index: &Index,
    delay: Duration,
) -> Result<(), Failed> {
    let mut victim = Command::new(std::env::current_exe()?)
        .env(
            INLINE_TEST_VICTIM,
            format!(
                "{} {} {} {}",
                engine.name(),
                stage.name(),
                directory.display(),
                index.pip()
            ),
        )
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = victim.stdout.take().ok_or("no output")?;
    let mut lines = BufReader::new(stdout).lines();
    let line = timeout(patient(Duration::from_mins(1))?, lines.next_line()).await??;
    ensure(line.as_deref() == Some(victim::HERE), || {
        format!("the victim said {line:?}")
    })?;
    sleep(delay).await;
    victim.kill().await?;
    Ok(())
}
