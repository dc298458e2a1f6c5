//! The main process of a container: what [`exec`](crate::exec) proves of processes, where starting differs.

use inline_runtime::{ErrorKind, ExitStatus, Signal, State};

use crate::bench::{Bench, ensure_refused};
use crate::case::{Case, case_table};
use crate::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::programs;
use crate::streams::numbered;

pub(crate) const CASES: &[Case] = case_table![
    "start":
    output_from_the_first_byte,
    large_output,
    stdin_to_eof,
    exit_status,
    command_not_found,
    twice,
    unknown_container,
];

/// A program that has ended before anyone could attach has printed all the same.
async fn output_from_the_first_byte(bench: &Bench) -> Outcome {
    for _ in 0..3 {
        let printed = bench
            .run(&bench.spec(programs::PRINT.cmd(&["out", "err", "0"])))
            .await?;
        printed.ensure_code(0)?;
        ensure_eq!(
            (printed.stdout.as_slice(), printed.stderr.as_slice()),
            (b"out".as_slice(), b"err".as_slice()),
            "the two streams"
        );
    }
    Ok(())
}

async fn large_output(bench: &Bench) -> Outcome {
    let lines = 4096;
    let printed = bench.run(&bench.spec(programs::NUMBERED.cmd(&[lines]))).await?;
    printed.ensure_code(0)?;
    ensure!(
        printed.stdout == numbered(0, lines),
        "{} bytes came, not the {lines} KiB that were printed",
        printed.stdout.len()
    );
    Ok(())
}

async fn stdin_to_eof(bench: &Bench) -> Outcome {
    let mut open = bench.start(&bench.spec(programs::CAT.alone()).with_stdin(true)).await?;
    open.main.write(b"first\n").await?;
    open.main.until_stdout("first\n").await?;
    open.main.write(b"last").await?;
    let printed = open.main.end().await?;
    printed.ensure_code(0)?;
    ensure_eq!(printed.text()?, "first\nlast", "the input, printed");

    let closed = bench.start(&bench.spec(programs::COUNT_INPUT.alone())).await?;
    ensure!(closed.main.process.stdin.is_none(), "standard input is open unasked");
    let printed = closed.main.end().await?;
    ensure_eq!(printed.text()?.trim(), "0", "the bytes of closed input");
    Ok(())
}

async fn exit_status(bench: &Bench) -> Outcome {
    let spec = bench.spec(programs::PRINT.cmd(&["", "", "42"]));
    bench.run(&spec).await?.ensure_code(42)?;
    ensure_state(bench, &spec.name, ExitStatus::from_code(42)).await?;

    // The first process of a PID namespace is spared what it does not handle, so that only a kill from outside ends it.
    let spec = bench.idle_spec();
    let idle = bench.start(&spec).await?;
    bench.kill(&idle.id).await?;
    let status = idle.main.end().await?.status;
    ensure_eq!(status.signal(), Some(Signal::KILL), "the signal that ended it");
    ensure_state(bench, &spec.name, status).await
}

async fn ensure_state(bench: &Bench, name: &str, status: ExitStatus) -> Outcome {
    let id = name.parse()?;
    let state = || async {
        let state = bench.runtime.inspect(&id).await?.state;
        Ok((!state.is_running()).then_some(state))
    };
    let state = bench.until(bench.seconds(5), "the end", state).await?;
    match state {
        State::Exited(Some(seen)) => ensure_eq!(seen.shell_code(), status.shell_code(), "the status on the engine"),
        State::Exited(None) => {}
        other => return Err(Failure::new(format_args!("the state is {other:?}"))),
    }
    Ok(())
}

async fn command_not_found(bench: &Bench) -> Outcome {
    for program in ["no-such-program", "/no/such/program", "/etc/passwd"] {
        let id = bench.runtime.create(&bench.spec(vec![program.to_owned()])).await;
        let started = match id {
            Ok(id) => bench.runtime.start(&id).await.map(drop),
            Err(error) => Err(error),
        };
        ensure_refused(started, &[ErrorKind::CommandNotFound])?;
    }
    Ok(())
}

async fn twice(bench: &Bench) -> Outcome {
    let running = bench.idle().await?;
    ensure_refused(bench.runtime.start(&running.id).await, &[ErrorKind::AlreadyExists])?;
    bench.kill(&running.id).await?;
    running.main.end().await?;
    ensure_refused(bench.runtime.start(&running.id).await, &[ErrorKind::AlreadyExists])?;
    Ok(())
}

async fn unknown_container(bench: &Bench) -> Outcome {
    let id = bench.idle_spec().name.parse()?;
    ensure_refused(bench.runtime.start(&id).await, &[ErrorKind::ContainerNotFound])?;
    Ok(())
}
