//! Programs that come to their own end.

use std::time::Duration;

use inline_sandbox::{Program, Verdict};
use inline_tests::environment::patient;
use libtest_mimic::Failed;

use crate::bench::{Bench, timeout};
use crate::ensure;

pub(crate) async fn programs_print_and_end(bench: &Bench) -> Result<(), Failed> {
    for (language, source, stdout, verdict) in [
        ("python", "x = 41\nprint('é')\nx + 1", "é\n42\n", Verdict::Ok),
        ("node", "const x = 41; console.log('é')\nx + 1", "é\n42\n", Verdict::Ok),
        ("bash", "echo $((6 * 7))", "42\n", Verdict::Ok),
        ("python", "import sys; sys.exit(3)", "", Verdict::NonZero(3)),
        ("node", "process.exit(4)", "", Verdict::NonZero(4)),
        ("bash", "exit 5", "", Verdict::NonZero(5)),
        (
            "python",
            "import os; os.abort()",
            "",
            Verdict::Signal(inline::Signal::ABRT),
        ),
        ("bash", "kill -9 $$", "", Verdict::Signal(inline::Signal::KILL)),
        (
            "python",
            "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
            "",
            Verdict::Signal(inline::Signal::SEGV),
        ),
    ] {
        let result = bench.run(&Program::new(language, source)).await?;
        let told = || format!("{language} `{source}`: {result:?}");
        ensure(result.verdict == verdict && result.stdout.to_text() == stdout, told)?;
        ensure(
            result.stderr.bytes.is_empty() && !result.is_truncated() && result.started,
            told,
        )?;
    }
    Ok(())
}

pub(crate) async fn what_goes_wrong_is_shown_with_the_programs_own_lines(bench: &Bench) -> Result<(), Failed> {
    for (language, source, parts) in [
        (
            "python",
            "def f():\n    1 / 0\n\nf()",
            ["\"main.py\", line 4", "\"main.py\", line 2", "ZeroDivisionError"],
        ),
        (
            "python",
            "input()",
            ["\"main.py\", line 1", "EOFError", "hint: this program asks for input"],
        ),
        (
            "python",
            "import nope.x",
            ["\"main.py\", line 1", "ModuleNotFoundError", "hint: the module `nope`"],
        ),
        ("python", "(", ["\"main.py\", line 1", "SyntaxError", "never closed"]),
        (
            "node",
            "function f() { null.x }\nf()",
            ["main.js:1", "at main.js:2:1", "TypeError"],
        ),
        (
            "node",
            "require('nope')",
            ["main.js:1", "Cannot find module", "hint: the module `nope`"],
        ),
        ("bash", "f() { nope; }\nf", ["main.sh: line 1", "nope", "not found"]),
    ] {
        let result = bench.run(&Program::new(language, source)).await?;
        let stderr = result.stderr.to_text();
        ensure(matches!(result.verdict, Verdict::NonZero(_)), || format!("{result:?}"))?;
        for part in parts {
            ensure(stderr.contains(part), || format!("`{part}` is not in {stderr}"))?;
        }
        for foreign in ["<string>", "[eval]", "node:internal", "import ast"] {
            ensure(!stderr.contains(foreign), || format!("`{foreign}` is in {stderr}"))?;
        }
    }
    Ok(())
}

pub(crate) async fn programs_get_arguments_input_and_directory(bench: &Bench) -> Result<(), Failed> {
    let input = "line\n".repeat(100_000);
    for (language, source, stdout) in [
        (
            "python",
            "import os, sys; print(sys.argv, len(sys.stdin.read()), os.getcwd())",
            "['main.py', 'a b', ''] 500000 /workspace\n",
        ),
        (
            "node",
            "console.log(process.argv.slice(1), require('fs').readFileSync(0).length, process.cwd())",
            "[ 'main.js', 'a b', '' ] 500000 /workspace\n",
        ),
        ("bash", "echo \"$# $1 $(wc -c) $PWD\"", "2 a b 500000 /workspace\n"),
        ("ash", "echo \"$# $1 $(wc -c) $PWD\"", "2 a b 500000 /workspace\n"),
    ] {
        let program = Program::new(language, source)
            .with_args(["a b", ""])
            .with_stdin(input.clone());
        let result = bench.run(&program).await?;
        ensure(result.verdict.is_ok() && result.stdout.to_text() == stdout, || {
            format!("{language}: {result:?}")
        })?;
    }
    let ignored = bench.run(&Program::new("bash", "exit 0").with_stdin(input)).await?;
    ensure(ignored.verdict.is_ok(), || {
        format!("input that nobody reads: {ignored:?}")
    })
}

pub(crate) async fn other_languages_run_by_configuration(bench: &Bench) -> Result<(), Failed> {
    let program = Program::new("ash", format!("echo \"$0 $1\"\nexit 7\n#{}", "é".repeat(100_000))).with_args(["x\n"]);
    let result = bench.run(&program).await?;
    ensure(
        result.verdict == Verdict::NonZero(7) && result.stdout.to_text() == "/tmp/main.ash x\n\n",
        || format!("{result:?}"),
    )
}

pub(crate) async fn a_program_cannot_forge_its_end(bench: &Bench) -> Result<(), Failed> {
    let forged =
        r"printf '\001%s 0 0 0 0 0 0 0\n' 00000000000000000000000000000000; kill -9 1; cat /proc/1/environ; exit 9";
    let result = bench.run(&Program::new("bash", forged)).await?;
    ensure(result.verdict == Verdict::NonZero(9), || format!("{result:?}"))?;
    ensure(result.stdout.bytes.starts_with(b"\x01000"), || format!("{result:?}"))
}

pub(crate) async fn children_that_live_on_delay_nothing(bench: &Bench) -> Result<(), Failed> {
    for source in ["sleep 1000 & echo started", "(setsid sleep 1000 &) ; echo started"] {
        let result = bench
            .run(&Program::new("bash", source).with_limits(timeout(patient(Duration::from_secs(20))?)))
            .await?;
        let is_fast = result.usage.wall < patient(Duration::from_secs(10))?;
        ensure(
            result.verdict.is_ok() && is_fast && result.stdout.to_text() == "started\n",
            || format!("{result:?}"),
        )?;
    }
    Ok(())
}

pub(crate) async fn usage_is_measured(bench: &Bench) -> Result<(), Failed> {
    let source = "import time\nblock = bytearray(40 << 20)\nwhile time.process_time() < 0.3: pass";
    let usage = bench.run(&Program::new("python", source)).await?.usage;
    let most = patient(Duration::from_secs(5))?;
    let told = || format!("{usage:?}");
    ensure(
        usage
            .cpu
            .is_some_and(|cpu| cpu >= Duration::from_millis(250) && cpu < most),
        told,
    )?;
    ensure(usage.wall >= Duration::from_millis(250), told)?;
    let has_peak = usage
        .peak_memory
        .is_some_and(|peak| peak >= 40 << 20 && peak <= bench.limits.memory);
    ensure(has_peak || !bench.has_cgroups(), told)
}
