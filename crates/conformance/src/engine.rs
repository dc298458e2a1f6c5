//! The engine: what it is, and what happens when it goes away.

use futures::TryStreamExt;
use inline_runtime::{Capability, ErrorKind, ExecSpec, ListFilter, PullOptions, Signal};

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
    let spec = bench.idle_spec();
    let id = runtime.create(&spec).await?;
    severable.connection.sever();

    let filter = ListFilter::instance(bench.instance());
    let image = &bench.fixtures().shell;
    let exec = ExecSpec::new(programs::IDLE.alone());
    let pulled = async {
        let events = runtime.pull(image, PullOptions::default()).await?;
        events.try_collect::<Vec<_>>().await
    };
    let calls = async {
        [
            ("info", runtime.info().await.map(drop)),
            ("image", runtime.image(image).await.map(drop)),
            ("create", runtime.create(&bench.idle_spec()).await.map(drop)),
            ("start", runtime.start(&id).await.map(drop)),
            ("exec", runtime.exec(&id, &exec).await.map(drop)),
            ("kill", runtime.kill(&id, Signal::KILL).await),
            ("remove", runtime.remove(&id).await),
            ("inspect", runtime.inspect(&id).await.map(drop)),
            ("list", runtime.list(&filter).await.map(drop)),
        ]
    };
    let answers = async { Ok(calls.await) };
    for (call, answer) in bench.within(bench.seconds(20), "nine refusals", answers).await? {
        ensure_refused(answer, &[ErrorKind::Unavailable])
            .map_err(|failure| Failure::new(format_args!("{call}: {}", failure.into_message())))?;
    }
    if bench.has(Capability::Pull) {
        ensure_refused(pulled.await, &[ErrorKind::Unavailable])?;
    }
    Ok(())
}
