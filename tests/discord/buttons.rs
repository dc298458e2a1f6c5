//! The buttons below an answer, and who may press them.

use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;
use crate::server::{Input, Person, Place};
use crate::view::View;

const ALICE: Person = Person::ALICE;
pub(crate) use crate::crowds::one_at_a_time;

const LONG: &str = "print('begun', flush=True)\nimport time\ntime.sleep(60)";

/// Starts a program that takes long, and returns the interaction with its answer.
async fn begun(bench: &Bench) -> Result<(u64, View), Failed> {
    let asked = bench
        .discord
        .command(ALICE, Place::GENERAL, "il py", &[("code", Input::Text(LONG))])?;
    let has_begun = |view: &View| view.has_button("Stop") && view.content.contains("begun");
    let view = bench.shown(asked, "a button to stop", has_begun).await?;
    Ok((asked, view))
}

/// Presses a button as one who may not, who is told so alone.
async fn refused(bench: &Bench, message: u64, label: &str) -> Result<(), Failed> {
    let before = bench.discord.look(|state| state.messages.get(&message).map(View::of));
    let pressed = bench.discord.press(Person::BOB, message, label)?;
    let told = bench.answer(pressed).await?;
    ensure(told.is_private && told.id != message, || format!("{label}: {told:?}"))?;
    let after = bench.discord.look(|state| state.messages.get(&message).map(View::of));
    ensure(
        before.is_some() && before.map(|view| view.buttons) == after.map(|view| view.buttons),
        || format!("`{label}` did something for somebody else"),
    )
}

pub(crate) async fn stop_ends_the_program(bench: &Bench) -> Result<(), Failed> {
    for person in [ALICE, Person::MONA] {
        let (asked, view) = begun(bench).await?;
        if person == ALICE {
            refused(bench, view.id, "Stop").await?;
        }
        bench.discord.press(person, view.id, "Stop")?;
        let view = bench.answer(asked).await?;
        ensure(view.content.contains("begun") && view.has_button("Rerun"), || {
            format!("{view:?}")
        })?;
    }
    // The command stops the caller's own.
    let (asked, _) = begun(bench).await?;
    bench.ask(ALICE, "il stop", &[]).await?;
    let view = bench.answer(asked).await?;
    ensure(view.content.contains("begun"), || format!("{view:?}"))
}

pub(crate) async fn stop_ends_what_waits_and_nothing_twice(bench: &Bench) -> Result<(), Failed> {
    let (first, running) = begun(bench).await?;
    let options = [("code", Input::Text("print('ran')"))];
    let waiting = bench.discord.command(Person::BOB, Place::GENERAL, "il py", &options)?;
    let view = bench
        .shown(waiting, "a place in the queue", |view| {
            view.has_button("Stop") && view.content.contains("Waiting")
        })
        .await?;
    bench.discord.press(Person::BOB, view.id, "Stop")?;
    let stopped = bench.answer(waiting).await?;
    ensure(
        stopped.content.contains("was stopped") && !stopped.content.contains("ran\n"),
        || format!("{stopped:?}"),
    )?;
    // Two fingers at once; whoever comes too late is told so.
    let presses = [
        bench.discord.press(ALICE, running.id, "Stop")?,
        bench.discord.press(Person::MONA, running.id, "Stop")?,
    ];
    let view = bench.answer(first).await?;
    ensure(view.content.contains("was stopped"), || format!("{view:?}"))?;
    for press in presses {
        bench.called_back(press).await?;
    }
    Ok(())
}

pub(crate) async fn delete_ends_what_runs_in_the_sandbox(bench: &Bench) -> Result<(), Failed> {
    bench.run(ALICE, "bash", "echo kept > kept.txt").await?;
    let (running, _) = begun(bench).await?;
    let question = bench.ask(ALICE, "il delete", &[]).await?;
    let pressed = bench.discord.press(ALICE, question.id, "Delete everything")?;
    bench
        .shown(pressed, "the end of the sandbox", |view| {
            view.content.contains("was deleted")
        })
        .await?;
    let view = bench.answer(running).await?;
    ensure(view.content.contains("was stopped"), || format!("{view:?}"))?;
    let view = bench.ask(ALICE, "il look", &[]).await?;
    ensure(view.content.contains("no sandbox"), || format!("{view:?}"))?;
    // An old question deletes nothing more than is there.
    let question = bench.ask(ALICE, "il delete", &[]).await?;
    ensure(question.buttons.is_empty(), || format!("{question:?}"))
}

pub(crate) async fn rerun_answers_anew(bench: &Bench) -> Result<(), Failed> {
    let view = bench
        .run(ALICE, "py", "import time; print('at', time.time_ns())")
        .await?;
    refused(bench, view.id, "Rerun").await?;
    // A moderator runs it as the one whose it is, who has the file.
    let own = bench.run(ALICE, "bash", "echo again >> own; cat own").await?;
    let pressed = bench.discord.press(Person::MONA, own.id, "Rerun")?;
    let again = bench.answer(pressed).await?;
    ensure(again.content.contains("again\nagain\n"), || format!("{again:?}"))?;
    let pressed = bench.discord.press(ALICE, view.id, "Rerun")?;
    let again = bench.answer(pressed).await?;
    ensure(again.id != view.id && again.content.contains("at "), || {
        format!("{again:?}")
    })?;
    ensure(
        again.content.split_whitespace().nth(7) != view.content.split_whitespace().nth(7),
        || again.content.clone(),
    )
}

pub(crate) async fn delete_takes_the_answer_away(bench: &Bench) -> Result<(), Failed> {
    for (person, private) in [(ALICE, false), (Person::MONA, false), (ALICE, true)] {
        let options = [("code", Input::Text("1")), ("private", Input::Flag(private))];
        let view = bench.ask(ALICE, "il py", &options).await?;
        if !private {
            refused(bench, view.id, "Delete").await?;
        }
        bench.discord.press(person, view.id, "Delete")?;
        let is_gone = |state: &crate::server::State| state.messages.get(&view.id)?.deleted;
        bench
            .discord
            .until("the end of the message", std::time::Duration::from_secs(10), is_gone)
            .await?;
    }
    Ok(())
}

pub(crate) async fn full_output_is_for_who_asks(bench: &Bench) -> Result<(), Failed> {
    let view = bench.run(ALICE, "py", "for n in range(500): print('line', n)").await?;
    refused(bench, view.id, "Full output").await?;
    let pressed = bench.discord.press(ALICE, view.id, "Full output")?;
    let full = bench.answer(pressed).await?;
    let (name, _) = full.files.first().ok_or_else(|| format!("no file: {full:?}"))?;
    let text = String::from_utf8(bench.file(full.id, name)?)?;
    ensure(full.is_private && text.lines().count() == 500, || format!("{full:?}"))
}
