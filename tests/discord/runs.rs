//! Programs from commands: in each language, from each source, with each kind of output.

use std::time::Duration;

use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;
use crate::server::{Input, Person, Place};

const ALICE: Person = Person::ALICE;
/// The least time between two edits of one answer.
const EDITS_APART: Duration = Duration::from_secs(3);

pub(crate) async fn each_language_runs_and_its_answer_is_shown(bench: &Bench) -> Result<(), Failed> {
    for (language, code) in [
        ("py", "6 * 7"),
        ("node", "console.log(6 * 7)"),
        ("bash", "echo $((6 * 7))"),
        ("py", "```py\nprint(6 * 7)\n```"),
        ("py", "`print(6 * 7)`"),
    ] {
        let view = bench.run(ALICE, language, code).await?;
        ensure(view.content.contains("\n42\n") && !view.is_private, || {
            format!("{code}: {view:?}")
        })?;
        // Without control groups the engine may not know the most that was used.
        ensure(
            view.content.contains(" · CPU ") && (view.content.contains(" · memory ") || bench.engine.is_rlimit()),
            || format!("{view:?}"),
        )?;
        ensure(view.has_button("Rerun") && view.has_button("Delete"), || {
            format!("{view:?}")
        })?;
    }
    let options = [
        ("language", Input::Text("node")),
        ("code", Input::Text("console.log(typeof process)")),
    ];
    let view = bench.ask(ALICE, "il run", &options).await?;
    ensure(view.content.contains("\nobject\n"), || format!("{view:?}"))?;
    let interactions = bench.discord.look(|state| state.interactions.clone());
    for interaction in interactions.into_values() {
        let callback = interaction.callback.ok_or("no first answer")?;
        let waited = callback.at.duration_since(interaction.born);
        ensure(waited < Duration::from_secs(1) && callback.kind == 5, || {
            format!("{waited:?} {callback:?}")
        })?;
    }
    Ok(())
}

pub(crate) async fn a_program_gets_its_input_and_files(bench: &Bench) -> Result<(), Failed> {
    let code = "print(input(), open('in.txt').read())";
    let options = [
        ("code", Input::Text(code)),
        ("stdin", Input::Text("typed")),
        ("input", Input::File("in.txt", b"sent")),
    ];
    let view = bench.ask(ALICE, "il py", &options).await?;
    ensure(view.content.contains("\ntyped sent\n"), || format!("{view:?}"))?;
    let source = Input::File("main.py", b"print(6 * 7)\n");
    let view = bench.ask(ALICE, "il py", &[("source", source)]).await?;
    ensure(view.content.contains("\n42\n"), || format!("{view:?}"))?;
    let options = [("code", Input::Text("1 + 1")), ("private", Input::Flag(true))];
    let view = bench.ask(ALICE, "il py", &options).await?;
    ensure(view.is_private && view.content.contains("\n2\n"), || {
        format!("{view:?}")
    })
}

pub(crate) async fn without_code_an_editor_opens(bench: &Bench) -> Result<(), Failed> {
    for options in [&[][..], &[("private", Input::Flag(true))]] {
        let asked = bench.discord.command(ALICE, Place::GENERAL, "il py", options)?;
        let callback = bench.called_back(asked).await?.callback.ok_or("no first answer")?;
        ensure(callback.kind == 9, || format!("{callback:?}"))?;
        let sent = bench
            .discord
            .submit(asked, &[("code", "print(input() * 2)"), ("stdin", "ab")])?;
        let view = bench.answer(sent).await?;
        let is_private = !options.is_empty();
        ensure(
            view.content.contains("\nabab\n") && view.is_private == is_private,
            || format!("{view:?}"),
        )?;
    }
    Ok(())
}

pub(crate) async fn what_comes_without_code_waits_for_the_editor(bench: &Bench) -> Result<(), Failed> {
    let options = [
        ("stdin", Input::Text("typed")),
        ("input", Input::File("in.txt", b"sent")),
        ("private", Input::Flag(true)),
    ];
    let asked = bench.discord.command(ALICE, Place::GENERAL, "il py", &options)?;
    bench.called_back(asked).await?;
    let code = [("code", "print(input(), open('in.txt').read())")];
    // A form can be opened again and sent once more.
    for _ in 0..2 {
        let sent = bench.discord.submit(asked, &code)?;
        let view = bench.answer(sent).await?;
        ensure(view.is_private && view.content.contains("\ntyped sent\n"), || {
            format!("{view:?}")
        })?;
    }
    // What cannot go on is told before anything is typed.
    let long = "x".repeat(4_001);
    let large = vec![0; 26 << 20];
    for option in [("stdin", Input::Text(&long)), ("input", Input::File("large", &large))] {
        let view = bench.ask(ALICE, "il py", &[option]).await?;
        ensure(view.is_private && view.content.starts_with("⚠️"), || {
            format!("{view:?}")
        })?;
    }
    for (source, told) in [(&b"\xff\xfe"[..], "is not text"), (&large[..], "has more than")] {
        let source = ("source", Input::File("main.py", source));
        let view = bench.ask(ALICE, "il py", &[source]).await?;
        ensure(view.content.contains(told), || format!("{view:?}"))?;
    }
    // As editors of other systems write it.
    let source = (
        "source",
        Input::File("main.sh", b"\xef\xbb\xbffor n in 42\r\ndo echo $n\r\ndone\r\n"),
    );
    let view = bench.ask(ALICE, "il bash", &[source]).await?;
    ensure(view.content.contains("\n42\n"), || format!("{view:?}"))?;
    let view = bench.run(ALICE, "py", "input()").await?;
    ensure(view.content.contains("option `stdin`"), || format!("{view:?}"))
}

