//! Limits bind, proven by going past them. Those on files are in [`file_limits`](crate::file_limits).

use inline_runtime::{Capability, ErrorKind, ExecSpec, LimitMechanism, Signal, Ulimit, UlimitName};

use crate::bench::{Bench, ensure_refused};
use crate::case::{Case, case_table};
use crate::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::file_limits::{shm_size, tmpfs_inodes, tmpfs_size, ulimits};
use crate::programs;
use crate::reader::Printed;

pub(crate) const CASES: &[Case] = case_table![
    "limits":
    memory[requiring(Capability::Memory)],
    memory_in_exec[requiring(Capability::Memory)],
    memory_swap[requiring(Capability::Memory)],
    oom_is_told_from_kill[requiring(Capability::OomDetection)],
    oom_score_adj,
    nano_cpus[requiring(Capability::NanoCpus)],
    pids_limit[requiring(Capability::PidsLimit)],
    ulimits[requiring(Capability::Ulimits)],
    cpu_ulimit[requiring(Capability::Ulimits)],
    tmpfs_size,
    tmpfs_inodes[requiring(Capability::TmpfsInodes)],
    shm_size,
];

const MEMORY: u64 = 32 << 20;
/// A text of 64 MiB, twice what [`MEMORY`] allows, and no harm to the host where it does not bind.
const TOO_MUCH: &[u32] = &[22];
const LITTLE: &[u32] = &[10];

async fn memory(bench: &Bench) -> Outcome {
    let spec = |doublings| bench.spec(programs::ALLOCATE.cmd(doublings)).with_memory(MEMORY);
    let printed = bench.run(&spec(LITTLE)).await?;
    ensure_eq!(printed.text()?, "survived", "the output within the limit");
    ensure_out_of_memory(bench, &bench.run(&spec(TOO_MUCH)).await?)
}

/// The container survives, and so does the knowledge of who was killed and who was not.
async fn memory_in_exec(bench: &Bench) -> Outcome {
    let idle = bench.start(&bench.idle_spec().with_memory(MEMORY)).await?;
    for _ in 0..2 {
        let printed = bench.exec_to_end(&idle.id, programs::ALLOCATE.cmd(TOO_MUCH)).await?;
        ensure_out_of_memory(bench, &printed)?;
        let printed = bench.exec_to_end(&idle.id, programs::ALLOCATE.cmd(LITTLE)).await?;
        ensure_eq!(printed.text()?, "survived", "the output of the next process");
        ensure!(
            !printed.status.is_oom_killed(),
            "the next process was told as killed too"
        );
        let killed = bench.exec_to_end(&idle.id, programs::DIE.cmd(&["KILL"])).await?;
        ensure_killed_for_another_reason(&killed)?;
    }
    ensure!(
        bench.runtime.inspect(&idle.id).await?.state.is_running(),
        "the container ended with the process"
    );
    Ok(())
}

/// With memory and swap together as large as memory alone there is no swap to go to.
async fn memory_swap(bench: &Bench) -> Outcome {
    let spec = bench
        .spec(programs::ALLOCATE.cmd(TOO_MUCH))
        .with_memory(MEMORY)
        .with_memory_swap(MEMORY);
    if bench.runtime.capabilities().limit_mechanism() == LimitMechanism::Rlimit {
        ensure_refused(bench.runtime.create(&spec).await, &[ErrorKind::Unsupported])?;
        return bench.ensure_nothing_left().await;
    }
    ensure_out_of_memory(bench, &bench.run(&spec).await?)
}

async fn oom_is_told_from_kill(bench: &Bench) -> Outcome {
    let mut limited = bench.idle_spec();
    limited.memory = bench.has(Capability::Memory).then_some(MEMORY);
    for spec in [limited, bench.idle_spec()] {
        let idle = bench.start(&spec).await?;
        bench.kill(&idle.id).await?;
        ensure_killed_for_another_reason(&idle.main.end().await?)?;
    }
    Ok(())
}

