//! `inline run`.

use std::fs;
use std::io::Read;

use inline_tests::environment::patience;
use libtest_mimic::Failed;
use serde_json::Value;

use crate::bench::Bench;
use crate::ensure;

/// The exit code for what is not the program's own failure.
const RUN_FAILURE: i32 = 125;

pub(crate) fn a_program_prints_its_output_alone_and_gives_its_code(bench: &Bench) -> Result<(), Failed> {
    for (language, code, stdout, stderr, exit_code) in [
        ("python", "6 * 7", "42\n", "", 0),
        ("node", "console.log(6 * 7); process.exit(4)", "42\n", "", 4),
        ("bash", "echo 42; echo é >&2; exit 5", "42\n", "é\n", 5),
        (
            "bash",
            "kill -9 $$",
            "",
            "inline: the program was killed (SIGKILL)\n",
            137,
        ),
    ] {
        let output = bench.run(&["run", "--language", language, "-c", code])?;
        let is_right = output.stdout == stdout.as_bytes()
            && output.stderr == stderr.as_bytes()
            && output.status.code() == Some(exit_code);
        ensure(is_right, || format!("{code}: {output:?}"))?;
    }
    // What is printed comes while the program runs.
    let mut child = bench
        .command(&["run", "-c", "print('early')\nimport time; time.sleep(20)"])?
        .spawn()?;
    let mut stdout = child.stdout.take().ok_or("no output")?;
    let mut early = [0; 6];
    stdout.read_exact(&mut early)?;
    let is_running = child.try_wait()?.is_none();
    crate::bench::signal(&child, "INT")?;
    child.wait()?;
    ensure(&early == b"early\n" && is_running, || {
        "the output came with the end".to_owned()
    })?;

    let timeout = patience()?.to_string();
    let output = bench.run(&["run", "--timeout", &timeout, "-c", "print('early')\nwhile True: pass"])?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure(output.status.code() == Some(124) && output.stdout == b"early\n", || {
        format!("{output:?}")
    })?;
    ensure(
        told == format!("inline: the program took too long and was stopped, after {timeout} s\n"),
        || told.to_string(),
    )
}

pub(crate) fn one_json_object_tells_all(bench: &Bench) -> Result<(), Failed> {
    let fill = "for i in 1 2 3; do head -c 30000000 /dev/zero > f$i; done";
    let mut cases = vec![
        (
            "python",
            "open('made.txt', 'w').write('xyz'); print('é')",
            "ok",
            Some(0),
            None,
        ),
        ("python", "import sys; sys.exit(3)", "non_zero", Some(3), None),
        ("bash", "kill -11 $$", "signal", None, Some(11)),
        ("bash", "while :; do :; done", "timeout", None, None),
        ("bash", "yes", "output_limit", None, None),
        ("bash", fill, "disk_full", Some(0), None),
    ];
    // Without control groups there is no OOM killer, and python sees the limit itself.
    if bench.engine.is_rlimit() {
        cases.push(("python", "b'x' * 10**9", "non_zero", Some(1), None));
    } else {
        cases.push(("python", "b'x' * 10**9", "out_of_memory", None, None));
    }
    let timeout = (3 * patience()?).to_string();
    for (language, code, verdict, exit_code, signal) in cases {
        let output = bench.run(&[
            "run",
            "--json",
            "--timeout",
            &timeout,
            "--language",
            language,
            "-c",
            code,
        ])?;
        let told: Value = serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}: {output:?}"))?;
        let keys: Vec<_> = told
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys().map(String::as_str))
            .collect();
        let mut expected = [
            "verdict",
            "exit_code",
            "signal",
            "stdout",
            "stderr",
            "truncated",
            "wall_ms",
            "cpu_ms",
            "peak_memory_bytes",
            "driver",
            "warm",
            "artifacts",
        ];
        expected.sort_unstable();
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        ensure(sorted == expected, || format!("{keys:?}"))?;
        ensure(told["verdict"] == verdict, || format!("{code}: {told}"))?;
        let is_program = ["ok", "non_zero", "signal"].contains(&verdict);
        let is_right = !is_program || (told["exit_code"].as_i64() == exit_code && told["signal"].as_i64() == signal);
        ensure(is_right && told["wall_ms"].is_number() && told["warm"] == false, || {
            format!("{code}: {told}")
        })?;
        ensure(output.stderr.is_empty(), || format!("{output:?}"))?;
        if verdict == "ok" {
            let made = serde_json::json!([{"path": "made.txt", "size": 3}]);
            ensure(
                told["artifacts"] == made && told["stdout"] == "é\n" && told["truncated"] == false,
                || told.to_string(),
            )?;
        }
        if verdict == "output_limit" {
            ensure(told["truncated"] == true, || "not truncated".to_owned())?;
        }
    }
    Ok(())
}