pub(crate) async fn output_cannot_harm(bench: &Bench) -> Result<(), Failed> {
    let code = "print('@everyone @here <@1677721600> <@&843055104>')\nprint('``` out of the fence')\n\
                print('\\u202e\\x00\\x07 bidi')\nprint('\\x1b[31mred\\x1b[0m')";
    let view = bench.run(ALICE, "py", code).await?;
    let shown = &view.content;
    // A fence of the program's own would end ours.
    ensure(shown.matches("```").count() == 2, || shown.clone())?;
    let has_raw = ['\u{202e}', '\0', '\u{7}'].iter().any(|letter| shown.contains(*letter));
    ensure(!has_raw && shown.contains("bidi"), || format!("{shown:?}"))?;
    ensure(shown.contains("```ansi\n") && shown.contains("\u{1b}[31mred"), || {
        format!("{shown:?}")
    })?;
    ensure(shown.contains("out of the fence"), || shown.clone())
}

pub(crate) async fn what_is_too_long_is_attached_whole(bench: &Bench) -> Result<(), Failed> {
    let view = bench.run(ALICE, "py", "for n in range(2000): print('line', n)").await?;
    ensure(
        view.content.contains("line 0\n") && !view.content.contains("line 1999"),
        || view.content.clone(),
    )?;
    let name = view.files.first().map(|(name, _)| name.clone());
    let attached = match name {
        Some(name) => bench.file(view.id, &name)?,
        None => return Err(format!("no file: {view:?}").into()),
    };
    let text = String::from_utf8(attached)?;
    let lines: Vec<&str> = text.lines().collect();
    ensure(lines.len() == 2000 && lines[1999] == "line 1999", || {
        format!("{} lines", lines.len())
    })
}

pub(crate) async fn what_a_program_makes_is_attached(bench: &Bench) -> Result<(), Failed> {
    let code = "for n in range(3): open(f'made{n}.csv', 'w').write('a,b\\n' * n + 'x')";
    let view = bench.run(ALICE, "py", code).await?;
    let names: Vec<&str> = view.files.iter().map(|(name, _)| name.as_str()).collect();
    ensure(names == ["made0.csv", "made1.csv", "made2.csv"], || {
        format!("{names:?}")
    })?;
    let made = bench.file(view.id, "made2.csv")?;
    ensure(made == b"a,b\na,b\nx", || format!("{made:?}"))?;
    // More than Discord takes, each as large as it may be nearly, and one that is too large.
    let code = "for n in range(14): open(f'more{n:02}.txt', 'w').write('x' * 1_000_000)\nopen('large.bin', 'wb').write(b'x' * 2_000_000)";
    let view = bench.run(ALICE, "py", code).await?;
    ensure(view.files.len() == 10 && view.content.contains("not attached"), || {
        format!("{view:?}")
    })?;
    ensure(!view.files.iter().any(|(name, _)| name == "large.bin"), || {
        format!("{view:?}")
    })
}

pub(crate) async fn output_comes_while_the_program_runs(bench: &Bench) -> Result<(), Failed> {
    let code = "import time\nfor n in range(8): print('tick', n); time.sleep(1)";
    let asked = bench
        .discord
        .command(ALICE, Place::GENERAL, "il py", &[("code", Input::Text(code))])?;
    let early = bench.shown(asked, "output of a running program", |view| {
        view.content.contains("tick 0")
    });
    let early = early.await?;
    ensure(early.has_button("Stop") && !early.content.contains("tick 7"), || {
        format!("{early:?}")
    })?;
    let view = bench.answer(asked).await?;
    ensure(view.content.contains("tick 7"), || format!("{view:?}"))?;
    let versions = bench
        .discord
        .look(|state| state.messages.get(&view.id).map(|message| message.versions.clone()));
    let versions = versions.ok_or("no message")?;
    let live = &versions[1..versions.len() - 1];
    ensure(live.len() >= 2, || format!("{} edits", live.len()))?;
    for pair in live.windows(2) {
        let apart = pair[1].0.duration_since(pair[0].0);
        // A clock of the bot's own ticks before the request comes.
        ensure(apart + Duration::from_millis(200) > EDITS_APART, || {
            format!("edits were {apart:?} apart")
        })?;
    }
    Ok(())
}
