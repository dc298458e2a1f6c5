//! What is told to go wrong goes wrong, and nothing else does.

#![expect(clippy::unwrap_used, reason = "a call that must succeed fails the test")]

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use inline_fake::{Call, FakeBuilder, FakeRuntime, Fault, Operation, PullScript};
use inline_runtime::{
    ContainerRuntime, ContainerRuntimeExt, ContainerSpec, ErrorKind, Event, ExitStatus, ImageId, ImageReference,
    ListFilter, PullEvent, PullOptions, Signal,
};
use tokio::time::{Instant, sleep, timeout};

fn image() -> ImageReference {
    "shell".parse().unwrap()
}

fn spec(program: &str) -> ContainerSpec {
    ContainerSpec::new(image(), "test").with_cmd([program])
}

fn fake() -> FakeBuilder {
    FakeRuntime::builder()
        .with_image(&image(), ImageId::new("0"))
        .with_program("idle", |_| std::future::pending())
        .with_program("count", async |process: inline_fake::FakeProcess| {
            for line in 0..3 {
                process.stdout(format!("{line}\n")).await;
            }
            ExitStatus::from_code(0)
        })
}

async fn events(fake: &FakeRuntime, program: &str) -> Vec<Result<Event, ErrorKind>> {
    let id = fake.create(&spec(program)).await.unwrap();
    let events = fake.start(&id).await.unwrap().events;
    events.map(|event| event.map_err(|error| error.kind())).collect().await
}

#[tokio::test]
async fn the_planned_call_fails_and_no_other() {
    let fake = fake()
        .with_fault(Operation::Create, 2, Fault::Fail(ErrorKind::ResourceExhausted))
        .build();
    let mut kinds = Vec::new();
    for _ in 0..3 {
        kinds.push(fake.create(&spec("idle")).await.map_err(|error| error.kind()).err());
    }
    assert_eq!(kinds, [None, Some(ErrorKind::ResourceExhausted), None]);
    assert_eq!(fake.list(&ListFilter::default()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_fails_afterwards_has_done_its_work() {
    let fake = fake().build();
    fake.inject(Operation::Create, Fault::FailAfterwards(ErrorKind::Timeout));
    let error = fake.create(&spec("idle")).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Timeout, Some("create")));
    assert_eq!(fake.list(&ListFilter::default()).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_hangs_never_answers() {
    let fake = fake().build();
    fake.inject(Operation::Info, Fault::Hang);
    timeout(Duration::from_hours(1), fake.info()).await.unwrap_err();
    fake.info().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn latency_takes_time_and_a_dropped_creation_leaves_nothing() {
    let latency = Duration::from_secs(5);
    let fake = fake().with_latency(Operation::Create, latency).build();
    let begin = Instant::now();
    timeout(Duration::from_secs(4), fake.create(&spec("idle")))
        .await
        .unwrap_err();
    sleep(latency).await;
    assert!(fake.list(&ListFilter::default()).await.unwrap().is_empty());
    fake.create(&spec("idle")).await.unwrap();
    assert_eq!(begin.elapsed(), Duration::from_secs(4) + latency * 2);
}

#[tokio::test]
async fn a_cut_connection_is_cut_for_all_and_the_engine_lives_on() {
    let fake = fake().build();
    let id = fake.create(&spec("idle")).await.unwrap();
    let mut process = fake.start(&id).await.unwrap();
    fake.inject(Operation::Info, Fault::Disconnect);
    for _ in 0..2 {
        assert_eq!(fake.info().await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    let lost = process.events.next().await.unwrap().unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Unavailable);
    assert!(process.events.next().await.is_none());
    assert!(fake.reconnected().inspect(&id).await.unwrap().state.is_running());
}

#[tokio::test]
async fn a_process_is_lost_or_dies_after_so_many_events() {
    let killed = ExitStatus::from_signal(Signal::KILL).with_oom_killed(true);
    let fake = fake()
        .with_fault(Operation::Start, 1, Fault::LoseAfter(2))
        .with_fault(Operation::Start, 2, Fault::DieAfter(0, killed))
        .build();
    let printed = |line: &'static str| Ok(Event::Stdout(line.into()));
    let lost = events(&fake, "count").await;
    assert_eq!(lost, [printed("0\n"), printed("1\n"), Err(ErrorKind::Unavailable)]);
    assert_eq!(events(&fake, "idle").await, [Ok(Event::Exited(killed))]);
    let whole = events(&fake, "count").await;
    assert_eq!(whole.last(), Some(&Ok(Event::Exited(ExitStatus::from_code(0)))));
    assert_eq!(whole.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_pull_goes_as_scripted() {
    let id = ImageId::new("1");
    let (good, bad): (ImageReference, ImageReference) = ("good".parse().unwrap(), "bad".parse().unwrap());
    let script = PullScript::ends_in(id.clone())
        .with_progress("layer", 1, Some(2))
        .with_pause(Duration::from_secs(1));
    let fake = fake()
        .with_pull(&good, script)
        .with_pull(&bad, PullScript::fails(ErrorKind::Unauthorized).with_status("asking"))
        .build();
    let begin = Instant::now();
    let events: Vec<_> = fake
        .pull(&good, PullOptions::default())
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(events.last(), Some(&PullEvent::Done(id.clone())));
    assert_eq!((events.len(), begin.elapsed()), (2, Duration::from_secs(2)));
    assert_eq!(fake.ensure_image(&good).await.unwrap(), id);
    assert_eq!(
        fake.ensure_image(&bad).await.unwrap_err().kind(),
        ErrorKind::Unauthorized
    );
}

#[tokio::test]
async fn a_program_that_panics_ends_as_a_program() {
    let fake = fake()
        .with_program("panic", async |_: inline_fake::FakeProcess| panic!("on purpose"))
        .build();
    let runtime: Arc<dyn ContainerRuntime> = Arc::new(fake.clone());
    let output = runtime.run(&spec("panic"), 100).await.unwrap();
    assert_eq!(output.status.code(), Some(101));
    assert!(matches!(
        fake.calls()[..],
        [Call::Create(_), Call::Start(_), Call::Remove(_)]
    ));
}