async fn oom_score_adj(bench: &Bench) -> Outcome {
    let cmd = programs::READ_FILES.cmd(&["/proc/self/oom_score_adj"]);
    let printed = bench.run(&bench.spec(cmd).with_oom_score_adj(500)).await?;
    ensure_eq!(printed.text()?, "500", "the score");
    Ok(())
}

async fn nano_cpus(bench: &Bench) -> Outcome {
    let quarter = 250_000_000;
    let idle = bench.start(&bench.idle_spec().with_nano_cpus(quarter)).await?;
    let main = bench
        .run(&bench.spec(programs::SPIN.cmd(&[2])).with_nano_cpus(quarter))
        .await?;
    let further = bench.exec_to_end(&idle.id, programs::SPIN.cmd(&[2])).await?;
    for (what, printed) in [("main process", main), ("further process", further)] {
        let text = printed.text()?;
        let (cpu, wall) = text
            .split_once(' ')
            .and_then(|(cpu, wall)| Some((cpu.parse::<u64>().ok()?, wall.parse::<u64>().ok()?)))
            .ok_or_else(|| Failure::new(format_args!("not two numbers: {}", printed.describe())))?;
        ensure!(
            cpu * 2 < wall,
            "the {what} used {cpu}0 ms of a quarter of a processor in {wall}0 ms"
        );
    }
    Ok(())
}

async fn pids_limit(bench: &Bench) -> Outcome {
    let few = bench.spec(programs::FORK.cmd(&[8])).with_pids_limit(32);
    ensure_eq!(bench.run(&few).await?.text()?, "all", "the output within the limit");
    let many = bench.spec(programs::FORK.cmd(&[100])).with_pids_limit(32);
    let printed = bench.run(&many).await?;
    ensure_eq!(printed.text()?, "", "the output past the limit");

    let idle = bench.start(&bench.idle_spec().with_pids_limit(32)).await?;
    let printed = bench.exec_to_end(&idle.id, programs::FORK.cmd(&[100])).await?;
    ensure_eq!(printed.text()?, "", "the output of a further process past the limit");
    bench.runtime.remove(&idle.id).await?;
    Ok(())
}

/// The soft limit sends a signal; the hard one would kill.
async fn cpu_ulimit(bench: &Bench) -> Outcome {
    let spec = bench
        .idle_spec()
        .with_ulimit(Ulimit::new(UlimitName::Cpu, 3).with_soft(1));
    let idle = bench.start(&spec).await?;
    let spin = ExecSpec::new(programs::SPIN.cmd(&[bench.seconds(10).as_secs()]));
    let status = bench.exec(&idle.id, &spin).await?.end().await?.status;
    ensure_eq!(status.signal(), Some(Signal::XCPU), "the signal that ended it");
    Ok(())
}

fn ensure_out_of_memory(bench: &Bench, printed: &Printed) -> Outcome {
    let what = printed.describe();
    ensure_eq!(printed.text()?, "", "the output past the limit ({what})");
    if bench.runtime.capabilities().limit_mechanism() == LimitMechanism::Rlimit {
        // An address space that cannot grow is an error that the program sees.
        ensure!(!printed.status.is_success(), "it succeeded: {what}");
        return Ok(());
    }
    ensure_eq!(printed.status.signal(), Some(Signal::KILL), "the signal that ended it");
    ensure_eq!(
        printed.status.is_oom_killed(),
        bench.has(Capability::OomDetection),
        "whether the OOM killer is told ({what})"
    );
    Ok(())
}

fn ensure_killed_for_another_reason(printed: &Printed) -> Outcome {
    ensure_eq!(printed.status.signal(), Some(Signal::KILL), "the signal that ended it");
    ensure!(
        !printed.status.is_oom_killed(),
        "a plain kill is told as a lack of memory"
    );
    Ok(())
}
