//! Interpreters that live from cell to cell.

use std::time::{Duration, Instant};

use inline_sandbox::{CancellationToken, CellResult, Session, Verdict};
use inline_tests::environment::patient;
use libtest_mimic::Failed;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::bench::{Bench, Reader, timeout};
use crate::ensure;

/// How long after a cell's first output it is interrupted.
const MOMENT: Duration = Duration::from_millis(20);

async fn cell(session: &Session, source: &str) -> Result<CellResult, Failed> {
    // A reader that is gone holds nothing back.
    let (sender, _) = mpsc::channel(1);
    Ok(session.run(source, sender, CancellationToken::new()).await?)
}

async fn expect(session: &Session, source: &str, stdout: &str) -> Result<(), Failed> {
    let result = cell(session, source).await?;
    let is_it = result.run.verdict.is_ok() && result.state_kept && result.run.stdout.to_text() == stdout;
    ensure(is_it, || format!("`{source}`: {result:?}"))
}

pub(crate) async fn variables_live_and_the_last_expression_is_echoed(bench: &Bench) -> Result<(), Failed> {
    for (language, first, second, error, code) in [
        ("python", "x = 20", "x * 2 + 2", "1 / 0", 1),
        ("node", "let x = 20", "x * 2 + 2", "null.x", 1),
        ("bash", "x=20", "echo $((x * 2 + 2))", "nope", 127),
    ] {
        let session = bench.session(language, bench.limits.clone()).await?;
        expect(&session, "", "").await?;
        expect(&session, first, "").await?;
        let mut times = Vec::new();
        for _ in 0..9 {
            let begun = Instant::now();
            expect(&session, second, "42\n").await?;
            times.push(begun.elapsed());
        }
        times.sort();
        eprintln!("{language}: a cell in {:?} (median of 9)", times[4]);
        let failed = cell(&session, error).await?;
        let is_it =
            failed.run.verdict == Verdict::NonZero(code) && failed.state_kept && !failed.run.stderr.bytes.is_empty();
        ensure(is_it, || format!("{failed:?}"))?;
        expect(&session, second, "42\n").await?;
        session.reset().await?;
        let after = cell(&session, second).await?;
        ensure(after.is_new && after.run.stdout.to_text() != "42\n", || {
            format!("{after:?}")
        })?;
        session.end().await;
        ensure(cell(&session, "1").await.is_err(), || "it ran on".to_owned())?;
    }
    Ok(())
}

pub(crate) async fn an_interrupt_keeps_the_state(bench: &Bench) -> Result<(), Failed> {
    for (language, keep, endless, show) in [
        ("python", "x = 42", "print('begun'); [0 for _ in iter(int, 1)]", "x"),
        ("python", "x = 42", "import time; print('begun'); time.sleep(1000)", "x"),
        ("node", "let x = 42", "console.log('begun'); while (true);", "x"),
        (
            "node",
            "let x = 42",
            "console.log('begun'); await new Promise(() => {})",
            "x",
        ),
        ("bash", "x=42", "echo begun; while :; do :; done", "echo $x"),
        ("bash", "x=42", "echo begun; sleep 1000", "echo $x"),
    ] {
        let session = bench.session(language, bench.limits.clone()).await?;
        expect(&session, keep, "").await?;
        let mut reader = Reader::new();
        let (other, sender) = (session.clone(), reader.sender.clone());
        let running = tokio::spawn(async move { other.run(endless, sender, CancellationToken::new()).await });
        reader.expect("begun").await?;
        // The microseconds around the end of a script are those in which node loses an interrupt.
        sleep(MOMENT).await;
        session.interrupt();
        let result = running.await??;
        let told = || format!("{language} `{endless}`: {result:?}");
        ensure(result.run.verdict == Verdict::Cancelled && result.state_kept, told)?;
        ensure(!result.run.stderr.to_text().contains("<string>"), told)?;
        expect(&session, show, "42\n").await?;
        session.end().await;
    }
    Ok(())
}

