//! The programs of the cases, played.

use std::future::pending;
use std::time::Duration;

use inline_conformance::programs;
use inline_fake::{FakeBuilder, FakeProcess};
use inline_runtime::{ExitStatus, LimitMechanism, NetworkMode, Seccomp, Signal, UlimitName};
use tokio::io::AsyncReadExt;
use tokio::time::sleep;

use super::files::{Volume, make_files, write_file};
use super::proc::read_file;

/// What a shell exits with when it cannot fork or allocate.
const SHELL_ERROR: u8 = 2;

pub(super) fn install(builder: FakeBuilder, volume: &Volume, mechanism: LimitMechanism) -> FakeBuilder {
    let (reading, writing) = (volume.clone(), volume.clone());
    builder
        .with_program(programs::IDLE.name(), async |process: FakeProcess| {
            process.set_memory(1 << 20);
            pending().await
        })
        .with_program(programs::PRINT.name(), print)
        .with_program(programs::RAW.name(), raw)
        .with_program(programs::BYTE_BY_BYTE.name(), byte_by_byte)
        .with_program(programs::ALTERNATE.name(), alternate)
        .with_program(programs::NUMBERED.name(), numbered)
        .with_program(programs::FLOOD.name(), flood)
        .with_program(programs::COUNT.name(), count)
        .with_program(programs::CAT.name(), cat)
        .with_program(programs::COUNT_INPUT.name(), count_input)
        .with_program(programs::ONE_LINE.name(), one_line)
        .with_program(programs::READ_FILES.name(), move |process| {
            let volume = reading.clone();
            async move {
                for path in process.args() {
                    match read_file(&process, &volume, path) {
                        Some(contents) => process.stdout(contents).await,
                        None => return ExitStatus::from_code(1),
                    }
                }
                ExitStatus::from_code(0)
            }
        })
        .with_program(programs::WRITE_FILE.name(), move |process| {
            let volume = writing.clone();
            async move {
                let (written, status) = write_file(&process, &volume);
                process.stdout(format!("{written}\n")).await;
                status
            }
        })
        .with_program(programs::MAKE_FILES.name(), async |process: FakeProcess| {
            say(&process, make_files(&process)).await
        })
        .with_program(programs::MAKE_DIRECTORY.name(), make_directory)
        .with_program(programs::EXECUTE.name(), execute)
        .with_program(programs::DIE.name(), async |process: FakeProcess| {
            process
                .arg(0)
                .parse()
                .map_or(ExitStatus::from_code(1), ExitStatus::from_signal)
        })
        .with_program(programs::LEAVE_CHILD.name(), async |process: FakeProcess| {
            process.stdout("left\n").await;
            ExitStatus::from_code(number(&process, 0))
        })
        .with_program(programs::AWAIT_SIGNAL.name(), await_signal)
        .with_program(programs::STUBBORN_TREE.name(), async |process: FakeProcess| {
            process.stdout("ready\n").await;
            pending().await
        })
        .with_program(programs::ALLOCATE.name(), move |process| allocate(process, mechanism))
        .with_program(programs::FORK.name(), fork)
        .with_program(programs::SPIN.name(), spin)
        .with_program(programs::DESCRIBE.name(), describe)
        .with_program(programs::PROCESSES.name(), async |process: FakeProcess| {
            say(&process, "1 7").await
        })
        .with_program(programs::ORPHANS.name(), async |process: FakeProcess| {
            let zombies = if process.spec().init { "0" } else { process.arg(0) };
            say(&process, zombies).await
        })
        .with_program(programs::CONNECT.name(), async |process: FakeProcess| {
            if process.spec().network_mode != NetworkMode::None {
                process.stdout("reached\n").await;
            }
            ExitStatus::from_code(0)
        })
}

async fn say(process: &FakeProcess, line: impl ToString) -> ExitStatus {
    process.stdout(line.to_string() + "\n").await;
    ExitStatus::from_code(0)
}

pub(super) fn number<N: std::str::FromStr + Default>(process: &FakeProcess, position: usize) -> N {
    process.arg(position).parse().unwrap_or_default()
}

async fn print(process: FakeProcess) -> ExitStatus {
    for (position, is_stdout) in [(0, true), (1, false)] {
        let text = process.arg(position).to_owned();
        match is_stdout {
            _ if text.is_empty() => {}
            true => process.stdout(text).await,
            false => process.stderr(text).await,
        }
    }
    ExitStatus::from_code(number(&process, 2))
}

async fn raw(mut process: FakeProcess) -> ExitStatus {
    let bytes = |escapes: &str| -> Vec<u8> {
        let octal = escapes.split('\\').skip(1);
        octal.filter_map(|digits| u8::from_str_radix(digits, 8).ok()).collect()
    };
    process.stdout(bytes(process.arg(0))).await;
    process.stderr(bytes(process.arg(1))).await;
    process.read_to_end().await;
    ExitStatus::from_code(0)
}

