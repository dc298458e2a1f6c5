//! Ends that are not the program's own, and what they leave: nothing.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use inline_tests::environment::patient;
use libtest_mimic::Failed;

use crate::bench::{Bench, signal, until};
use crate::ensure;

/// Starts a program that does not end, and returns when it runs.
fn endless(bench: &Bench, options: &[&str]) -> Result<Child, Failed> {
    let code = ["-c", "trap '' TERM; echo begun; while :; do sleep 1; done"];
    let line = [&["run", "--timeout", "100", "--language", "bash"], options, &code].concat();
    let mut child = bench.command(&line)?.spawn()?;
    let mut begun = [0; 6];
    let read = child.stdout.as_mut().ok_or("no output")?.read_exact(&mut begun);
    if read.is_err() {
        let output = child.wait_with_output()?;
        return Err(format!("{output:?}").into());
    }
    Ok(child)
}

pub(crate) fn signals_cancel_and_leave_nothing(bench: &Bench) -> Result<(), Failed> {
    for (name, code, options) in [
        ("INT", 130, &[][..]),
        ("TERM", 143, &["--owner", "alice"]),
        ("HUP", 129, &["--owner", "alice"]),
    ] {
        let mut child = endless(bench, options)?;
        let begun = Instant::now();
        signal(&child, name)?;
        let status = child.wait()?;
        ensure(status.code() == Some(code), || format!("{name}: {status}"))?;
        ensure(begun.elapsed() < patient(Duration::from_secs(30))?, || {
            format!("{name}: after {:?}", begun.elapsed())
        })?;
        let left = bench.containers()?;
        ensure(left.is_empty(), || format!("{name}: {left:?}"))?;
    }
    let program = "import time; open('begun-here', 'w').close(); time.sleep(1000)";
    let child = bench
        .command(&["run", "--json", "--owner", "alice", "-c", program])?
        .spawn()?;
    until("the program", || Ok(is_below(bench.directory.path(), "begun-here")))?;
    signal(&child, "INT")?;
    let output = child.wait_with_output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    ensure(
        output.status.code() == Some(130) && told.contains(r#""verdict":"cancelled""#),
        || format!("{output:?}"),
    )
}

pub(crate) fn a_reader_that_goes_away_ends_the_program(bench: &Bench) -> Result<(), Failed> {
    let mut child = bench
        .command(&["run", "--language", "bash", "-c", "while :; do echo x; done"])?
        .spawn()?;
    let mut first = [0; 2];
    child.stdout.as_mut().ok_or("no output")?.read_exact(&mut first)?;
    drop(child.stdout.take());
    let output = child.wait_with_output()?;
    ensure(output.status.code() == Some(141) && output.stderr.is_empty(), || {
        format!("{output:?}")
    })
}

pub(crate) fn many_run_at_once(bench: &Bench) -> Result<(), Failed> {
    let start = |number: u32| {
        bench
            .command(&["run", "-c", &format!("print({number})")])?
            .spawn()
            .map_err(Failed::from)
    };
    let children: Vec<_> = (0..4).map(start).collect::<Result<_, _>>()?;
    for (number, child) in children.into_iter().enumerate() {
        let output = child.wait_with_output()?;
        ensure(output.stdout == format!("{number}\n").as_bytes(), || {
            format!("{output:?}")
        })?;
    }
    // A sandbox is one process's at a time.
    let mut child = endless(bench, &["--owner", "alice"])?;
    let output = bench.run(&["run", "--owner", "alice", "-c", ""])?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure(
        output.status.code() == Some(125) && told.contains("is in use by another process"),
        || told.to_string(),
    )?;
    let cleared = bench.run(&["gc"])?;
    let told = String::from_utf8_lossy(&cleared.stderr);
    ensure(cleared.status.success() && told.contains("are in use"), || {
        told.to_string()
    })?;
    signal(&child, "INT")?;
    child.wait()?;
    Ok(())
}

pub(crate) fn what_a_killed_one_leaves_is_cleared_up(bench: &Bench) -> Result<(), Failed> {
    for options in [&[][..], &["--owner", "alice"]] {
        let mut child = endless(bench, options)?;
        signal(&child, "KILL")?;
        child.wait()?;
        let printed = bench.printed(&["gc"])?;
        let left = bench.containers()?;
        // Without an engine a container ends with the program that made it.
        let has_container = bench.engine.driver() != "embedded";
        ensure(
            printed.starts_with("removed 1 container,") == has_container && left.is_empty(),
            || format!("{printed} {left:?}"),
        )?;
    }
    let mut child = endless(bench, &[])?;
    signal(&child, "KILL")?;
    child.wait()?;
    let printed = bench.printed(&["run", "-c", "print('next')"])?;
    ensure(printed == "next\n", || printed)
}

/// Returns whether a file of this name is anywhere below a directory.
fn is_below(directory: &Path, name: &str) -> bool {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| {
        path.file_name().is_some_and(|own| own == name)
            || (path.is_dir() && !path.is_symlink() && is_below(&path, name))
    })
}
