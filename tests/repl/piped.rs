//! A program on standard input.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use libtest_mimic::Failed;

use crate::bench::{Bench, program, signal};
use crate::ensure;

pub(crate) fn programs_print_their_output_alone(bench: &Bench) -> Result<(), Failed> {
    for (language, program) in [
        ("python", "print(6*7)\n"),
        ("node", "console.log(6*7)\n"),
        ("bash", "echo $((6*7))\n"),
        ("python", "print(42)\n6*7"),
    ] {
        let output = bench.pipe(language, program)?;
        ensure(output.stdout == b"42\n" && output.status.success(), || {
            format!("{language}: {output:?}")
        })?;
        ensure(output.stderr.is_empty(), || {
            format!("{language} printed to standard error: {output:?}")
        })?;
    }
    Ok(())
}

pub(crate) fn programs_give_their_exit_code(bench: &Bench) -> Result<(), Failed> {
    for (language, program, code) in [
        ("python", "import sys; print('é', file=sys.stderr); sys.exit(3)", 3),
        ("node", "process.exit(4)", 4),
        ("bash", "exit 5", 5),
        ("bash", "kill -9 $$", 137),
        ("python", "1/0", 1),
    ] {
        let output = bench.pipe(language, program)?;
        ensure(output.status.code() == Some(code), || {
            format!("{language}: not {code}: {output:?}")
        })?;
    }
    Ok(())
}

pub(crate) fn a_long_program_that_ends_early_is_no_error(bench: &Bench) -> Result<(), Failed> {
    let program = format!("echo early; exit 5\n{}", "# more\n".repeat(100_000));
    let output = bench.pipe("bash", program)?;
    ensure(output.stdout == b"early\n" && output.status.code() == Some(5), || {
        format!("{:?}", output.status)
    })
}

pub(crate) fn a_signal_ends_the_program(bench: &Bench) -> Result<(), Failed> {
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let mut child = bench.start("bash")?;
        child
            .stdin
            .take()
            .ok_or("no input")?
            .write_all(b"echo on; sleep 1000")?;
        child.stdout.as_mut().ok_or("no output")?.read_exact(&mut [0; 3])?;
        signal(&child, name)?;
        let status = child.wait()?;
        ensure(status.code() == Some(code), || format!("{name}: {status}"))?;
        let left = bench.containers()?;
        ensure(left.is_empty(), || format!("{name}: {left:?}"))?;
    }
    Ok(())
}

pub(crate) fn what_cannot_be_done_is_told_with_the_cure(bench: &Bench) -> Result<(), Failed> {
    let told = |language: &str, program: &[u8], parts: &[&str]| {
        let output = bench.pipe(language, program)?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure(output.status.code() == Some(1) && output.stdout.is_empty(), || {
            format!("{output:?}")
        })?;
        let missing = parts.iter().find(|part| !told.contains(*part));
        ensure(missing.is_none(), || format!("{missing:?} is not in {told}"))
    };
    told(
        "ruby",
        b"puts 42",
        &["language `ruby` is not known", "bash, node, python"],
    )?;
    told("bash", b"echo \xff", &["not UTF-8"])?;
    let long = "# too long\n".repeat(100_000);
    told("bash", long.as_bytes(), &["1048576 are allowed", "hint: "])
}

pub(crate) fn without_an_engine_it_runs_on_this_machine(bench: &Bench) -> Result<(), Failed> {
    let nowhere = "unix:///nonexistent/engine.sock";
    let mut child = Command::new(program()?)
        .args(["--language", "bash"])
        .env_clear()
        .env("HOME", bench.directory.path())
        .env("DOCKER_HOST", nowhere)
        .env("CONTAINER_HOST", nowhere)
        .env("PATH", "/usr/bin:/bin")
        .current_dir(bench.directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(b"echo $((6*7))")?;
    }
    let output = child.wait_with_output()?;
    ensure(output.stdout == b"42\n" && output.status.success(), || {
        format!("{output:?}")
    })
}

pub(crate) fn a_named_engine_that_does_not_answer_is_told(_bench: &Bench) -> Result<(), Failed> {
    let nowhere = "unix:///nonexistent/engine.sock";
    let output = Command::new(program()?)
        .args(["--driver", "docker"])
        .env_clear()
        .env("DOCKER_HOST", nowhere)
        .stdin(Stdio::null())
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure(output.status.code() == Some(1) && output.stdout.is_empty(), || {
        format!("{output:?}")
    })?;
    for part in ["/nonexistent/engine.sock", "hint: "] {
        ensure(told.contains(part), || format!("`{part}` is not in {told}"))?;
    }
    Ok(())
}
