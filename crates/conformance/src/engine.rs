//! The engine: what it is, and what happens when it goes away.

use std::time::Duration;

use futures::future::{BoxFuture, try_join_all};
use futures::{FutureExt, TryFutureExt, TryStreamExt};
use inline_runtime::{
    Capability, ContainerId, ContainerRuntime, ErrorKind, ExecSpec, ListFilter, PullOptions, Result, Signal,
};

use crate::bench::{Bench, ensure_refused};
use crate::case::{Case, Need, case_table};
use crate::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::programs;
use crate::reader::Reader;

pub(crate) const CASES: &[Case] = case_table![
    "engine":
    info,
    gone_mid_run[needing(Need::SeverableConnection)],
    gone_is_unavailable[needing(Need::SeverableConnection)],
    hung_is_timeout[needing(Need::SeverableConnection)],
];

async fn info(bench: &Bench) -> Outcome {
    let info = bench.runtime.info().await?;
    ensure_eq!(info.driver, bench.runtime.driver(), "the driver");
    ensure!(!info.version.is_empty(), "the version is empty");
    ensure!(!info.endpoint.is_empty(), "the endpoint is empty");
    if let Some(default) = &info.default_oci_runtime {
        ensure!(
            info.oci_runtimes.is_empty() || info.oci_runtimes.contains(default),
            "the default `{default}` is not among {:?}",
            info.oci_runtimes
        );
    }
    Ok(())
}

async fn gone_mid_run(bench: &Bench) -> Outcome {
    let severable = bench.severable().await?;
    let runtime = severable.runtime;
    let id = runtime
        .create(&bench.spec(programs::CAT.alone()).with_stdin(true))
        .await?;
    let mut main = Reader::new(runtime.start(&id).await?);
    main.write(b"ready\n").await?;
    main.until_stdout("ready\n").await?;
    let further = ExecSpec::new(programs::CAT.alone()).with_stdin(true);
    let mut further = Reader::new(runtime.exec(&id, &further).await?);
    further.write(b"ready\n").await?;
    further.until_stdout("ready\n").await?;

    severable.connection.sever();
    let losses = async { futures::try_join!(main.loss(), further.loss()) };
    bench.within(bench.seconds(10), "the news of the loss", losses).await?;
    Ok(())
}

async fn gone_is_unavailable(bench: &Bench) -> Outcome {
    let severable = bench.severable().await?;
    let runtime = severable.runtime;
    let id = runtime.create(&bench.idle_spec()).await?;
    severable.connection.sever();
    let limit = bench.seconds(20);
    all_fail(bench, &*runtime, &id, ErrorKind::Unavailable, limit).await?;
    if bench.has(Capability::Pull) {
        let pulled = async {
            let events = runtime.pull(&bench.fixtures().shell, PullOptions::default()).await?;
            events.try_collect::<Vec<_>>().await
        };
        ensure_refused(pulled.await, &[ErrorKind::Unavailable])?;
    }
    Ok(())
}

async fn hung_is_timeout(bench: &Bench) -> Outcome {
    let severable = bench.severable().await?;
    let runtime = severable.runtime;
    let id = runtime.create(&bench.idle_spec()).await?;
    severable.connection.stall();
    // A call of the contract may be several calls to the engine, each with its bound.
    let limit = bench.seconds(30);
    all_fail(bench, &*runtime, &id, ErrorKind::Timeout, limit).await
}

/// Fails unless each call that asks the engine fails with `kind` within `limit`.
async fn all_fail(
    bench: &Bench,
    runtime: &dyn ContainerRuntime,
    id: &ContainerId,
    kind: ErrorKind,
    limit: Duration,
) -> Outcome {
    let spec = bench.idle_spec();
    let exec = ExecSpec::new(programs::IDLE.alone());
    let filter = ListFilter::instance(bench.instance());
    let calls: [(&str, BoxFuture<'_, Result<()>>); 9] = [
        ("info", runtime.info().map_ok(drop).boxed()),
        ("image", runtime.image(&spec.image).map_ok(drop).boxed()),
        ("create", runtime.create(&spec).map_ok(drop).boxed()),
        ("start", runtime.start(id).map_ok(drop).boxed()),
        ("exec", runtime.exec(id, &exec).map_ok(drop).boxed()),
        ("kill", runtime.kill(id, Signal::KILL)),
        ("remove", runtime.remove(id)),
        ("inspect", runtime.inspect(id).map_ok(drop).boxed()),
        ("list", runtime.list(&filter).map_ok(drop).boxed()),
    ];
    let failures = calls.map(async |(call, answer)| {
        bench
            .within(limit, "the refusal", async { ensure_refused(answer.await, &[kind]) })
            .await
            .map_err(|failure| Failure::new(format_args!("{call}: {}", failure.into_message())))
    });
    try_join_all(failures).await?;
    Ok(())
}
