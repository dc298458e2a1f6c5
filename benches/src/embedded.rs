//! The embedded driver beside what it competes with: `bwrap` for a whole sandbox, a plain process for one more in it.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use inline::{
    ContainerRuntime, ContainerRuntimeExt, ContainerSpec, Error, ErrorKind, ExecSpec, ExitStatus, ImageReference,
    Result,
};
use tokio::process::Command;

use crate::figure::{Figure, Floor, Summary};

const INSTANCE: &str = "inline-bench";
const PROGRAM: &str = "/bin/true";
const MAX_OUTPUT_BYTES: usize = 1024;
const WARM_UP: usize = 5;
/// A whole sandbox is to be no slower than the same by `bwrap`.
const COLD_GOAL: f64 = 1.0;
/// A further process is to take less than three times one without a sandbox.
const EXEC_GOAL: f64 = 3.0;
/// The same isolation as a closed spec: all namespaces, a read-only `/usr`, own `/proc`, `/dev` and `/tmp`, no capability,
/// a session of its own. `bwrap` loads no filter of system calls of its own; ours is in our number.
const BWRAP: &[&str] = &[
    "--unshare-all",
    "--new-session",
    "--die-with-parent",
    "--clearenv",
    "--cap-drop",
    "ALL",
    "--hostname",
    "sandbox",
    "--ro-bind",
    "/usr",
    "/usr",
    "--symlink",
    "usr/bin",
    "/bin",
    "--symlink",
    "usr/lib",
    "/lib",
    "--symlink",
    "usr/lib64",
    "/lib64",
    "--ro-bind",
    "/etc/ld.so.cache",
    "/etc/ld.so.cache",
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--tmpfs",
    "/tmp",
    "--chdir",
    "/",
    "--remount-ro",
    "/",
    PROGRAM,
];

/// Measures a whole sandbox and a further process in a living one, each in turn with its floor.
pub(crate) async fn measure(runtime: Arc<dyn ContainerRuntime>, samples: usize) -> Result<Vec<Figure>> {
    let image: ImageReference = "host".parse()?;
    let idle = ContainerSpec::new(image.clone(), INSTANCE).with_cmd(["sleep", "1000000"]);
    let id = runtime.create(&idle).await?;
    let _main = runtime.start(&id).await?;
    let (mut cold, mut bwrap, mut exec, mut plain) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..samples + WARM_UP {
        let spec = ContainerSpec::new(image.clone(), INSTANCE).with_cmd([PROGRAM]);
        let further = ExecSpec::new([PROGRAM]);
        let ours = time(async { Ok(Arc::clone(&runtime).run(&spec, MAX_OUTPUT_BYTES).await?.status) }).await?;
        let theirs = time(by_command("bwrap", BWRAP)).await?;
        let further = time(async { Ok(runtime.exec_output(&id, &further, MAX_OUTPUT_BYTES).await?.status) }).await?;
        let alone = time(by_command(PROGRAM, &[])).await?;
        if round >= WARM_UP {
            cold.push(ours);
            bwrap.push(theirs);
            exec.push(further);
            plain.push(alone);
        }
    }
    runtime.remove(&id).await?;
    let figure = |name, ours, floor_name, floor, goal| {
        let floor = Floor {
            name: floor_name,
            summary: Summary::of(floor),
        };
        Figure::new(name, runtime.driver(), Summary::of(ours), floor, goal)
    };
    Ok(vec![
        figure("cold run", cold, "bwrap", bwrap, COLD_GOAL),
        figure("exec", exec, "plain process", plain, EXEC_GOAL),
    ])
}

async fn time(run: impl Future<Output = Result<ExitStatus>>) -> Result<Duration> {
    let begin = Instant::now();
    let status = run.await?;
    let taken = begin.elapsed();
    // A wrong end is no sample.
    if status.is_success() {
        return Ok(taken);
    }
    Err(Error::new(
        ErrorKind::Unexpected,
        format!("a run of `{PROGRAM}` ended with {status}"),
    ))
}

/// Runs a program of this machine and collects what it prints, as ours is collected.
async fn by_command(program: &str, arguments: &[&str]) -> Result<ExitStatus> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("`{program}` cannot be run"))
                .with_hint("the bench of the embedded driver needs `bwrap`: apt-get install bubblewrap")
                .with_source(error)
        })?;
    Ok(ExitStatus::from_shell_code(
        output.status.code().map_or(i64::MAX, i64::from),
    ))
}
