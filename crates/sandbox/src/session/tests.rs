use std::time::Duration;

use inline_fake::{FakeRuntime, Fault, Operation};
use inline_runtime::{ContainerRuntime, ErrorKind, ListFilter};
use tokio::time::{Instant, sleep};

use super::*;
use crate::Verdict;
use crate::run::Purpose;
use crate::testing::{containers, fake, limits, reader, spec};

async fn start(fake: &FakeRuntime) -> Session {
    let spec = spec(
        "local:a",
        Purpose::Session {
            directory: "/workspace",
        },
    );
    Session::start(containers(fake), spec, SessionOptions::new(limits()))
        .await
        .unwrap()
}

async fn cell(session: &Session, source: &str) -> CellResult {
    let (sender, _collected) = reader();
    session.run(source, sender, CancellationToken::new()).await.unwrap()
}

async fn running(fake: &FakeRuntime) -> usize {
    let all = fake.list(&ListFilter::default()).await.unwrap();
    all.iter().filter(|container| container.state.is_running()).count()
}

#[tokio::test(start_paused = true)]
async fn what_a_cell_defines_the_next_one_sees() {
    let fake = fake().build();
    let session = start(&fake).await;
    let result = cell(&session, "set 42").await;
    assert!(result.run.verdict.is_ok() && result.state_kept && !result.is_new);
    assert_eq!(cell(&session, "get").await.run.stdout.to_text(), "42");
    let failed = cell(&session, "error no\nfail").await;
    assert_eq!(
        (failed.run.verdict, failed.run.stderr.to_text().as_str()),
        (Verdict::NonZero(1), "no")
    );
    session.reset().await.unwrap();
    let after = cell(&session, "get").await;
    assert!(after.is_new && after.run.stdout.bytes.is_empty());
    session.end().await;
    assert_eq!(running(&fake).await, 0);
    let (sender, _collected) = reader();
    let ended = session.run("get", sender, CancellationToken::new()).await;
    assert!(matches!(ended, Err(SandboxError::NotFound { what: "session", .. })));
}

#[tokio::test(start_paused = true)]
async fn each_cell_is_told_its_own_cpu_time_where_that_is_known() {
    let fake = fake().build();
    let session = start(&fake).await;
    let cpu = async |source: &str| cell(&session, source).await.run.usage.cpu;
    let one = Some(Duration::from_millis(7));
    assert_eq!((cpu("sleep 200").await, cpu("sleep 200").await), (one, one));
    assert_eq!(cpu("sleep 1").await, None, "measuring it would take longer");
    assert_eq!(cpu("sleep 200").await, None, "what was used before is not known");
    assert_eq!(cpu("sleep 1").await, None);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(cpu("sleep 200").await, one);
    session.end().await;

    let hangs = crate::testing::fake()
        .with_fault(Operation::Stats, 1, Fault::Hang)
        .build();
    let session = start(&hangs).await;
    let begun = Instant::now();
    assert_eq!(cell(&session, "sleep 200").await.run.usage.cpu, None);
    assert!(begun.elapsed() < Duration::from_millis(500));
    session.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_keeps_the_state() {
    let fake = fake().build();
    let session = start(&fake).await;
    session.interrupt();
    cell(&session, "set 42").await;
    let other = session.clone();
    tokio::spawn(async move {
        sleep(Duration::from_secs(1)).await;
        other.interrupt();
    });
    let result = cell(&session, "wait").await;
    assert_eq!((result.run.verdict, result.state_kept), (Verdict::Cancelled, true));
    assert_eq!(cell(&session, "get").await.run.stdout.to_text(), "42");
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_that_may_still_come_finds_no_next_cell() {
    for fault in [Fault::LoseAfter(0), Fault::Hang] {
        let fake = fake().with_fault(Operation::Exec, 1, fault).build();
        let session = start(&fake).await;
        cell(&session, "set 42").await;
        let other = session.clone();
        tokio::spawn(async move {
            sleep(Duration::from_secs(1)).await;
            other.interrupt();
        });
        let result = cell(&session, "sleep 2000").await;
        assert!(result.run.verdict.is_ok() && !result.state_kept, "{result:?}");
        assert!(cell(&session, "get").await.is_new);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cell_past_its_time_is_interrupted_then_killed() {
    let fake = fake().build();
    let session = start(&fake).await;
    let begun = Instant::now();
    let polite = cell(&session, "set 42\nwait").await;
    assert_eq!((polite.run.verdict, polite.state_kept), (Verdict::Timeout, true));
    assert_eq!(polite.run.stdout.to_text(), "waiting");
    assert!(begun.elapsed() < limits().timeout + Duration::from_millis(250));
    assert_eq!(cell(&session, "get").await.run.stdout.to_text(), "42");

    let stubborn = cell(&session, "print before\nsleep 600000").await;
    assert_eq!((stubborn.run.verdict, stubborn.state_kept), (Verdict::Timeout, false));
    assert_eq!(stubborn.run.stdout.to_text(), "before");
    let flood = cell(&session, "flood 300\nsleep 600000").await;
    assert_eq!((flood.run.verdict, flood.is_new), (Verdict::OutputLimit, true));
    assert!(cell(&session, "get").await.run.stdout.bytes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_cancels_its_cell() {
    let fake = fake().build();
    let session = start(&fake).await;
    assert!(
        tokio::time::timeout(Duration::from_secs(1), cell(&session, "set 42\nwait"))
            .await
            .is_err()
    );
    let begun = Instant::now();
    assert_eq!(cell(&session, "get").await.run.stdout.to_text(), "42");
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn an_interpreter_that_ends_is_replaced_when_it_is_needed() {
    let fake = fake().build();
    let session = start(&fake).await;
    for (source, verdict) in [
        ("exit 3", Verdict::NonZero(3)),
        ("exit 0", Verdict::Ok),
        ("oom", Verdict::OutOfMemory),
        ("die", Verdict::Signal(inline_runtime::Signal::KILL)),
    ] {
        let ended = cell(&session, &format!("print last\n{source}")).await;
        assert_eq!((ended.run.verdict, ended.state_kept), (verdict, false), "{source}");
        assert_eq!(ended.run.stdout.to_text(), "last");
        sleep(Duration::from_secs(1)).await;
        assert_eq!(running(&fake).await, 0);
        assert!(cell(&session, "set 1").await.is_new);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_used_goes_and_one_that_died_meanwhile_is_replaced() {
    let fake = fake().build();
    let session = start(&fake).await;
    sleep(Duration::from_mins(29)).await;
    assert_eq!(running(&fake).await, 1);
    sleep(Duration::from_mins(2)).await;
    assert_eq!(running(&fake).await, 0);
    assert!(cell(&session, "set 1").await.is_new);

    let id = fake.list(&ListFilter::default()).await.unwrap().remove(0).id;
    fake.kill(&id, inline_runtime::Signal::KILL).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!(cell(&session, "set 1").await.is_new);
    drop(session);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(running(&fake).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_new_interpreter_that_cannot_be_made_is_an_error() {
    let fake = fake()
        .with_fault(Operation::Create, 2, Fault::Fail(ErrorKind::Unavailable))
        .build();
    let session = start(&fake).await;
    cell(&session, "exit 0").await;
    let (sender, _collected) = reader();
    let refused = session.run("get", sender, CancellationToken::new()).await;
    assert!(matches!(refused, Err(SandboxError::Runtime(_))));
    assert!(cell(&session, "get").await.is_new);
}
