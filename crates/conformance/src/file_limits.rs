//! Limits on files, and on each process by itself.

use inline_runtime::{Tmpfs, Ulimit, UlimitName};

use crate::bench::Bench;
use crate::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::programs;
use crate::reader::Printed;

/// 2 MiB in blocks of 64 KiB, twice what the limits here allow.
const TOO_MANY_BLOCKS: &str = "32";
const MEBIBYTE: u64 = 1 << 20;

pub(crate) async fn ulimits(bench: &Bench) -> Outcome {
    let spec = bench
        .idle_spec()
        .with_tmpfs(Tmpfs::new("/files", 8 * MEBIBYTE))
        // Soft and hard are the same: OCI runtimes written in Go raise the soft one of these now and then
        // (https://github.com/golang/go/issues/46279).
        .with_ulimit(Ulimit::new(UlimitName::Nofile, 256))
        .with_ulimit(Ulimit::new(UlimitName::Fsize, MEBIBYTE))
        .with_ulimit(Ulimit::new(UlimitName::Core, 0))
        .with_ulimit(Ulimit::new(UlimitName::Stack, 4 * MEBIBYTE))
        .with_ulimit(Ulimit::new(UlimitName::Cpu, 50).with_soft(40));
    let read = programs::READ_FILES.cmd(&["/proc/self/limits"]);
    let mut main = spec.clone();
    main.name.push_str("-main");
    let main = bench.run(&main.with_cmd(read.clone())).await?;
    let idle = bench.start(&spec).await?;
    let further = bench.exec_to_end(&idle.id, read).await?;
    for printed in [main, further] {
        for (row, soft, hard) in [
            ("Max open files", 256, 256),
            ("Max file size", MEBIBYTE, MEBIBYTE),
            ("Max core file size", 0, 0),
            ("Max stack size", 4 * MEBIBYTE, 4 * MEBIBYTE),
            ("Max cpu time", 40, 50),
        ] {
            ensure_eq!(limit(printed.text()?, row), Some((soft, hard)), "{row}");
        }
    }
    let cmd = programs::WRITE_FILE.cmd(&["/files/file", TOO_MANY_BLOCKS]);
    let printed = bench.exec_to_end(&idle.id, cmd).await?;
    ensure_eq!(
        printed.status.shell_code(),
        128 + 25,
        "SIGXFSZ ({})",
        printed.describe()
    );
    ensure_eq!(
        written(&printed)?,
        MEBIBYTE,
        "the size of a file that is larger than allowed"
    );
    Ok(())
}

/// The size holds, and up to it the user who is not root can write.
pub(crate) async fn tmpfs_size(bench: &Bench) -> Outcome {
    let spec = bench
        .spec(programs::WRITE_FILE.cmd(&["/files/file", TOO_MANY_BLOCKS]))
        .with_tmpfs(Tmpfs::new("/files", MEBIBYTE));
    ensure_full(&bench.run(&spec).await?)
}

pub(crate) async fn tmpfs_inodes(bench: &Bench) -> Outcome {
    let spec = bench
        .spec(programs::MAKE_FILES.cmd(&["/files", "100"]))
        .with_tmpfs(Tmpfs::new("/files", MEBIBYTE).with_nr_inodes(16));
    let printed = bench.run(&spec).await?;
    let made: u32 = printed
        .text()?
        .parse()
        .map_err(|_| Failure::new(format_args!("not a number: {}", printed.describe())))?;
    ensure!((1..16).contains(&made), "{made} files were made in 16 inodes");
    Ok(())
}

pub(crate) async fn shm_size(bench: &Bench) -> Outcome {
    let spec = bench
        .spec(programs::WRITE_FILE.cmd(&["/dev/shm/file", TOO_MANY_BLOCKS]))
        .with_shm_size(MEBIBYTE);
    ensure_full(&bench.run(&spec).await?)
}

fn ensure_full(printed: &Printed) -> Outcome {
    let written = written(printed)?;
    ensure!(
        (1..=MEBIBYTE).contains(&written) && !printed.status.is_success(),
        "{written} bytes were written to a filesystem of {MEBIBYTE}: {}",
        printed.describe()
    );
    Ok(())
}

fn written(printed: &Printed) -> Outcome<u64> {
    let size = printed.text()?.trim().parse();
    size.map_err(|_| Failure::new(format_args!("not a size: {}", printed.describe())))
}

/// Finds a row of `/proc/self/limits`.
fn limit(limits: &str, row: &str) -> Option<(u64, u64)> {
    let mut values = limits
        .lines()
        .find_map(|line| line.strip_prefix(row))?
        .split_whitespace()
        .map(|value| value.parse().ok());
    Some((values.next()??, values.next()??))
}
