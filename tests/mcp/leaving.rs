//! A client that leaves: what it had running ends at once, and nothing is left of it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use inline_tests::environment::patient;
use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::bench::{ALICE, Bench};
use crate::ensure;
use crate::exchange::{Request, initialize, open_session};

/// How long a program may go on when nobody waits for it, times `INLINE_TEST_PATIENCE`.
const TO_END: Duration = Duration::from_millis(1_500);
/// The library would give calls 5 s to end by themselves.
const SERVER_TO_END: Duration = Duration::from_secs(4);
/// How long something else may take, times `INLINE_TEST_PATIENCE`.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn what_it_had_running_ends(bench: &Bench) -> Result<(), Failed> {
    closes_its_output(bench)?;
    closes_its_input(bench)?;
    ends_its_session(bench)
}

fn closes_its_output(bench: &Bench) -> Result<(), Failed> {
    let beat = "output";
    let (child, stdin, stdout) = running(bench, beat)?;
    drop(stdin);
    ended(bench, beat, child, stdout)
}

fn closes_its_input(bench: &Bench) -> Result<(), Failed> {
    let beat = "input";
    let (child, stdin, stdout) = running(bench, beat)?;
    drop(stdout);
    ended(bench, beat, child, stdin)
}

fn ends_its_session(bench: &Bench) -> Result<(), Failed> {
    let beat = "session";
    let server = bench.serve()?;
    let id = open_session(server.address, ALICE)?;
    let _stream = Request::post(ALICE, &exec(beat)).session(&id).stream(server.address)?;
    begun(bench, beat)?;
    let ended = Request::post(ALICE, &json!({}))
        .method("DELETE")
        .session(&id)
        .send(server.address)?;
    ensure(ended.status == 204, || format!("{ended:?}"))?;
    beats_no_more(bench, beat)?;
    server.stop()
}

/// Asks for a program that writes to the file `beat` for as long as it lives, and says so.
fn exec(beat: &str) -> Value {
    let code = format!("while :; do echo x >> {beat}; echo y; sleep 0.01; done");
    let arguments = json!({ "language": "bash", "code": code });
    let params = json!({ "name": "sandbox_exec", "arguments": arguments, "_meta": { "progressToken": 1 } });
    json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params })
}

/// Starts a server on pipes, and in it a program.
fn running(bench: &Bench, beat: &str) -> Result<(Child, ChildStdin, BufReader<ChildStdout>), Failed> {
    let mut child = bench
        .command(&["mcp", "--owner", "mcp:alice"])?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    let mut stdout = BufReader::new(child.stdout.take().ok_or("no standard output")?);
    writeln!(stdin, "{}", initialize())?;
    stdout.read_line(&mut String::new())?;
    writeln!(stdin, r#"{{"jsonrpc":"2.0","method":"notifications/initialized"}}"#)?;
    writeln!(stdin, "{}", exec(beat))?;
    begun(bench, beat)?;
    Ok((child, stdin, stdout))
}

/// Waits for the program's first beat.
fn begun(bench: &Bench, beat: &str) -> Result<(), Failed> {
    let deadline = Instant::now() + patient(PATIENCE)?;
    while beats(&bench.base(), beat) == 0 {
        ensure(Instant::now() < deadline, || "the program does not begin".to_owned())?;
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Checks that the program has ended, and then the server; `_open` is the pipe that the client has not closed.
fn ended(bench: &Bench, beat: &str, mut child: Child, _open: impl Sized) -> Result<(), Failed> {
    let left = Instant::now();
    beats_no_more(bench, beat)?;
    let deadline = left + patient(SERVER_TO_END)?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Err("the server waits for a client that has left".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    ensure(status.success(), || format!("it ended with {status}"))
}

/// Checks that the program beats no more.
fn beats_no_more(bench: &Bench, beat: &str) -> Result<(), Failed> {
    std::thread::sleep(patient(TO_END)?);
    let before = beats(&bench.base(), beat);
    std::thread::sleep(Duration::from_millis(300));
    let after = beats(&bench.base(), beat);
    ensure(before > 0 && before == after, || {
        format!("the program goes on: {before} bytes, then {after}")
    })
}

/// Returns how much the program has written, wherever its sandbox is.
fn beats(directory: &Path, beat: &str) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let of_entry = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => beats(&entry.path(), beat),
        _ if entry.file_name() == beat => entry.metadata().map_or(0, |metadata| metadata.len()),
        _ => 0,
    };
    entries.flatten().map(of_entry).sum()
}
