use std::time::SystemTime;

use inline_runtime::ContainerSpec;

use super::*;
use crate::store::{InFlight, InFlightKind};
use crate::{Retention, SandboxError};

/// Opens the service again on what another has left.
async fn reopened(fake: &FakeRuntime, place: &Place) -> SandboxService {
    SandboxService::open(Arc::new(fake.clone()), config(place))
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_process_has_left_is_gone_after_the_next_start() {
    let bench = Bench::new().await;
    let (fake, instance) = (bench.fake.clone(), bench.service.instance().to_owned());
    bench.run("local:alice", "print one").await;
    bench
        .service
        .files(&alice())
        .await
        .unwrap()
        .write("kept.txt", "x")
        .await
        .unwrap();
    let store = bench.service.store();
    let row = |id: &str, kind, owner: &str, instance: &str| InFlight {
        id: id.to_owned(),
        kind,
        owner: owner.parse().unwrap(),
        instance: instance.to_owned(),
        container: None,
        started: SystemTime::now(),
    };
    let bob: Owner = "local:bob".parse().unwrap();
    bench.service.create_sandbox(&bob).await.unwrap();
    store
        .begin(&row("1", InFlightKind::Install, "local:alice", &instance))
        .await
        .unwrap();
    store
        .begin(&row("2", InFlightKind::Delete, "local:bob", &instance))
        .await
        .unwrap();
    store
        .begin(&row("3", InFlightKind::Install, "local:carol", "another"))
        .await
        .unwrap();
    let quota = room::quota(&bench.service.config().limits);
    bench
        .service
        .inner
        .workspaces
        .workspace(&"once:1".parse().unwrap(), quota)
        .await
        .unwrap();
    let place = bench.close().await;
    let image = crate::testing::python().image;
    for instance in [instance.as_str(), "another"] {
        fake.create(&ContainerSpec::new(image.clone(), instance).with_cmd(["supervisor"]))
            .await
            .unwrap();
    }

    let service = reopened(&fake, &place).await;
    assert_eq!(fake.list(&ListFilter::instance(instance)).await.unwrap(), []);
    assert_eq!(fake.list(&ListFilter::instance("another")).await.unwrap().len(), 1);
    let left: Vec<String> = service
        .store()
        .in_flight()
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(left, ["3"]);
    assert!(matches!(
        service.sandbox(&bob).await,
        Err(SandboxError::NotFound { .. })
    ));
    assert_eq!(service.inner.workspaces.owners().await.unwrap(), [alice()]);
    assert_eq!(
        service
            .files(&alice())
            .await
            .unwrap()
            .read("kept.txt", 0, 9)
            .await
            .unwrap()
            .bytes,
        b"x"
    );
    let swept = service.swept_at_open();
    assert_eq!((swept.containers, swept.abandoned, swept.leftovers), (1, 2, 1));
    assert_eq!(service.sweep().await.unwrap(), Swept::default());
    service.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn two_processes_do_not_share_a_base_directory() {
    let bench = Bench::new().await;
    let config = bench.service.config().clone();
    let second = SandboxService::open(Arc::new(bench.fake.clone()), config).await;
    assert!(matches!(second, Err(SandboxError::InUse { .. })), "{second:?}");
    let (fake, place) = (bench.fake.clone(), bench.close().await);
    reopened(&fake, &place).await.shutdown().await;
}

/// Waits until the calendar, which no test can set, has gone on.
async fn a_moment() {
    let now = SystemTime::now();
    until("a moment", async || now.elapsed().unwrap() > Duration::from_millis(2)).await;
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_expires_but_never_while_something_runs_in_it() {
    let bench = Bench::with(fake(), |config| {
        config.retention = Retention::After(Duration::from_millis(1));
    })
    .await;
    let mut run = bench.start("local:alice", "sleep 60000");
    while !matches!(run.next().await, Some(Progress::Started { .. })) {}
    bench
        .service
        .ensure_sandbox(&"local:bob".parse().unwrap())
        .await
        .unwrap();
    let carol: Owner = "local:carol".parse().unwrap();
    bench.service.ensure_sandbox(&carol).await.unwrap();
    bench
        .service
        .set_retention(&carol, Some(Retention::Never))
        .await
        .unwrap();
    a_moment().await;
    assert_eq!(bench.service.sweep().await.unwrap().expired, 1);
    let left = bench.service.sandboxes(None, 10).await.unwrap();
    assert_eq!(
        left.into_iter().map(|sandbox| sandbox.owner).collect::<Vec<_>>(),
        [alice(), carol]
    );
    run.cancel();
    run.outcome().await.unwrap();
    a_moment().await;
    assert_eq!(bench.service.sweep().await.unwrap().expired, 1);
    bench.close().await;
}
