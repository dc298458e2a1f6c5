use std::time::Duration;

use futures::FutureExt;
use inline_fake::{Call, Fault, Operation};
use inline_runtime::{ErrorKind, ExitStatus, Signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::testing::{CHUNK, containers, fake, frame, limits, reader, spec};
use crate::{Limits, Verdict};

async fn run_with(
    fake: &inline_fake::FakeRuntime,
    source: &str,
    limits: &Limits,
    mut control: RunControl,
) -> (RunResult, Vec<u8>) {
    let containers = containers(fake);
    let prepared = Prepared::start(&containers, &spec("local:a", Purpose::Run))
        .await
        .unwrap();
    assert!(containers.count() == 1);
    let (sender, collected) = reader();
    let result = execute(prepared, &frame(source), limits, &sender, &mut control).await;
    drop(sender);
    containers.settled().await;
    assert_eq!(containers.count(), 0);
    (result, collected.await.unwrap())
}

async fn run(source: &str) -> (RunResult, Vec<u8>) {
    run_with(&fake().build(), source, &limits(), RunControl::default()).await
}

#[tokio::test(start_paused = true)]
async fn a_program_runs_to_its_end() {
    let (result, passed) = run("print one\nerror two\ninput").await;
    assert_eq!((result.verdict, result.exit_code()), (Verdict::Ok, Some(0)));
    assert_eq!(
        (result.stdout.to_text().as_str(), result.stderr.to_text().as_str()),
        ("onethe input", "two")
    );
    assert_eq!(result.usage.cpu, Some(Duration::from_millis(20)));
    assert_eq!(result.usage.peak_memory, Some(1000));
    assert!(result.started && !result.warm && !result.is_truncated());
    assert_eq!(passed.len(), "onetwothe input".len());
}

#[tokio::test(start_paused = true)]
async fn verdicts_come_from_the_report_else_from_the_engine() {
    for (source, verdict) in [
        ("exit 3", Verdict::NonZero(3)),
        ("exit 139", Verdict::Signal(Signal::SEGV)),
        ("exit 152", Verdict::CpuTime),
        ("oom", Verdict::OutOfMemory),
        ("print x\ndie", Verdict::Signal(Signal::KILL)),
    ] {
        assert_eq!(run(source).await.0.verdict, verdict, "{source}");
    }
    let oom = ExitStatus::from_signal(Signal::KILL).with_oom_killed(true);
    let fake = fake().with_fault(Operation::Start, 1, Fault::DieAfter(2, oom)).build();
    let (result, _) = run_with(&fake, "print x\nsleep 60000", &limits(), RunControl::default()).await;
    assert_eq!(result.verdict, Verdict::OutOfMemory);
    assert_eq!(result.stdout.to_text(), "x");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_kills_and_keeps_what_was_printed() {
    let fake = fake().build();
    let begun = Instant::now();
    let (result, passed) = run_with(&fake, "print before\nsleep 600000", &limits(), RunControl::default()).await;
    assert_eq!((result.verdict, result.exit_code()), (Verdict::Timeout, None));
    assert_eq!(
        (result.stdout.to_text().as_str(), passed.as_slice()),
        ("before", b"before".as_slice())
    );
    assert!(
        begun.elapsed() < limits().timeout + Duration::from_millis(250),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(result.usage.cpu, Some(Duration::from_millis(7)));
    assert!(
        fake.calls()
            .iter()
            .any(|call| matches!(call, Call::Kill(_, Signal::KILL)))
    );
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_hangs_delays_the_verdict_for_a_bounded_time() {
    let fake = fake()
        .with_fault(Operation::Kill, 1, Fault::Hang)
        .with_fault(Operation::Stats, 1, Fault::Hang)
        .build();
    let begun = Instant::now();
    let (result, _) = run_with(&fake, "sleep 600000", &limits(), RunControl::default()).await;
    assert_eq!((result.verdict, result.usage.cpu), (Verdict::Timeout, None));
    assert!(begun.elapsed() < limits().timeout + Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn it_can_be_stopped_from_outside() {
    let cancel = CancellationToken::new();
    let control = RunControl {
        cancel: cancel.clone(),
        ..RunControl::default()
    };
    tokio::spawn(async move {
        sleep(Duration::from_secs(1)).await;
        cancel.cancel();
    });
    let (cancelled, _) = run_with(&fake().build(), "print x\nsleep 600000", &limits(), control).await;
    assert_eq!(
        (cancelled.verdict, cancelled.stdout.to_text().as_str()),
        (Verdict::Cancelled, "x")
    );

    let control = RunControl {
        disk_full: sleep(Duration::from_secs(1)).boxed(),
        ..RunControl::default()
    };
    let (full, _) = run_with(&fake().build(), "print x\nsleep 600000", &limits(), control).await;
    assert_eq!((full.verdict, full.stdout.to_text().as_str()), (Verdict::DiskFull, "x"));
}

#[tokio::test(start_paused = true)]
async fn output_is_kept_up_to_one_limit_and_passed_on_up_to_another() {
    let (result, passed) = run("flood 100000").await;
    assert_eq!(result.verdict, Verdict::OutputLimit);
    assert_eq!((result.stdout.bytes.len(), result.stdout.truncated), (1 << 20, true));
    assert!(
        passed.len() <= 16 << 20 && passed.len() >= (16 << 20) - 4 * CHUNK,
        "{}",
        passed.len()
    );
    let (result, passed) = run("flood 20").await;
    assert_eq!(
        (result.verdict, result.is_truncated(), passed.len()),
        (Verdict::Ok, true, 20 * CHUNK)
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_lost_with_what_was_printed() {
    let fake = fake().with_fault(Operation::Start, 1, Fault::LoseAfter(2)).build();
    let (result, passed) = run_with(&fake, "print before\nsleep 600000", &limits(), RunControl::default()).await;
    assert_eq!(
        (result.verdict, result.stdout.to_text().as_str()),
        (Verdict::Lost, "before")
    );
    assert!(result.started && passed == b"before");
    let fake = self::fake()
        .with_fault(Operation::Start, 1, Fault::LoseAfter(0))
        .build();
    let (result, _) = run_with(&fake, "print before", &limits(), RunControl::default()).await;
    assert_eq!((result.verdict, result.started), (Verdict::Lost, false));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_slow_delays_no_deadline_and_one_that_is_gone_is_forgotten() {
    let (fake, mut limits) = (fake().build(), limits());
    limits.output_max = u64::MAX;
    let containers = containers(&fake);
    let start = async || {
        Prepared::start(&containers, &spec("local:a", Purpose::Run))
            .await
            .unwrap()
    };

    let (sender, mut receiver) = mpsc::channel(1);
    let begun = Instant::now();
    let source = frame("flood 1000000");
    let result = execute(start().await, &source, &limits, &sender, &mut RunControl::default()).await;
    assert_eq!(result.verdict, Verdict::Timeout);
    assert!(begun.elapsed() < limits.timeout + Duration::from_millis(250));
    // It was held back: what lies between the program and its reader is all that came.
    assert!(result.stdout.bytes.len() < 40 * CHUNK, "{}", result.stdout.bytes.len());
    assert!(receiver.recv().await.is_some());

    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    let result = execute(
        start().await,
        &frame("flood 100"),
        &limits,
        &sender,
        &mut RunControl::default(),
    )
    .await;
    assert_eq!(result.verdict, Verdict::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_run_leaves_no_container() {
    let fake = fake().build();
    let containers = containers(&fake);
    let prepared = Prepared::start(&containers, &spec("local:a", Purpose::Run))
        .await
        .unwrap();
    let (sender, _receiver) = mpsc::channel(1);
    let (source, limits) = (frame("sleep 600000"), limits());
    let mut control = RunControl::default();
    let run = execute(prepared, &source, &limits, &sender, &mut control);
    assert!(tokio::time::timeout(Duration::from_secs(1), run).await.is_err());
    containers.settled().await;
    assert_eq!(containers.count(), 0);
    assert!(fake.calls().iter().any(|call| matches!(call, Call::Remove(_))));
}

#[tokio::test(start_paused = true)]
async fn removal_is_tried_again_and_a_failed_start_leaves_nothing() {
    let fake = fake()
        .with_fault(Operation::Remove, 1, Fault::Fail(ErrorKind::Unavailable))
        .with_fault(Operation::Start, 2, Fault::Fail(ErrorKind::Unexpected))
        .build();
    run_with(&fake, "exit 0", &limits(), RunControl::default()).await;
    let containers = containers(&fake);
    assert!(
        Prepared::start(&containers, &spec("local:a", Purpose::Run))
            .await
            .is_err()
    );
    containers.settled().await;
    assert_eq!(containers.count(), 0);
    let removals = fake
        .calls()
        .iter()
        .filter(|call| matches!(call, Call::Remove(_)))
        .count();
    assert_eq!(removals, 3);
}
