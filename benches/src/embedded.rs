//! The embedded driver beside what it competes with: `bwrap` for a whole sandbox, a plain process for one more in it.

use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use inline::{ContainerRuntimeExt, ContainerSpec, Error, ErrorKind, ExecSpec, Result, Tmpfs};
use tokio::process::Command;

use crate::answer::{by_command, time};
use crate::bench::Bench;
use crate::figure::{Figure, Goal};
use crate::turns::{Contest, turn};

const PROGRAM: &str = "/bin/true";
const MAX_OUTPUT_BYTES: usize = 1024;
/// A whole sandbox is to be no slower than the same by `bwrap`.
const COLD_GOAL: Goal = Goal::AtMost(1.0);
/// A further process is to take less than three times one without a sandbox.
const EXEC_GOAL: Goal = Goal::AtMost(3.0);
const TMP_BYTES: u64 = 64 << 20;
/// The same isolation as a closed spec: all namespaces, a read-only `/usr`, own `/proc`, `/dev` and `/tmp`, no capability,
/// a session of its own; with [`HIDDEN`] and, beside a cold run, a [`filter`]. Control groups and generated files in `/etc` are
/// in our number alone.
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
    "--size",
    "67108864",
    "--tmpfs",
    "/tmp",
    "--chdir",
    "/",
    "--remount-ro",
    "/",
];
/// What of `/proc` tells of the host. We hide it; `bwrap` does where it is told to.
const HIDDEN_FILES: [&str; 11] = [
    "/proc/config.gz",
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/keys",
    "/proc/kmsg",
    "/proc/latency_stats",
    "/proc/modules",
    "/proc/sched_debug",
    "/proc/slabinfo",
    "/proc/timer_list",
    "/proc/timer_stats",
];
const HIDDEN_DIRECTORIES: [&str; 4] = ["/proc/acpi", "/proc/asound", "/proc/driver", "/proc/scsi"];
/// The arguments that hide what of it there is.
static HIDDEN: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let exists = |path: &&str| Path::new(path).exists();
    let files = HIDDEN_FILES.into_iter().filter(exists);
    let directories = HIDDEN_DIRECTORIES.into_iter().filter(exists);
    files
        .flat_map(|path| ["--ro-bind", "/dev/null", path])
        .chain(directories.flat_map(|path| ["--tmpfs", path, "--remount-ro", path]))
        .collect()
});
/// `BPF_RET | BPF_K` of `SECCOMP_RET_ALLOW`: a filter that lets every call pass.
const ALLOW: [u8; 8] = {
    let (code, value) = (0x06_u16.to_ne_bytes(), 0x7fff_0000_u32.to_ne_bytes());
    [code[0], code[1], 0, 0, value[0], value[1], value[2], value[3]]
};

/// Measures a whole sandbox beside `bwrap`.
pub(crate) async fn cold_run(bench: &Bench) -> Result<Vec<Figure>> {
    let filter = filter().map_err(|error| {
        Error::new(
            ErrorKind::Unexpected,
            "cannot make a filter of system calls for `bwrap`",
        )
        .with_source(error)
    })?;
    let filter = &filter;
    let ours = turn(|| {
        time("", async {
            let spec = ContainerSpec::new(bench.image.clone(), &bench.instance)
                .with_cmd([PROGRAM])
                .with_tmpfs(Tmpfs::new("/tmp", TMP_BYTES));
            Arc::clone(&bench.runtime).run(&spec, MAX_OUTPUT_BYTES).await
        })
    });
    let theirs = turn(move || async move {
        // Each run reads it from where the last one stopped.
        let begin = (&mut &*filter).rewind();
        begin.map_err(|error| Error::new(ErrorKind::Unexpected, "cannot read the filter again").with_source(error))?;
        let descriptor = filter.as_raw_fd().to_string();
        time("", by_command(bwrap(&["--seccomp", &descriptor, PROGRAM]))).await
    });
    let figures = Contest::new("cold run", ours)
        .beside("bwrap", Some(COLD_GOAL), theirs)
        .measure(bench)
        .await?;
    Ok(figures)
}

/// Makes the file of a filter, which commands started from here have open.
///
/// It is far smaller than ours, which only a sandbox of ours has: what that costs more is in our number.
fn filter() -> std::io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(&ALLOW)?;
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty())?;
    Ok(file)
}

/// Measures a further process in a living sandbox beside one without any.
pub(crate) async fn exec(bench: &Bench) -> Result<Vec<Figure>> {
    let idle = ContainerSpec::new(bench.image.clone(), &bench.instance).with_cmd(["sleep", "1000000"]);
    let id = &bench.runtime.create(&idle).await?;
    let _main = bench.runtime.start(id).await?;
    let further = &ExecSpec::new([PROGRAM]);
    let ours = turn(move || time("", bench.runtime.exec_output(id, further, MAX_OUTPUT_BYTES)));
    let plain = turn(|| time("", by_command(Command::new(PROGRAM))));
    let figures = Contest::new("exec", ours)
        .beside("plain process", Some(EXEC_GOAL), plain)
        .measure(bench)
        .await?;
    bench.runtime.remove(id).await?;
    Ok(figures)
}

/// Returns the command that runs a program of this machine in a sandbox of `bwrap`.
pub(crate) fn bwrap(cmd: &[&str]) -> Command {
    let mut command = Command::new("bwrap");
    command.args(BWRAP).args(&*HIDDEN).args(cmd);
    command
}