pub(crate) fn a_program_gets_files_input_and_arguments(bench: &Bench) -> Result<(), Failed> {
    let here = bench.directory.path();
    fs::create_dir(here.join("data"))?;
    fs::write(here.join("data/in.csv"), "1\n2\n")?;
    fs::write(here.join("names.txt"), "b\na\n")?;
    fs::write(
        here.join("sum.py"),
        "import sys\nprint(open('data/in.csv').read(), sys.argv[1:], sorted(sys.stdin))",
    )?;
    fs::write(here.join("fail.js"), "const x = 1;\nthrow new Error('here');\n")?;
    let line = [
        "run",
        "--file",
        "./data/in.csv",
        "--stdin",
        "names.txt",
        "sum.py",
        "--",
        "--flag",
        "a b",
    ];
    let printed = bench.printed(&line)?;
    ensure(printed == "1\n2\n ['--flag', 'a b'] ['a\\n', 'b\\n']\n", || printed)?;
    let output = bench.run_with(&["run", "-"], b"print(6 * 7)")?;
    ensure(output.stdout == b"42\n", || format!("{output:?}"))?;
    let output = bench.run_with(&["run", "--stdin", "-", "-c", "print(input())"], b"typed\n")?;
    ensure(output.stdout == b"typed\n", || format!("{output:?}"))?;
    // The last expression of a script is not printed, as that of what is typed is.
    fs::write(here.join("quiet.py"), "6 * 7\n")?;
    let printed = bench.printed(&["run", "quiet.py"])?;
    ensure(printed.is_empty(), || printed)?;
    // Tracebacks have the user's own file.
    let output = bench.run(&["run", "fail.js"])?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure(told.contains("fail.js:2") && output.status.code() == Some(1), || {
        told.to_string()
    })
}

pub(crate) fn what_cannot_be_run_is_told_before_anything_runs(bench: &Bench) -> Result<(), Failed> {
    fs::write(bench.directory.path().join("Makefile"), "all:\n")?;
    fs::write(bench.directory.path().join("latin.py"), b"print('\xe9')\n")?;
    for (arguments, told) in [
        (
            &["run", "missing.py"][..],
            "reading `missing.py` was refused by the operating system\n  caused by: No such file",
        ),
        (&["run", "Makefile"], "hint: name it with `--language`"),
        (&["run", "latin.py"], "is not UTF-8"),
        (
            &["run", "--language", "cobol", "-c", ""],
            "language `cobol` is not known; there are: bash, node, python",
        ),
        (&["run", "--memory", "1k", "-c", ""], "limit `memory` cannot be 1024"),
        (
            &["run", "--owner", "once:x", "-c", ""],
            "the service keeps this kind for itself",
        ),
        (
            &["run", "--config", "missing.toml", "-c", ""],
            "cannot read the configuration file `missing.toml`",
        ),
        (&["run", "-", "--stdin", "-"], "hint: give one of them as a file"),
    ] {
        let output = bench.run(arguments)?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        let is_right = stderr.contains(told) && output.stdout.is_empty() && output.status.code() == Some(RUN_FAILURE);
        ensure(is_right, || format!("{arguments:?}: {output:?}"))?;
    }
    // An odd command line is clap's to tell.
    for arguments in [
        &["run"][..],
        &["run", "-c", "", "a.py"],
        &["run", "--timeout", "soon", "-c", ""],
        &["files", "list"],
    ] {
        let output = bench.run(arguments)?;
        ensure(output.status.code() == Some(2), || format!("{arguments:?}: {output:?}"))?;
    }
    bench.configure("limits.memry = '1m'\n")?;
    let output = bench.run(&["run", "-c", ""])?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure(told.ends_with("hint: did you mean `limits.memory`?\n"), || {
        told.to_string()
    })
}