async fn byte_by_byte(process: FakeProcess) -> ExitStatus {
    for octal in process.args() {
        let byte = u8::from_str_radix(octal, 8).unwrap_or_default();
        process.stdout(vec![byte]).await;
    }
    ExitStatus::from_code(0)
}

async fn alternate(process: FakeProcess) -> ExitStatus {
    for line in 0..number::<usize>(&process, 0) {
        process.stdout(format!("out {line}\n")).await;
        process.stderr(format!("err {line}\n")).await;
    }
    ExitStatus::from_code(0)
}

async fn numbered(process: FakeProcess) -> ExitStatus {
    for line in 0..number::<usize>(&process, 0) {
        process.stdout(format!("{line:01023}\n")).await;
    }
    ExitStatus::from_code(0)
}

async fn flood(process: FakeProcess) -> ExitStatus {
    for line in 0_u64.. {
        process.stdout(format!("{line:01023}\n")).await;
        process.files().write(process.arg(0), (line + 1).to_string());
    }
    ExitStatus::from_code(0)
}

async fn count(process: FakeProcess) -> ExitStatus {
    for count in 1_u64.. {
        process.files().write(process.arg(0), count.to_string());
        process.stdout(format!("{count}\n")).await;
        sleep(Duration::from_millis(100)).await;
    }
    ExitStatus::from_code(0)
}

async fn cat(mut process: FakeProcess) -> ExitStatus {
    let mut buffer = vec![0; 4096];
    while let Ok(read @ 1..) = process.stdin().read(&mut buffer).await {
        process.stdout(buffer[..read].to_vec()).await;
    }
    ExitStatus::from_code(0)
}

async fn count_input(mut process: FakeProcess) -> ExitStatus {
    let bytes = process.read_to_end().await.len();
    say(&process, bytes).await
}

async fn one_line(mut process: FakeProcess) -> ExitStatus {
    let line = process.read_line().await;
    process.stdout(line).await;
    ExitStatus::from_code(0)
}

async fn make_directory(process: FakeProcess) -> ExitStatus {
    let denied = matches!(&process.spec().seccomp, Seccomp::Profile(profile) if profile.contains("mkdir"));
    ExitStatus::from_code(denied.into())
}

async fn execute(process: FakeProcess) -> ExitStatus {
    let directory = process.arg(0);
    if process
        .spec()
        .tmpfs
        .iter()
        .any(|tmpfs| tmpfs.target == directory && tmpfs.exec)
    {
        say(&process, "ran").await
    } else {
        ExitStatus::from_code(126)
    }
}

async fn await_signal(mut process: FakeProcess) -> ExitStatus {
    process.stdout("ready\n").await;
    let awaited = process.arg(0).parse();
    while awaited.as_ref().ok() != Some(&process.signal().await) {}
    process.stdout("caught\n").await;
    ExitStatus::from_code(3)
}

async fn allocate(process: FakeProcess, mechanism: LimitMechanism) -> ExitStatus {
    let bytes = 16_u64 << number::<u32>(&process, 0);
    if process.spec().memory.is_none_or(|memory| bytes <= memory) {
        say(&process, "survived").await
    } else if mechanism == LimitMechanism::Rlimit {
        ExitStatus::from_code(SHELL_ERROR)
    } else {
        ExitStatus::from_signal(Signal::KILL).with_oom_killed(true)
    }
}

async fn fork(process: FakeProcess) -> ExitStatus {
    let children = number::<u64>(&process, 0);
    if process.spec().pids_limit.is_none_or(|limit| children < limit) {
        say(&process, "all").await
    } else {
        ExitStatus::from_code(SHELL_ERROR)
    }
}

/// Says that it took the time, and takes none.
async fn spin(process: FakeProcess) -> ExitStatus {
    let seconds = number::<u64>(&process, 0);
    let limit = process
        .spec()
        .ulimits
        .iter()
        .find(|ulimit| ulimit.name == UlimitName::Cpu);
    if limit.is_some_and(|limit| limit.soft < seconds) {
        return ExitStatus::from_signal(Signal::XCPU);
    }
    let share = process.spec().nano_cpus.unwrap_or(1_000_000_000) / 10_000_000;
    process.add_cpu_time(Duration::from_millis(seconds * share * 10));
    say(&process, format!("{} {}", seconds * share, seconds * 100)).await
}

async fn describe(process: FakeProcess) -> ExitStatus {
    let spec = process.spec();
    let variable = process.env("INLINE_PROBE").unwrap_or_default();
    let hostname = spec.hostname.as_deref().unwrap_or(&spec.name);
    let lines = [process.user(), hostname, process.working_dir(), variable];
    for line in lines.into_iter().chain(process.args().iter().map(String::as_str)) {
        process.stdout(format!("{line}\n")).await;
    }
    ExitStatus::from_code(0)
}
