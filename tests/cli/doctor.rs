//! `inline doctor`.

use inline_tests::service::Engine;
use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;

pub(crate) fn runs_are_safe_where_limits_bind(bench: &Bench) -> Result<(), Failed> {
    // So that there is an image to try.
    bench.printed(&["run", "--language", "bash", "-c", ":"])?;
    let report = bench.printed(&["doctor"])?;
    let image = format!("{}: here", bench.engine.image("bash")?.familiar());
    for part in [
        bench.engine.driver(),
        "rootless",
        "trial runs",
        &image,
        "runs are safe here",
    ] {
        ensure(report.contains(part), || format!("`{part}` is not in\n{report}"))?;
    }
    let is_told = report.contains("as the operator allows");
    ensure(is_told == bench.engine.is_rlimit(), || report)
}

pub(crate) fn what_keeps_runs_from_being_safe_is_told_with_its_cure(bench: &Bench) -> Result<(), Failed> {
    let nowhere = "unix:///nonexistent/engine.sock";
    let mut command = bench.command(&["doctor", "--config", "/dev/null"])?;
    let output = command
        .env("INLINE_DRIVER", "docker")
        .env("DOCKER_HOST", nowhere)
        .output()?;
    let report = String::from_utf8_lossy(&output.stdout);
    ensure(output.status.code() == Some(1), || format!("{output:?}"))?;
    for part in [
        "! engine",
        "/nonexistent/engine.sock",
        "hint: ",
        "runs are not safe here",
    ] {
        ensure(report.contains(part), || format!("`{part}` is not in\n{report}"))?;
    }
    if bench.engine != Engine::PodmanRlimit || Engine::Podman.limits_bind() {
        return Ok(());
    }
    // Without the operator's leave nothing binds here.
    let output = bench
        .command(&["doctor"])?
        .env("INLINE_PODMAN_LIMITS", "cgroup")
        .output()?;
    let report = String::from_utf8_lossy(&output.stdout);
    ensure(output.status.code() == Some(1), || format!("{output:?}"))?;
    for part in [
        "! memory",
        "! pids_limit",
        "no, and runs need it",
        "not safe here, and refused: memory",
    ] {
        ensure(report.contains(part), || format!("`{part}` is not in\n{report}"))?;
    }
    let output = bench
        .command(&["run", "-c", "1"])?
        .env("INLINE_PODMAN_LIMITS", "cgroup")
        .output()?;
    ensure(output.status.code() == Some(125) && output.stdout.is_empty(), || {
        format!("{output:?}")
    })
}
