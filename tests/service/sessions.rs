//! Persistent interpreters, as a face asks for them.

use std::time::Duration;

use inline_sandbox::{CellRequest, CellResult, Progress, Verdict};
use libtest_mimic::Failed;

use inline_tests::environment::patient;
use inline_tests::service::{owner, told};

use crate::bench::Bench;
use crate::ensure;

async fn cell(bench: &Bench, language: &str, source: &str) -> Result<CellResult, Failed> {
    bench
        .service
        .run_cell(CellRequest::new(owner("alice")?, language, source))
        .outcome()
        .await
        .map_err(told)
}

pub(crate) async fn what_one_cell_defines_the_next_one_sees(bench: &Bench) -> Result<(), Failed> {
    for (language, first, second) in [
        ("python", "x = 41", "open('made.py', 'w').write(''); x + 1"),
        ("node", "const x = 41", "x + 1"),
        ("bash", "x=41", "echo $((x + 1))"),
    ] {
        let defined = cell(bench, language, first).await?;
        ensure(
            defined.is_new && defined.state_kept && defined.run.verdict.is_ok(),
            || format!("{defined:?}"),
        )?;
        let seen = cell(bench, language, second).await?;
        ensure(!seen.is_new && seen.run.stdout.to_text().ends_with("42\n"), || {
            format!("{seen:?}")
        })?;
        let made = usize::from(language == "python");
        ensure(seen.run.artifacts.files.len() == made, || format!("{seen:?}"))?;
    }
    let alice = owner("alice")?;
    ensure(bench.service.sessions(Some(&alice)).len() == 3, || {
        format!("{:?}", bench.service.sessions(None))
    })?;
    let mut endless = bench.service.run_cell(CellRequest::new(
        alice.clone(),
        "python",
        "print('on', flush=True)\nwhile True: pass",
    ));
    while !matches!(endless.next().await, Some(Progress::Stdout(_)) | None) {}
    ensure(bench.service.interrupt_session(&alice, "py"), || {
        "no session".to_owned()
    })?;
    let interrupted = endless.outcome().await.map_err(told)?;
    ensure(
        interrupted.run.verdict == Verdict::Cancelled && interrupted.state_kept,
        || format!("{interrupted:?}"),
    )?;
    ensure(cell(bench, "python", "x").await?.run.stdout.to_text() == "41\n", || {
        "the state is lost".to_owned()
    })?;
    ensure(bench.service.end_session(&alice, "python").await, || {
        "no session".to_owned()
    })?;
    let fresh = cell(bench, "python", "x").await?;
    ensure(fresh.is_new && matches!(fresh.run.verdict, Verdict::NonZero(_)), || {
        format!("{fresh:?}")
    })
}

pub(crate) async fn a_session_ends_with_its_sandbox(bench: &Bench) -> Result<(), Failed> {
    let alice = owner("alice")?;
    cell(bench, "bash", "x=41").await?;
    let request = CellRequest::new(alice.clone(), "bash", "echo on; sleep 1000");
    let mut sleeping = bench.service.run_cell(request);
    while !matches!(sleeping.next().await, Some(Progress::Stdout(_)) | None) {}
    let begun = std::time::Instant::now();
    ensure(bench.service.delete_sandbox(&alice).await.map_err(told)?, || {
        "no sandbox".to_owned()
    })?;
    ensure(begun.elapsed() < patient(Duration::from_secs(10))?, || {
        format!("{:?}", begun.elapsed())
    })?;
    ensure(
        sleeping.outcome().await.map_err(told)?.run.verdict == Verdict::Cancelled,
        || "not cancelled".to_owned(),
    )?;
    ensure(bench.service.sessions(None).is_empty(), || {
        "a session is left".to_owned()
    })?;
    let in_flight = bench.service.store().in_flight().await.map_err(told)?;
    ensure(in_flight.is_empty(), || format!("{in_flight:?}"))
}
