//! The loop on a terminal.

use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::bench::{Bench, deadline};
use crate::ensure;

pub(crate) fn variables_live_and_the_last_expression_is_echoed(bench: &Bench) -> Result<(), Failed> {
    for (language, first, second) in [
        ("python", "x = 20", "x * 2 + 2"),
        ("node", "let x = 20", "x * 2 + 2"),
        ("bash", "x=20", "echo $((x * 2 + 2))"),
        // The prompt comes on a line of its own, not over the output.
        ("bash", "x=20", "printf %s $((x * 2 + 2))"),
    ] {
        let mut terminal = bench.terminal(language)?;
        terminal.ask(first, &format!("{language}> "))?;
        terminal.ask(second, "42\r\n")?;
        terminal.expect(&format!("{language}> "))?;
        terminal.leave()?;
    }
    Ok(())
}

pub(crate) fn languages_change(bench: &Bench) -> Result<(), Failed> {
    let mut terminal = bench.terminal("python")?;
    terminal.ask(":help", ":reset")?;
    terminal.ask(":limits", "256 MiB")?;
    terminal.expect("can enforce")?;
    terminal.ask(":lang", "bash, node, python")?;
    terminal.ask(":lang ruby", "language `ruby` is not known")?;
    terminal.ask(":nonsense", "no command `:nonsense`")?;
    terminal.ask("x = 41", "python> ")?;
    terminal.ask(":lang sh", "bash> ")?;
    terminal.ask("echo $((6 * 7)) > answer", "bash> ")?;
    terminal.ask(":lang python", "python> ")?;
    terminal.ask("x + 1", "42")?;
    terminal.ask("open('answer').read()", "'42\\n'")?;
    terminal.ask(":reset", "python> ")?;
    terminal.ask("x", "NameError")?;
    terminal.ask("if True:\r    print('a' + 'b')\r", "ab")?;
    terminal.expect("python> ")?;
    terminal.leave()
}

pub(crate) fn what_is_typed_meanwhile_waits(bench: &Bench) -> Result<(), Failed> {
    let mut terminal = bench.terminal("bash")?;
    terminal.send("x=20\rx=$((x * 2))\rsleep 1\recho $((x + 2))\r")?;
    terminal.expect("42\r\n")?;
    terminal.expect("bash> ")?;
    terminal.leave()
}

pub(crate) fn an_interpreter_that_ends_is_started_again(bench: &Bench) -> Result<(), Failed> {
    let mut terminal = bench.terminal("python")?;
    terminal.ask("exit(3)", "exit code 3")?;
    terminal.expect("python> ")?;
    terminal.ask("6 * 7", "42")?;
    terminal.expect("python> ")?;
    terminal.leave()
}

pub(crate) fn two_at_a_time_do_not_meet(bench: &Bench) -> Result<(), Failed> {
    let (mut one, mut other) = (bench.terminal("bash")?, bench.terminal("bash")?);
    one.ask("x=41; echo 1 > one", "bash> ")?;
    other.ask("echo $((x + 1)) *", "1 *")?;
    other.expect("bash> ")?;
    other.leave()?;
    one.ask("echo $((x + 1)) *", "42 one")?;
    one.expect("bash> ")?;
    one.leave()
}

pub(crate) fn what_a_killed_one_leaves_is_removed_by_the_next(bench: &Bench) -> Result<(), Failed> {
    let mut terminal = bench.terminal("bash")?;
    terminal.ask("trap '' HUP; echo $HOSTNAME''-here > left; cat left", "-here")?;
    ensure(bench.containers()?.len() == 1 && bench.workspaces() == 1, || {
        "no container, or no workspace".to_owned()
    })?;
    terminal.signal_program("KILL")?;
    terminal.child.wait()?;
    ensure(bench.workspaces() == 1, || "no workspace".to_owned())?;
    let mut next = bench.terminal("bash")?;
    next.ask("echo ''files: *", "files: *\r\n")?;
    next.expect("bash> ")?;
    ensure(bench.containers()?.len() == 1, || "a container is left".to_owned())?;
    next.leave()
}

pub(crate) fn a_terminal_that_goes_away_leaves_nothing(bench: &Bench) -> Result<(), Failed> {
    for name in ["HUP", "TERM"] {
        let mut terminal = bench.terminal("bash")?;
        terminal.ask("echo be''gun; sleep 1000", "begun")?;
        terminal.signal_program(name)?;
        let deadline = deadline()?;
        while terminal.child.try_wait()?.is_none() {
            ensure(Instant::now() < deadline, || format!("{name} did not end it"))?;
            std::thread::sleep(Duration::from_millis(50));
        }
        let left = bench.containers()?;
        ensure(left.is_empty() && bench.workspaces() == 0, || {
            format!("{name}: {left:?}")
        })?;
    }
    Ok(())
}
