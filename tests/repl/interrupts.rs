//! Ctrl-C.

use libtest_mimic::Failed;

use crate::bench::Bench;

const CTRL_C: &str = "\u{3}";

pub(crate) fn ctrl_c_interrupts_the_program_alone(bench: &Bench) -> Result<(), Failed> {
    for (language, keep, endless, show) in [
        (
            "python",
            "x = 42; print('ke' + 'pt')",
            "print('be' + 'gun'); [0 for _ in iter(int, 1)]",
            "x",
        ),
        (
            "node",
            "let x = 42; 'ke' + 'pt'",
            "console.log('be' + 'gun'); while (true);",
            "x",
        ),
        (
            "bash",
            "x=42; echo ke''pt",
            "echo be''gun; while :; do :; done",
            "echo $x",
        ),
        ("bash", "x=42; echo ke''pt", "echo be''gun; sleep 1000", "echo $x"),
    ] {
        let mut terminal = bench.terminal(language)?;
        let prompt = format!("{language}> ");
        terminal.ask(keep, "kept")?;
        terminal.expect(&prompt)?;
        // While nothing runs it gives up the line.
        terminal.send(&format!("nonsense{CTRL_C}"))?;
        terminal.expect(&prompt)?;
        terminal.ask(endless, "begun")?;
        terminal.send(CTRL_C)?;
        terminal.expect(&prompt)?;
        terminal.ask(show, "42")?;
        terminal.expect(&prompt)?;
        terminal.leave()?;
    }
    Ok(())
}

pub(crate) fn a_program_that_does_not_heed_it_is_ended_by_the_second(bench: &Bench) -> Result<(), Failed> {
    let mut terminal = bench.terminal("bash")?;
    terminal.ask("x=42", "bash> ")?;
    terminal.ask(
        "trap 'echo he''ard' INT; echo be''gun; while :; do sleep 0.1; done",
        "begun",
    )?;
    terminal.send(CTRL_C)?;
    terminal.expect("heard")?;
    terminal.send(CTRL_C)?;
    terminal.expect("a new interpreter starts")?;
    terminal.expect("bash> ")?;
    terminal.ask("echo ${x:-no''thing}", "nothing")?;
    terminal.expect("bash> ")?;
    terminal.leave()
}
