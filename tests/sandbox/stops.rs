//! Programs that are stopped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use inline_sandbox::{CancellationToken, LimitRequest, Program, Purpose, RunControl, RunEvent, Verdict, execute};
use inline_tests::environment::patient;
use libtest_mimic::Failed;
use tokio::sync::{Notify, mpsc};

use crate::bench::{Bench, timeout};
use crate::ensure;

const DEADLINE: Duration = Duration::from_secs(2);
/// How soon after its deadline a program must be gone.
const AT_ONCE: Duration = Duration::from_millis(250);

pub(crate) async fn a_timeout_kills_the_whole_tree_at_once(bench: &Bench) -> Result<(), Failed> {
    for (language, source) in [
        ("python", "while True: pass"),
        ("node", "setInterval(() => {}, 1000)"),
        ("bash", "trap '' TERM INT; while :; do :; done"),
        ("bash", "bomb() { bomb | bomb & }; bomb; while :; do :; done"),
        (
            "python",
            "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(1000)\ntime.sleep(1000)",
        ),
    ] {
        let limits = bench.limits.narrow(&timeout(DEADLINE))?;
        let prepared = bench.prepare(language, &limits).await?;
        let id = prepared.id().clone();
        let (sender, mut receiver) = mpsc::channel(4);
        tokio::spawn(async move { while receiver.recv().await.is_some() {} });
        let frame = bench.frame(&Program::new(language, source))?;
        let begun = Instant::now();
        let result = execute(prepared, &frame, &limits, &sender, &mut RunControl::default()).await;
        let late = begun.elapsed().saturating_sub(DEADLINE);
        ensure(result.verdict == Verdict::Timeout, || format!("`{source}`: {result:?}"))?;
        ensure(late <= patient(AT_ONCE)?, || {
            format!("`{source}` was stopped {late:?} late")
        })?;
        let state = bench
            .runtime
            .inspect(&id)
            .await
            .map(|container| container.state.is_running());
        ensure(!matches!(state, Ok(true)), || format!("`{source}` runs on"))?;
    }
    Ok(())
}

pub(crate) async fn output_before_a_timeout_is_kept(bench: &Bench) -> Result<(), Failed> {
    for (language, source) in [
        ("python", "import time\nprint('before')\ntime.sleep(1000)"),
        ("node", "console.log('before'); setInterval(() => {}, 1000)"),
        ("bash", "echo before; sleep 1000"),
    ] {
        let result = bench
            .run(&Program::new(language, source).with_limits(timeout(patient(DEADLINE)?)))
            .await?;
        let is_kept = result.stdout.to_text() == "before\n" && !result.stdout.truncated;
        ensure(result.verdict == Verdict::Timeout && is_kept, || {
            format!("{language}: {result:?}")
        })?;
        ensure(result.exit_code().is_none() && result.signal().is_none(), || {
            format!("{result:?}")
        })?;
    }
    Ok(())
}

pub(crate) async fn too_much_memory(bench: &Bench) -> Result<(), Failed> {
    if !bench.has_cgroups() {
        // Resource limits make the allocation fail, and the program says so itself.
        let result = bench.run(&Program::new("python", "bytearray(1 << 30)")).await?;
        let told = result.stderr.to_text();
        return ensure(
            result.verdict == Verdict::NonZero(1) && told.contains("MemoryError"),
            || format!("{result:?}"),
        );
    }
    for (language, source) in [
        ("python", "print('before')\nx = bytearray(1 << 30)"),
        (
            "python",
            "print('before')\nimport os, sys\nif os.fork() == 0: x = bytearray(1 << 30)\nsys.exit(os.wait()[1] & 127)",
        ),
        ("bash", "echo before; x=$(yes)"),
    ] {
        let result = bench.run(&Program::new(language, source)).await?;
        let is_kept = result.stdout.to_text() == "before\n";
        ensure(result.verdict == Verdict::OutOfMemory && is_kept, || {
            format!("{language} `{source}`: {result:?}")
        })?;
    }
    Ok(())
}

pub(crate) async fn too_much_cpu_time(bench: &Bench) -> Result<(), Failed> {
    let one_second = LimitRequest {
        cpu_time: Some(Duration::from_secs(1)),
        ..LimitRequest::default()
    };
    for (language, source) in [
        ("python", "while True: pass"),
        ("bash", "trap '' XCPU; while :; do :; done"),
        ("node", "while (true);"),
    ] {
        let result = bench
            .run(&Program::new(language, source).with_limits(one_second.clone()))
            .await?;
        ensure(result.verdict == Verdict::CpuTime, || format!("{language}: {result:?}"))?;
    }
    Ok(())
}