/// Interrupts cells at 50 moments each: before, while and just after they end by themselves.
pub(crate) async fn interrupts_at_any_time_hit_one_cell_and_keep_the_state(bench: &Bench) -> Result<(), Failed> {
    const ROUNDS: u64 = 50;
    for (language, keep, cells, show) in [
        ("python", "x = 42", ["while True: pass", "sum(range(10**6))", "1"], "x"),
        (
            "node",
            "let x = 42",
            [
                "while (true);",
                "await new Promise((done) => setTimeout(done, 40))",
                "1",
            ],
            "x",
        ),
        (
            "bash",
            "x=42; f() { sleep 1; f; }",
            ["f", "for i in 1 2 3 4; do sleep 0.02 | cat; done", ":"],
            "echo $x",
        ),
    ] {
        let session = bench.session(language, bench.limits.clone()).await?;
        expect(&session, keep, "").await?;
        let mut interrupted = 0;
        for round in 0..ROUNDS {
            let source = cells[usize::try_from(round)? % cells.len()];
            // In no order, and the same in every run.
            let delay = Duration::from_millis(round * 37 % 60);
            let running = cell(&session, source);
            tokio::pin!(running);
            let result = loop {
                tokio::select! {
                    result = &mut running => break result?,
                    () = sleep(delay) => session.interrupt(),
                }
            };
            let told = || format!("{language}, round {round}: {result:?}");
            ensure(matches!(result.run.verdict, Verdict::Ok | Verdict::Cancelled), told)?;
            ensure(result.state_kept && !result.is_new, told)?;
            interrupted += u64::from(result.run.verdict == Verdict::Cancelled);
            session.interrupt();
            let shown = cell(&session, show).await?;
            let is_untouched = shown.run.verdict.is_ok() && shown.run.stdout.to_text() == "42\n";
            ensure(is_untouched && shown.run.stderr.bytes.is_empty(), || {
                format!("{language}, after round {round}: {shown:?}")
            })?;
        }
        // Each endless one is, to say the least.
        ensure(interrupted >= ROUNDS / 3, || {
            format!("{language}: {interrupted} of {ROUNDS} were interrupted")
        })?;
        session.end().await;
    }
    Ok(())
}

pub(crate) async fn a_timeout_keeps_the_state_where_it_can(bench: &Bench) -> Result<(), Failed> {
    let limits = bench.limits.narrow(&timeout(patient(Duration::from_secs(2))?))?;
    let session = bench.session("python", limits).await?;
    expect(&session, "x = 42", "").await?;
    let polite = cell(&session, "print('before')\nwhile True: pass").await?;
    let is_kept = polite.state_kept && polite.run.stdout.to_text() == "before\n";
    ensure(polite.run.verdict == Verdict::Timeout && is_kept, || {
        format!("{polite:?}")
    })?;
    let flood = cell(&session, "while True: print('x' * 65536)").await?;
    ensure(flood.run.verdict == Verdict::OutputLimit && flood.state_kept, || {
        format!("{:?}", flood.run.verdict)
    })?;
    expect(&session, "x", "42\n").await?;
    let stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass";
    let killed = cell(&session, stubborn).await?;
    ensure(killed.run.verdict == Verdict::Timeout && !killed.state_kept, || {
        format!("{killed:?}")
    })?;
    let after = cell(&session, "'new'").await?;
    ensure(after.is_new && after.run.stdout.to_text() == "'new'\n", || {
        format!("{after:?}")
    })?;
    session.end().await;
    Ok(())
}

pub(crate) async fn an_interpreter_that_ends_is_replaced(bench: &Bench) -> Result<(), Failed> {
    for (language, source) in [
        ("python", "print('last'); exit(3)"),
        ("node", "console.log('last'); process.exit(3)"),
        ("bash", "echo last; exit 3"),
    ] {
        let session = bench.session(language, bench.limits.clone()).await?;
        let ended = cell(&session, source).await?;
        let is_it =
            ended.run.verdict == Verdict::NonZero(3) && !ended.state_kept && ended.run.stdout.to_text() == "last\n";
        ensure(is_it, || format!("{language}: {ended:?}"))?;
        let next = cell(&session, if language == "bash" { "echo 42" } else { "42" }).await?;
        ensure(next.is_new && next.run.stdout.to_text() == "42\n", || {
            format!("{language}: {next:?}")
        })?;
        session.end().await;
    }
    Ok(())
}

pub(crate) async fn too_much_memory_ends_the_interpreter(bench: &Bench) -> Result<(), Failed> {
    let session = bench.session("python", bench.limits.clone()).await?;
    let result = cell(&session, "x = bytearray(1 << 30)").await?;
    let expected = if bench.has_cgroups() {
        (Verdict::OutOfMemory, false)
    } else {
        (Verdict::NonZero(1), true)
    };
    ensure((result.run.verdict, result.state_kept) == expected, || {
        format!("{result:?}")
    })?;
    session.end().await;
    Ok(())
}
