//! Runs, as a face asks for them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use inline::{ContainerId, ListFilter, labels};
use inline_sandbox::{Program, Progress, RunRequest, Verdict};
use libtest_mimic::Failed;

use inline_tests::environment::patient;
use inline_tests::service::{owner, told};

use crate::bench::Bench;
use crate::ensure;

pub(crate) async fn a_run_in_each_language_and_the_next_one_warm(bench: &Bench) -> Result<(), Failed> {
    let alice = owner("alice")?;
    for (language, source, stdout) in [
        ("python", "6 * 7", "42\n"),
        ("js", "6 * 7", "42\n"),
        ("Bash", "echo 42", "42\n"),
    ] {
        let begun = Instant::now();
        let cold = bench.run(&alice, Program::new(language, source)).await?;
        let cold_time = begun.elapsed();
        ensure(cold.verdict.is_ok() && cold.stdout.to_text() == stdout, || {
            format!("{cold:?}")
        })?;
        let (mut times, mut used) = (Vec::new(), BTreeSet::new());
        for _ in 0..8 {
            let is_one_ahead = async |bench: &Bench| !ahead(bench).await.is_subset(&used);
            bench.until("the next container runs", is_one_ahead).await?;
            // Its interpreter takes a moment, on a busy machine a longer one.
            tokio::time::sleep(patient(Duration::from_millis(200))?).await;
            used.extend(ahead(bench).await);
            let begun = Instant::now();
            let next = bench.run(&alice, Program::new(language, source)).await?;
            ensure(next.verdict.is_ok() && next.stdout.to_text() == stdout, || {
                format!("{next:?}")
            })?;
            if next.warm {
                times.push(begun.elapsed());
            }
            if times.len() == 4 {
                break;
            }
        }
        times.sort();
        ensure(times.len() == 4, || {
            format!("{language}: {} of 8 were warm", times.len())
        })?;
        println!("{language}: cold {cold_time:?}, warm {:?} (third of 4)", times[2]);
    }
    Ok(())
}

/// Returns the containers that were made ahead, behind the answer, and run: one that was used stays for a moment.
async fn ahead(bench: &Bench) -> BTreeSet<ContainerId> {
    let warm = ListFilter::instance(bench.service.instance()).with_label(labels::ROLE, "warm");
    let listed = bench.runtime.list(&warm).await.unwrap_or_default();
    let running = listed.into_iter().filter(|container| container.state.is_running());
    running.map(|container| container.id).collect()
}

pub(crate) async fn what_a_program_leaves_running_ends_with_it(bench: &Bench) -> Result<(), Failed> {
    let alice = owner("alice")?;
    for _ in 0..2 {
        let source = "(while :; do echo on >> goes; done) & sleep 0.1";
        let result = bench.run(&alice, Program::new("bash", source)).await?;
        ensure(result.verdict.is_ok(), || format!("{result:?}"))?;
        let files = bench.service.files(&alice).await.map_err(told)?;
        let size = async || files.read("goes", 0, 0).await.map_err(told).map(|read| read.size);
        let at_its_end = size().await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let later = size().await?;
        ensure(at_its_end > 0 && at_its_end == later, || {
            format!("{at_its_end} and then {later} bytes")
        })?;
        // The next one runs in a container that was made ahead, which stays for a moment.
        bench
            .until("the next container runs", async |bench: &Bench| {
                !ahead(bench).await.is_empty()
            })
            .await?;
    }
    Ok(())
}

pub(crate) async fn files_live_from_run_to_run_and_what_is_made_is_told(bench: &Bench) -> Result<(), Failed> {
    let alice = owner("alice")?;
    let write = Program::new("python", "open('made.txt', 'w').write(open('given/in.txt').read() * 2)")
        .with_file("given/in.txt", "x");
    let result = bench.run(&alice, write).await?;
    let made: Vec<String> = result
        .artifacts
        .files
        .iter()
        .map(|file| file.path.to_string())
        .collect();
    ensure(result.verdict.is_ok() && made == ["made.txt"], || format!("{result:?}"))?;
    let mut files = bench.service.files(&alice).await.map_err(told)?;
    let read = files.read("made.txt", 0, 10).await.map_err(told)?;
    ensure(read.bytes == b"xx", || format!("{read:?}"))?;
    files.write("given/in.txt", "yyy").await.map_err(told)?;
    files.change_directory("given").await.map_err(told)?;
    let read = Program::new("bash", "pwd; cat in.txt ../made.txt; echo z > in.txt");
    let result = bench.run(&alice, read).await?;
    ensure(
        result.stdout.to_text() == "/workspace/given\nyyyxx" && result.verdict.is_ok(),
        || format!("{result:?}"),
    )?;
    files.remove("in.txt", false).await.map_err(told)
}