pub(crate) async fn too_many_processes(bench: &Bench) -> Result<(), Failed> {
    let source = "\
import os, time
count = 0
try:
    while count < 1000:
        if os.fork() == 0: time.sleep(1000)
        count += 1
except BlockingIOError:
    print(count)";
    let result = bench.run(&Program::new("python", source)).await?;
    let count: u64 = result.stdout.to_text().trim().parse().unwrap_or_default();
    let is_bounded = count > 0 && count < bench.limits.pids_limit;
    ensure(result.verdict.is_ok() && is_bounded, || format!("{result:?}"))?;
    // And what it left was ended with it: the next one may have as many.
    let next = bench.run(&Program::new("python", source)).await?;
    ensure(next.stdout.bytes == result.stdout.bytes, || {
        format!("{result:?} {next:?}")
    })
}

pub(crate) async fn too_much_output(bench: &Bench) -> Result<(), Failed> {
    for (language, source) in [
        ("bash", "yes"),
        ("bash", "yes >&2"),
        ("python", "import sys\nwhile True: sys.stdout.write('x' * 65536)"),
    ] {
        let result = bench.run(&Program::new(language, source)).await?;
        let kept = result.stdout.bytes.len() + result.stderr.bytes.len();
        let told = || format!("`{source}`: {:?} with {kept} bytes", result.verdict);
        ensure(
            result.verdict == Verdict::OutputLimit && kept == 1 << 20 && result.is_truncated(),
            told,
        )?;
    }
    Ok(())
}

pub(crate) async fn a_full_disk(bench: &Bench) -> Result<(), Failed> {
    let full = Arc::new(Notify::new());
    let watched = Arc::clone(&full);
    let disk_full = async move { watched.notified().await }.boxed();
    let control = RunControl {
        disk_full,
        ..RunControl::default()
    };
    let program = Program::new("bash", "echo before; sleep 100");
    let result = bench.run_with(&program, control, || full.notify_one()).await?;
    ensure(
        result.verdict == Verdict::DiskFull && result.stdout.to_text() == "before\n",
        || format!("{result:?}"),
    )
}

pub(crate) async fn a_file_that_is_too_large(bench: &Bench) -> Result<(), Failed> {
    let mut limits = bench.limits.clone();
    limits.workspace_bytes = 1 << 20;
    let spec = bench.spec("bash", &limits, Purpose::Run)?;
    let prepared = inline_sandbox::Prepared::start(&bench.containers, &spec).await?;
    let (sender, _receiver) = mpsc::channel(64);
    let frame = bench.frame(&Program::new("bash", "exec head -c 2000000 /dev/zero >big"))?;
    let result = execute(prepared, &frame, &limits, &sender, &mut RunControl::default()).await;
    let length = std::fs::metadata(bench.workspace.path().join("big"))?.len();
    ensure(result.verdict == Verdict::DiskFull && length <= 1 << 20, || {
        format!("{length}: {result:?}")
    })
}

pub(crate) async fn a_cancelled_run(bench: &Bench) -> Result<(), Failed> {
    let cancel = CancellationToken::new();
    let control = RunControl {
        cancel: cancel.clone(),
        ..RunControl::default()
    };
    // In one write: it is cancelled as soon as anything comes, and `print` may write the end of the line by itself.
    let program = Program::new("python", "import os\nos.write(1, b'before\\n')\nwhile True: pass");
    let result = bench.run_with(&program, control, || cancel.cancel()).await?;
    ensure(
        result.verdict == Verdict::Cancelled && result.stdout.to_text() == "before\n",
        || format!("{result:?}"),
    )
}

pub(crate) async fn a_slow_reader_holds_the_program_back_and_no_deadline(bench: &Bench) -> Result<(), Failed> {
    let mut limits = bench.limits.narrow(&timeout(DEADLINE))?;
    (limits.output_max, limits.output_kept) = (1 << 40, 1 << 20);
    let prepared = bench.prepare("bash", &limits).await?;
    let (sender, mut receiver) = mpsc::channel::<RunEvent>(4);
    let frame = bench.frame(&Program::new("bash", "head -c 1073741824 /dev/zero"))?;
    let before = resident()?;
    let begun = Instant::now();
    let result = execute(prepared, &frame, &limits, &sender, &mut RunControl::default()).await;
    let (late, grown) = (
        begun.elapsed().saturating_sub(DEADLINE),
        resident()?.saturating_sub(before),
    );
    ensure(receiver.recv().await.is_some(), || "nothing was passed on".to_owned())?;
    ensure(result.verdict == Verdict::Timeout && late <= patient(AT_ONCE)?, || {
        format!("{late:?}: {:?}", result.verdict)
    })?;
    ensure(grown <= 16 << 20, || format!("memory grew by {grown} bytes"))
}

/// Returns how much memory this process has, in bytes.
fn resident() -> Result<u64, Failed> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .ok_or("no VmHWM")?;
    let kib: u64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kib << 10)
}
