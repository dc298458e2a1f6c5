use inline_fake::{Fault, Operation};
use inline_runtime::ErrorKind;

use super::*;
use crate::testing::NO_INTERPRETER;
use crate::{BusyReason, CellRequest, CellResult, LanguageConfig, SandboxError, Verdict};

async fn cell(bench: &Bench, owner: &str, source: &str) -> Result<CellResult> {
    bench
        .service
        .run_cell(CellRequest::new(owner.parse().unwrap(), "python", source))
        .outcome()
        .await
}

#[tokio::test(start_paused = true)]
async fn cells_of_one_owner_share_a_session_and_each_is_on_record() {
    let bench = Bench::new().await;
    let first = cell(&bench, "local:alice", "set 41").await.unwrap();
    assert!(first.is_new && first.state_kept && first.run.verdict.is_ok());
    let second = cell(&bench, "local:alice", "get").await.unwrap();
    assert_eq!((second.is_new, second.run.stdout.to_text().as_str()), (false, "41"));
    assert_eq!(cell(&bench, "local:bob", "get").await.unwrap().run.stdout.to_text(), "");
    assert_eq!(bench.service.usage_today(&alice()).await.unwrap().runs, 2);
    let open: Vec<Owner> = bench
        .service
        .sessions(None)
        .into_iter()
        .map(|session| session.owner)
        .collect();
    assert_eq!(open, [alice(), "local:bob".parse().unwrap()]);
    assert_eq!(
        bench.service.sweep().await.unwrap(),
        Swept::default(),
        "a session is in use"
    );
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn sessions_are_bounded_and_those_that_nobody_uses_end() {
    let bench = Bench::with(fake(), |config| {
        config.sessions.max_sessions = 1.try_into().unwrap();
        config.sessions.idle_timeout = Duration::from_millis(200);
    })
    .await;
    cell(&bench, "local:alice", "set 41").await.unwrap();
    let refused = cell(&bench, "local:bob", "get").await.unwrap_err();
    assert!(matches!(
        refused,
        SandboxError::Busy {
            reason: BusyReason::TooManySessions { allowed: 1 },
            ..
        }
    ));
    tokio::time::advance(Duration::from_millis(300)).await;
    bench.service.sweep().await.unwrap();
    assert_eq!(bench.service.sessions(None), []);
    assert_eq!(bench.service.store().in_flight().await.unwrap(), []);
    cell(&bench, "local:bob", "get").await.unwrap();
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_reaches_the_cell_and_an_end_ends_it() {
    let bench = Bench::new().await;
    for (end, state_kept) in [(false, true), (true, false)] {
        let mut run = bench
            .service
            .run_cell(CellRequest::new(alice(), "python", "set 41\nwait"));
        while run.next().await != Some(Progress::Stdout("waiting".into())) {}
        if end {
            assert!(bench.service.end_session(&alice(), "py").await);
        } else {
            assert!(bench.service.interrupt_session(&alice(), "py"));
        }
        let result = run.outcome().await.unwrap();
        assert_eq!(result.run.verdict, Verdict::Cancelled);
        assert!(result.state_kept || !state_kept);
    }
    assert_eq!(
        cell(&bench, "local:alice", "get").await.unwrap().run.stdout.to_text(),
        ""
    );
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_does_not_start_leaves_room_for_the_next() {
    let fault = Fault::Fail(ErrorKind::ResourceExhausted);
    let bench = Bench::with(fake().with_fault(Operation::Start, 1, fault), |config| {
        config.sessions.max_sessions = 1.try_into().unwrap();
    })
    .await;
    assert!(matches!(
        cell(&bench, "local:alice", "get").await,
        Err(SandboxError::Runtime(_))
    ));
    assert_eq!(bench.service.store().in_flight().await.unwrap(), []);
    cell(&bench, "local:bob", "get").await.unwrap();
    let unknown = bench
        .service
        .run_cell(CellRequest::new(alice(), "cobol", "get"))
        .outcome()
        .await;
    assert!(matches!(unknown, Err(SandboxError::UnknownLanguage { .. })));
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_without_an_interpreter_is_told_by_an_empty_cell() {
    let bench = Bench::with(fake(), |config| {
        let missing = LanguageConfig {
            command: Some(vec![NO_INTERPRETER.to_owned()]),
            ..LanguageConfig::default()
        };
        config.languages.insert("python".to_owned(), missing);
    })
    .await;
    let ended = cell(&bench, "local:alice", "").await;
    assert!(matches!(ended, Err(SandboxError::NoInterpreter { .. })), "{ended:?}");
    assert_eq!(bench.service.store().in_flight().await.unwrap(), []);
    bench.close().await;
    // A program may end like that.
    let bench = Bench::new().await;
    let ended = cell(&bench, "local:alice", "exit 127").await.unwrap();
    assert_eq!(ended.run.verdict, Verdict::NonZero(127));
    bench.close().await;
}
