//! Further processes: how they start and end. What they read and print is in [`streams`](crate::streams).

use futures::future::try_join_all;
use inline_runtime::{ErrorKind, ExecSpec, Signal};
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, ensure_refused};
use crate::case::{Case, case_table};
use crate::failure::{Outcome, ensure, ensure_eq};
use crate::programs;
use crate::streams::{
    COUNTER, back_pressure, frame_like_bytes, large_output, read_counter, split_characters, stdin_closed_early,
    stdin_to_eof, stdin_while_reading, streams_are_apart, with_files,
};

pub(crate) const CASES: &[Case] = case_table![
    "exec":
    spec_is_applied,
    stdin_to_eof,
    stdin_while_reading,
    stdin_closed_early,
    streams_are_apart,
    split_characters,
    large_output,
    frame_like_bytes,
    back_pressure,
    exit_codes,
    signals,
    background_child,
    many_in_a_row,
    many_at_once,
    drop_detaches,
    command_not_found,
    unknown_container,
    not_running,
];

async fn spec_is_applied(bench: &Bench) -> Outcome {
    let spec = bench.idle_spec().with_env("INLINE_PROBE", "of the container");
    let idle = bench.start(&spec).await?;
    let inherited = ExecSpec::new(programs::DESCRIBE.cmd(&["a b", "$c"]));
    let printed = bench.exec(&idle.id, &inherited).await?.end().await?;
    let text = printed.text()?;
    ensure!(
        text.starts_with(Bench::USER) && text.ends_with("\nof the container\na b\n$c"),
        "user, variable and arguments are {text:?}"
    );
    let other = inherited
        .with_user("1234:4321")
        .with_working_dir("/tmp")
        .with_env("INLINE_PROBE", "of the process");
    let printed = bench.exec(&idle.id, &other).await?.end().await?;
    let text = printed.text()?;
    ensure!(
        text.starts_with("1234:4321\n") && text.ends_with("\n/tmp\nof the process\na b\n$c"),
        "user, directory, variable and arguments are {text:?}"
    );
    Ok(())
}

/// 126 and 127 are the program's own here: they do not mean that it was not found.
async fn exit_codes(bench: &Bench) -> Outcome {
    let idle = bench.idle().await?;
    for code in [0, 1, 42, 126, 127, 255] {
        let cmd = programs::PRINT.cmd(&["out", "err", &code.to_string()]);
        let printed = bench.exec_to_end(&idle.id, cmd).await?;
        printed.ensure_code(code)?;
        ensure_eq!(
            (printed.stdout.as_slice(), printed.stderr.as_slice()),
            (b"out".as_slice(), b"err".as_slice()),
            "the two streams of exit {code}"
        );
    }
    Ok(())
}

async fn signals(bench: &Bench) -> Outcome {
    let idle = bench.idle().await?;
    for signal in [Signal::TERM, Signal::KILL, Signal::SEGV] {
        let name = signal.to_string();
        let name = name.trim_start_matches("SIG");
        let status = bench.exec_to_end(&idle.id, programs::DIE.cmd(&[name])).await?.status;
        ensure_eq!(status.signal(), Some(signal), "the signal that ended it");
        ensure!(!status.is_oom_killed(), "SIG{name} was taken for a lack of memory");
    }
    Ok(())
}

async fn background_child(bench: &Bench) -> Outcome {
    let idle = bench.idle().await?;
    let spec = ExecSpec::new(programs::LEAVE_CHILD.cmd(&[7]));
    let mut process = bench.exec(&idle.id, &spec).await?;
    process.until_stdout("left\n").await?;
    let limit = bench.seconds(1);
    bench
        .within(limit, "the exit after which a child holds the output", process.end())
        .await?
        .ensure_code(7)
}

async fn many_in_a_row(bench: &Bench) -> Outcome {
    let idle = bench.idle().await?;
    for number in 0..30 {
        let cmd = programs::PRINT.cmd(&[&number.to_string(), "", "0"]);
        let printed = bench.exec_to_end(&idle.id, cmd).await?;
        printed.ensure_code(0)?;
        ensure_eq!(printed.text()?, number.to_string(), "the output");
    }
    Ok(())
}

async fn many_at_once(bench: &Bench) -> Outcome {
    let idle = bench.idle().await?;
    let lines = 1000;
    let all = (1..=4_u8).map(async |code| {
        let alternate = bench.exec_to_end(&idle.id, programs::ALTERNATE.cmd(&[lines * usize::from(code)]));
        let cmd = programs::PRINT.cmd(&[&code.to_string(), "", &code.to_string()]);
        let (alternate, print) = futures::try_join!(alternate, bench.exec_to_end(&idle.id, cmd))?;
        print.ensure_code(code)?;
        ensure_eq!(print.text()?, code.to_string(), "the output of process {code}");
        let printed = alternate.text()?.lines().count();
        ensure_eq!(printed, lines * usize::from(code), "the lines of process {code}");
        Ok(())
    });
    try_join_all(all).await?;
    Ok(())
}

/// A process whose output nobody reads any more lives on, at least until its pipes are full.
async fn drop_detaches(bench: &Bench) -> Outcome {
    let idle = bench.start(&with_files(bench)).await?;
    let cmd = programs::COUNT.cmd(&[COUNTER]);
    let mut process = bench.exec(&idle.id, &ExecSpec::new(cmd)).await?;
    process.until_stdout("2\n").await?;
    drop(process);
    let before = read_counter(bench, &idle.id).await?;
    sleep(bench.seconds(1)).await;
    let after = read_counter(bench, &idle.id).await?;
    ensure!(after > before, "it stopped at {after}");
    ensure!(
        bench.runtime.inspect(&idle.id).await?.state.is_running(),
        "the container ended"
    );
    Ok(())
}

async fn command_not_found(bench: &Bench) -> Outcome {
    let idle = bench.idle().await?;
    for program in ["no-such-program", "/no/such/program", "/etc/passwd"] {
        let outcome = match bench.runtime.exec(&idle.id, &ExecSpec::new([program])).await {
            Ok(process) => process.collect(1 << 10).await.map(drop),
            Err(error) => Err(error),
        };
        ensure_refused(outcome, &[ErrorKind::CommandNotFound])?;
    }
    let cmd = programs::PRINT.cmd(&["still here", "", "0"]);
    ensure_eq!(
        bench.exec_to_end(&idle.id, cmd).await?.text()?,
        "still here",
        "the next"
    );
    Ok(())
}

async fn unknown_container(bench: &Bench) -> Outcome {
    let id = bench.idle_spec().name.parse()?;
    let spec = ExecSpec::new(programs::IDLE.alone());
    ensure_refused(bench.runtime.exec(&id, &spec).await, &[ErrorKind::ContainerNotFound])?;
    Ok(())
}

async fn not_running(bench: &Bench) -> Outcome {
    let spec = ExecSpec::new(programs::IDLE.alone());
    let created = bench.runtime.create(&bench.idle_spec()).await?;
    ensure_refused(bench.runtime.exec(&created, &spec).await, &[ErrorKind::NotRunning])?;

    let ended = bench.idle().await?;
    bench.kill(&ended.id).await?;
    ended.main.end().await?;
    let begin = Instant::now();
    ensure_refused(bench.runtime.exec(&ended.id, &spec).await, &[ErrorKind::NotRunning])?;
    ensure!(
        begin.elapsed() < bench.seconds(5),
        "the refusal took {:?}",
        begin.elapsed()
    );
    Ok(())
}