pub(crate) async fn owners_do_not_see_each_other(bench: &Bench) -> Result<(), Failed> {
    let (alice, bob) = (owner("alice")?, owner("bob")?);
    bench
        .run(
            &alice,
            Program::new("bash", "echo secret > mine.txt; echo secret > /tmp/mine.txt"),
        )
        .await?;
    let result = bench.run(&bob, Program::new("bash", "ls -AR /workspace /tmp")).await?;
    ensure(!result.stdout.to_text().contains("mine"), || format!("{result:?}"))?;
    let result = bench
        .run(&alice, Program::new("bash", "ls -A /tmp | grep mine; cat mine.txt"))
        .await?;
    ensure(result.stdout.to_text() == "secret\n", || format!("{result:?}"))
}

pub(crate) async fn a_workspace_that_fills_ends_the_run(bench: &Bench) -> Result<(), Failed> {
    let alice = owner("alice")?;
    let source = "i=0; while :; do head -c 4194304 /dev/zero > f$i; i=$((i + 1)); sleep 0.05; done";
    let begun = Instant::now();
    let result = bench.run(&alice, Program::new("bash", source)).await?;
    ensure(result.verdict == Verdict::DiskFull, || format!("{result:?}"))?;
    ensure(begun.elapsed() < patient(Duration::from_secs(20))?, || {
        format!("after {:?}", begun.elapsed())
    })?;
    let refused = bench
        .service
        .run(RunRequest::new(alice.clone(), Program::new("bash", "true")))
        .outcome()
        .await;
    ensure(refused.is_err(), || format!("{refused:?}"))?;
    let usage = bench
        .service
        .files(&alice)
        .await
        .map_err(told)?
        .workspace()
        .usage()
        .await
        .map_err(told)?;
    println!("stopped at {} MiB of 64", usage.bytes >> 20);
    ensure(usage.bytes < 128 << 20, || format!("{usage:?}"))?;
    let quick = bench.service.delete_sandbox(&alice).await.map_err(told)?;
    ensure(quick, || "no sandbox".to_owned())?;
    // What is full at once and ends before it is looked at.
    let result = bench
        .run(
            &alice,
            Program::new("bash", "for i in 1 2 3; do head -c 30000000 /dev/zero > f$i; done"),
        )
        .await?;
    ensure(result.verdict == Verdict::DiskFull, || format!("{result:?}"))
}

pub(crate) async fn a_cancelled_run_keeps_what_it_printed(bench: &Bench) -> Result<(), Failed> {
    let program = Program::new("python", "import os\nos.write(1, b'early\\n')\nwhile True: pass");
    let mut run = bench.service.run(RunRequest::new(owner("alice")?, program));
    while !matches!(run.next().await, Some(Progress::Stdout(_)) | None) {}
    run.cancel();
    let result = run.outcome().await.map_err(told)?;
    ensure(
        result.verdict == Verdict::Cancelled && result.stdout.to_text() == "early\n",
        || format!("{result:?}"),
    )
}

pub(crate) async fn much_output_is_bounded(bench: &Bench) -> Result<(), Failed> {
    let mut run = bench
        .service
        .run(RunRequest::new(owner("alice")?, Program::new("bash", "yes")));
    let mut seen = 0;
    while let Some(progress) = run.next().await {
        if let Progress::Stdout(chunk) = progress {
            seen += chunk.len();
        }
    }
    let result = run.outcome().await.map_err(told)?;
    ensure(result.verdict == Verdict::OutputLimit && result.is_truncated(), || {
        format!("{:?}", result.verdict)
    })?;
    ensure(result.stdout.bytes.len() == 1 << 20 && seen <= 16 << 20, || {
        format!("{} {seen}", result.stdout.bytes.len())
    })
}

pub(crate) async fn a_one_shot_run_leaves_nothing(bench: &Bench) -> Result<(), Failed> {
    let request = RunRequest::new(
        owner("alice")?,
        Program::new("bash", "echo x > made.txt; (sleep 1000; echo y > late.txt) &"),
    );
    let result = bench
        .service
        .run(request.with_one_shot(true))
        .outcome()
        .await
        .map_err(told)?;
    ensure(result.verdict.is_ok() && result.artifacts.files.len() == 1, || {
        format!("{result:?}")
    })?;
    // While somebody has the result, what was made can still be read.
    drop(result);
    let owners = bench.directory.path().join("base/workspaces/owners");
    bench
        .until("the workspace is gone", async |_| {
            std::fs::read_dir(&owners).is_ok_and(|mut left| left.next().is_none())
        })
        .await
}

pub(crate) async fn deleting_ends_what_runs(bench: &Bench) -> Result<(), Failed> {
    let alice = owner("alice")?;
    let program = Program::new("bash", "mkdir d; while :; do echo x > d/$RANDOM; done");
    let mut run = bench.service.run(RunRequest::new(alice.clone(), program));
    while !matches!(run.next().await, Some(Progress::Started { .. }) | None) {}
    ensure(bench.service.delete_sandbox(&alice).await.map_err(told)?, || {
        "no sandbox".to_owned()
    })?;
    let result = run.outcome().await.map_err(told)?;
    ensure(result.verdict == Verdict::Cancelled, || format!("{result:?}"))?;
    let owners = std::fs::read_dir(bench.directory.path().join("base/workspaces/owners"))?.count();
    ensure(owners == 0 && bench.service.sandbox(&alice).await.is_err(), || {
        format!("{owners} left")
    })
}
