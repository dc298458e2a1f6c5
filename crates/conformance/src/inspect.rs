//! What a container is said to be is what it is.

use inline_runtime::{ErrorKind, ExecSpec, ExitStatus, State};

use crate::bench::{Bench, ensure_refused};
use crate::case::{Case, case_table};
use crate::failure::{Failure, Outcome, ensure_eq};
use crate::programs;
use crate::reader::Reader;

pub(crate) const CASES: &[Case] = case_table!["inspect": states, name_serves_as_id, unknown_container];

async fn states(bench: &Bench) -> Outcome {
    let spec = bench.spec(programs::ONE_LINE.alone()).with_stdin(true);
    let id = bench.runtime.create(&spec).await?;
    ensure_eq!(
        bench.runtime.inspect(&id).await?.state,
        State::Created,
        "before its start"
    );
    let mut main = Reader::new(bench.runtime.start(&id).await?);
    ensure_eq!(bench.runtime.inspect(&id).await?.state, State::Running, "while it runs");
    main.write(b"line\n").await?;
    main.end().await?.ensure_code(0)?;
    let ended = || async {
        match bench.runtime.inspect(&id).await?.state {
            State::Running => Ok(None),
            State::Exited(status) => Ok(Some(status)),
            other => Err(Failure::new(format_args!("after its end the state is {other:?}"))),
        }
    };
    let status = bench.until(bench.seconds(5), "state exited", ended).await?;
    ensure_eq!(status.and_then(ExitStatus::code), Some(0), "the exit code");
    Ok(())
}

async fn name_serves_as_id(bench: &Bench) -> Outcome {
    let spec = bench.idle_spec();
    let id = bench.runtime.create(&spec).await?;
    let name = spec.name.parse()?;
    let main = bench.runtime.start(&name).await?;
    let by_name = bench.runtime.inspect(&name).await?;
    ensure_eq!(by_name, bench.runtime.inspect(&id).await?, "the container by name");
    let cmd = programs::PRINT.cmd(&["out", "", "0"]);
    let further = bench.exec(&name, &ExecSpec::new(cmd)).await?.end().await?;
    ensure_eq!(further.text()?, "out", "the output of a further process");
    bench.kill(&name).await?;
    Reader::new(main).end().await?;
    bench.runtime.remove(&name).await?;
    ensure_refused(bench.runtime.inspect(&id).await, &[ErrorKind::ContainerNotFound])?;
    Ok(())
}

async fn unknown_container(bench: &Bench) -> Outcome {
    let id = bench.idle_spec().name.parse()?;
    ensure_refused(bench.runtime.inspect(&id).await, &[ErrorKind::ContainerNotFound])?;
    Ok(())
}
