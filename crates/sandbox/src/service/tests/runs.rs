use futures::StreamExt;
use inline_fake::{Call, Fault, Operation, PullScript};
use inline_runtime::{ErrorKind, ImageId};
use tokio::io::AsyncReadExt;

use super::*;
use crate::testing::python;
use crate::{BusyReason, Limits, SandboxError, Verdict};

#[tokio::test(start_paused = true)]
async fn a_run_goes_from_the_request_to_the_answer() {
    let bench = Bench::new().await;
    let mut run = bench.start("local:alice", "print one\nerror two");
    let id = run.id().to_owned();
    let progress: Vec<Progress> = run.by_ref().collect().await;
    assert_eq!(progress[0], Progress::Started { warm: false });
    assert!(progress.contains(&Progress::Stdout("one".into())) && progress.contains(&Progress::Stderr("two".into())));
    let result = run.outcome().await.unwrap();
    assert_eq!((result.verdict, result.stdout.to_text().as_str()), (Verdict::Ok, "one"));
    let record = bench.service.store().run(&id).await.unwrap();
    assert_eq!(
        (record.owner, record.language.as_str(), record.source),
        (alice(), "python", None)
    );
    assert_eq!(record.source_sha256.len(), 64);
    assert_eq!(record.outcome.unwrap().verdict, Verdict::Ok);
    assert_eq!(bench.service.usage_today(&alice()).await.unwrap().runs, 1);
    assert_eq!(bench.service.store().in_flight().await.unwrap(), []);
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_second_run_finds_a_container_waiting() {
    let bench = Bench::new().await;
    assert!(!bench.run("local:alice", "print one").await.warm);
    until("a container made ahead", async || !bench.service.inner.pool.is_empty()).await;
    assert!(!bench.run("local:bob", "print one").await.warm);
    assert!(bench.run("local:alice", "print one").await.warm);
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_can_never_run_is_refused_at_once_and_counts_for_nothing() {
    let bench = Bench::with(fake(), |config| config.limits.source_bytes = 5).await;
    let outcome = async |program: Program| bench.service.run(RunRequest::new(alice(), program)).outcome().await;
    assert!(matches!(
        outcome(Program::new("cobol", "1")).await,
        Err(SandboxError::UnknownLanguage { .. })
    ));
    assert!(matches!(
        outcome(Program::new("Python", "123456")).await,
        Err(SandboxError::SourceTooLarge { .. })
    ));
    assert!(matches!(
        outcome(Program::new("py", "1").with_args(["\0"])).await,
        Err(SandboxError::InvalidProgram { .. })
    ));
    let reserved = RunRequest::new("once:x".parse().unwrap(), Program::new("python", "1"));
    assert!(matches!(
        bench.service.run(reserved).outcome().await,
        Err(SandboxError::InvalidOwner { .. })
    ));
    assert!(matches!(
        bench.service.sandbox(&alice()).await,
        Err(SandboxError::NotFound { .. })
    ));
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_not_there_is_pulled_once_for_all_who_wait() {
    let image = python().image;
    let script = PullScript::ends_in(ImageId::new("2"))
        .with_status("layers")
        .with_pause(Duration::from_millis(50));
    let bench = Bench::with(crate::testing::fake_without_images().with_pull(&image, script), |_| ()).await;
    let mut first = bench.start("local:alice", "print one");
    let pulls = || {
        let calls = bench.fake.calls();
        calls.iter().filter(|call| matches!(call, Call::Pull(_))).count()
    };
    until("a pull", async || pulls() == 1).await;
    let second = bench.start("local:bob", "print two");
    until("the image is there", async || {
        tokio::time::advance(Duration::from_millis(50)).await;
        bench.fake.image(&image).await.unwrap().is_some()
    })
    .await;
    let pulling = first.next().await.unwrap();
    assert!(matches!(pulling, Progress::Pulling(_)), "{pulling:?}");
    assert!(first.outcome().await.unwrap().verdict.is_ok() && second.outcome().await.unwrap().verdict.is_ok());
    assert_eq!(pulls(), 1);
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_must_wait_hears_where_and_can_leave() {
    let bench = Bench::with(fake(), |config| config.admission.max_running = 1.try_into().unwrap()).await;
    let mut first = bench.start("local:alice", "sleep 60000");
    while first.next().await != Some(Progress::Started { warm: false }) {}
    let mut second = bench.start("local:bob", "print two");
    assert_eq!(second.next().await, Some(Progress::Queued { position: 1 }));
    second.cancel();
    let cancelled = second.outcome().await.unwrap();
    assert_eq!((cancelled.verdict, cancelled.started), (Verdict::Cancelled, false));
    let mut third = bench.start("local:bob", "print three");
    assert_eq!(third.next().await, Some(Progress::Queued { position: 1 }));
    assert!(bench.service.cancel(first.id()));
    assert_eq!(first.outcome().await.unwrap().verdict, Verdict::Cancelled);
    assert_eq!(third.outcome().await.unwrap().verdict, Verdict::Ok);
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_fails_is_an_error_and_on_record() {
    let fault = Fault::Fail(ErrorKind::ResourceExhausted);
    let bench = Bench::with(fake().with_fault(Operation::Create, 1, fault), |_| ()).await;
    let run = bench.start("local:alice", "print one");
    let id = run.id().to_owned();
    let error = run.outcome().await.unwrap_err();
    assert!(matches!(&error, SandboxError::Runtime(error) if error.kind() == ErrorKind::ResourceExhausted));
    assert_eq!(
        bench.service.store().run(&id).await.unwrap().outcome.unwrap().verdict,
        Verdict::Lost
    );
    assert_eq!(bench.service.load().running, 0);
    assert!(bench.run("local:alice", "print one").await.verdict.is_ok());
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn files_come_with_a_program_and_a_one_shot_run_leaves_none() {
    let bench = Bench::new().await;
    let program = || Program::new("python", "print one").with_file("a/b.txt", "x");
    let kept = bench
        .service
        .run(RunRequest::new(alice(), program()))
        .outcome()
        .await
        .unwrap();
    assert_eq!(
        kept.artifacts.files.len(),
        0,
        "what comes with a program is not made by it"
    );
    let files = bench.service.files(&alice()).await.unwrap();
    assert_eq!(files.read("a/b.txt", 0, 10).await.unwrap().bytes, b"x");
    let bob: Owner = "local:bob".parse().unwrap();
    let request = RunRequest::new(bob.clone(), program()).with_one_shot(true);
    assert!(bench.service.run(request).outcome().await.unwrap().verdict.is_ok());
    let owners = async || bench.service.inner.workspaces.owners().await.unwrap();
    until("the workspace is gone", async || owners().await == [alice()]).await;
    assert!(bench.service.sandbox(&bob).await.is_err());
    assert_eq!(bench.service.usage_today(&bob).await.unwrap().runs, 1);
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_one_shot_run_has_made_can_be_read_as_long_as_its_result_is_kept() {
    let bench = Bench::with(fake(), |config| config.artifacts.files = 2).await;
    let run = async || {
        let program = Program::new("python", "write b.csv 1,2\nwrite a.csv 3,4\nwrite c.csv 5,6");
        let request = RunRequest::new(alice(), program).with_one_shot(true);
        bench.service.run(request).outcome().await.unwrap()
    };
    let read = async |result: &RunResult, number: usize| {
        let mut bytes = Vec::new();
        let mut file = result.artifacts.open(&result.artifacts.files[number]).await?;
        file.read_to_end(&mut bytes).await.unwrap();
        Ok::<_, SandboxError>(bytes)
    };
    let owners = async || bench.service.inner.workspaces.owners().await.unwrap();

    let result = run().await;
    assert_eq!(
        (result.artifacts.files.len(), result.artifacts.left_out.len()),
        (2, 1),
        "as many as the operator allows"
    );
    assert_eq!(bench.service.sweep().await.unwrap(), Swept::default());
    assert_eq!(bench.service.running(None), [], "it is over");
    let copy = result.clone();
    drop(result);
    assert_eq!(read(&copy, 0).await.unwrap(), b"3,4");
    assert_eq!(read(&copy, 1).await.unwrap(), b"1,2");
    drop(copy);
    until("the workspace is gone", async || owners().await.is_empty()).await;

    let kept = run().await;
    bench.service.shutdown().await;
    assert_eq!(owners().await, [], "nobody keeps it from being deleted at the end");
    assert!(matches!(read(&kept, 0).await, Err(SandboxError::NotFound { .. })));
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_workspace_takes_no_run() {
    let bench = Bench::with(fake(), |config| config.limits.workspace_bytes = 64 << 10).await;
    bench.service.create_sandbox(&alice()).await.unwrap();
    let files = bench.service.files(&alice()).await.unwrap();
    let source = files.workspace().mount().source;
    std::fs::write(format!("{source}/big"), vec![b'x'; 100 << 10]).unwrap();
    let error = bench.start("local:alice", "print one").outcome().await.unwrap_err();
    assert!(
        matches!(error, SandboxError::QuotaExceeded { what: "bytes", .. }),
        "{error}"
    );
    files.remove("big", false).await.unwrap();
    assert!(bench.run("local:alice", "print one").await.verdict.is_ok());
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_audit_is_also_lines_of_json() {
    let lines = tempfile::tempdir().unwrap();
    let path = lines.path().join("audit.jsonl");
    let bench = Bench::with(fake(), |config| {
        config.audit.json_lines = Some(path.clone());
        config.audit.keep_source = true;
    })
    .await;
    let request = RunRequest::new(alice(), Program::new("python", "exit 3")).with_place("#general");
    bench.service.run(request).outcome().await.unwrap();
    bench.run("local:alice", "print x").await;
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["owner"], &lines[0]["place"]),
        (&"local:alice".into(), &"#general".into())
    );
    assert_eq!(
        (&lines[0]["verdict"], &lines[0]["exit_code"]),
        (&"non_zero".into(), &3.into())
    );
    assert_eq!(lines[0]["source"], "exit 3");
    assert_eq!(
        lines[0]["limits"]["memory"],
        serde_json::to_value(Limits::default()).unwrap()["memory"]
    );
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn shutdown_cancels_what_runs_and_takes_nothing_new() {
    let bench = Bench::new().await;
    let mut run = bench.start("local:alice", "print early\nsleep 60000");
    while run.next().await != Some(Progress::Stdout("early".into())) {}
    bench.service.shutdown().await;
    let result = run.outcome().await.unwrap();
    assert_eq!(
        (result.verdict, result.stdout.to_text().as_str()),
        (Verdict::Cancelled, "early")
    );
    let refused = bench.start("local:alice", "print late").outcome().await.unwrap_err();
    assert!(
        matches!(
            refused,
            SandboxError::Busy {
                reason: BusyReason::ShuttingDown,
                ..
            }
        ),
        "{refused}"
    );
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_nobody_waits_for_ends() {
    let bench = Bench::new().await;
    let mut run = bench.start("local:alice", "sleep 60000");
    while run.next().await != Some(Progress::Started { warm: false }) {}
    drop(run);
    until("the run ends", async || bench.service.running(None).is_empty()).await;
    bench.close().await;
}
