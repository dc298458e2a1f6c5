//! The commands for files, packages, sessions and the sandbox itself.

use std::io::Cursor;

use inline_tests::index::Index;
use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;
use crate::server::{Input, Person, Place};
use crate::view::View;

const ALICE: Person = Person::ALICE;
const BOB: Person = Person::BOB;

/// Sends a command whose answer must have a text in it.
async fn told(
    bench: &Bench,
    person: Person,
    words: &str,
    options: &[(&str, Input<'_>)],
    expected: &str,
) -> Result<View, Failed> {
    let view = bench.ask(person, words, options).await?;
    ensure(view.content.contains(expected), || {
        format!("`{words}` {options:?}: `{expected}` is not in {view:?}")
    })?;
    Ok(view)
}

pub(crate) async fn files_are_kept_and_changed(bench: &Bench) -> Result<(), Failed> {
    let (name, text) = (
        |name| ("name", Input::Text(name)),
        |text| ("content", Input::Text(text)),
    );
    told(bench, ALICE, "il create", &[], "Your sandbox is there").await?;
    told(bench, ALICE, "il write", &[name("data/a.txt"), text("one\n")], "a.txt").await?;
    told(bench, ALICE, "il append", &[name("data/a.txt"), text("two\n")], "a.txt").await?;
    told(bench, ALICE, "il read", &[name("data/a.txt")], "one\ntwo").await?;
    let view = bench.run(ALICE, "bash", "cat data/a.txt; echo made > made.txt").await?;
    ensure(view.content.contains("one\ntwo"), || format!("{view:?}"))?;
    told(bench, ALICE, "il look", &[], "made.txt").await?;
    told(bench, ALICE, "il look", &[("path", Input::Text("data"))], "a.txt").await?;
    told(bench, ALICE, "il look", &[("path", Input::Text("/"))], "made.txt").await?;
    told(
        bench,
        ALICE,
        "il mv",
        &[("from", Input::Text("made.txt")), ("to", Input::Text("moved.txt"))],
        "moved.txt",
    )
    .await?;
    let upload = [("file", Input::File("sent.bin", b"\x00\x01sent"))];
    told(bench, ALICE, "il upload", &upload, "sent.bin").await?;
    let view = bench.ask(ALICE, "il download", &[name("sent.bin")]).await?;
    let bytes = bench.file(view.id, "sent.bin")?;
    ensure(bytes == b"\x00\x01sent", || format!("{bytes:?}"))?;
    let view = bench.ask(ALICE, "il export", &[]).await?;
    let (zip, _) = view.files.first().ok_or_else(|| format!("no file: {view:?}"))?;
    let zip = zip::ZipArchive::new(Cursor::new(bench.file(view.id, zip)?))?;
    let mut names = zip.file_names().collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    ensure(names == ["data/", "data/a.txt", "moved.txt", "sent.bin"], || {
        format!("{names:?}")
    })?;
    told(
        bench,
        ALICE,
        "il rm",
        &[name("data"), ("recursive", Input::Flag(true))],
        "data",
    )
    .await?;
    let missing = bench.ask(ALICE, "il read", &[name("data/a.txt")]).await?;
    ensure(missing.is_private && !missing.content.contains("one"), || {
        format!("{missing:?}")
    })?;
    // What leads outside, and what is somebody else's.
    for (person, path) in [(ALICE, "../../etc/passwd"), (ALICE, "/etc/passwd"), (BOB, "moved.txt")] {
        let view = bench.ask(person, "il read", &[name(path)]).await?;
        let leaks = view.content.contains("root:") || view.content.contains("made");
        ensure(view.is_private && !leaks, || format!("{path}: {view:?}"))?;
    }
    Ok(())
}

pub(crate) async fn names_are_completed(bench: &Bench) -> Result<(), Failed> {
    bench
        .run(
            ALICE,
            "bash",
            "mkdir data; touch data/alpha.txt data/beta.txt alone.txt",
        )
        .await?;
    for (words, option, typed, expected) in [
        ("il read", "name", "al", "alone.txt"),
        ("il read", "name", "data/be", "data/beta.txt"),
        ("il look", "path", "da", "data"),
        ("il run", "language", "py", "python"),
    ] {
        let asked = bench
            .discord
            .autocomplete(ALICE, Place::GENERAL, words, (option, typed))?;
        let callback = bench.called_back(asked).await?.callback.ok_or("no first answer")?;
        let choices = callback.data["choices"].as_array().cloned().unwrap_or_default();
        let has = choices
            .iter()
            .any(|choice| choice["value"].as_str().is_some_and(|value| value.contains(expected)));
        ensure(callback.kind == 8 && has, || format!("{words} {typed}: {callback:?}"))?;
    }
    // Of somebody else's files nothing is told.
    let asked = bench
        .discord
        .autocomplete(BOB, Place::GENERAL, "il read", ("name", "al"))?;
    let callback = bench.called_back(asked).await?.callback.ok_or("no first answer")?;
    ensure(!callback.data.to_string().contains("alone"), || format!("{callback:?}"))
}

pub(crate) async fn long_directories_have_pages(bench: &Bench) -> Result<(), Failed> {
    bench
        .run(
            ALICE,
            "py",
            "for n in range(150): open(f'file{n:03}.txt', 'w').write('x' * n)",
        )
        .await?;
    let first = told(bench, ALICE, "il look", &[], "file000.txt").await?;
    let next = first.buttons.iter().find(|label| label.to_lowercase().contains("next"));
    let next = next.ok_or_else(|| format!("no further page: {first:?}"))?.clone();
    bench.discord.press(ALICE, first.id, &next)?;
    let is_second = |state: &crate::server::State| {
        let view = View::of(state.messages.get(&first.id)?);
        (view.content != first.content && view.content.contains("file0")).then_some(view)
    };
    let second = bench
        .discord
        .until("the second page", std::time::Duration::from_secs(10), is_second)
        .await?;
    ensure(!second.content.contains("file000.txt"), || format!("{second:?}"))?;
    let back = second
        .buttons
        .iter()
        .find(|label| label.to_lowercase().contains("prev"));
    let back = back.ok_or_else(|| format!("no way back: {second:?}"))?.clone();
    bench.discord.press(ALICE, first.id, &back)?;
    let is_first = |state: &crate::server::State| {
        let view = View::of(state.messages.get(&first.id)?);
        (view.content == first.content).then_some(())
    };
    bench
        .discord
        .until("the first page", std::time::Duration::from_secs(10), is_first)
        .await
}

pub(crate) async fn a_sandbox_is_shown_and_deleted(bench: &Bench) -> Result<(), Failed> {
    bench
        .run(ALICE, "py", "open('kept.txt', 'w').write('x'); print('ran')")
        .await?;
    told(bench, ALICE, "il quota", &[], "B").await?;
    told(bench, ALICE, "il history", &[], "py").await?;
    told(bench, ALICE, "il help", &[], "/il").await?;
    told(bench, ALICE, "health", &[], bench.engine.driver()).await?;
    let question = bench.ask(ALICE, "il delete", &[]).await?;
    ensure(question.buttons.len() == 2, || format!("{question:?}"))?;
    let labels = question.buttons.clone();
    let (keep, wipe): (Vec<_>, Vec<_>) = labels.iter().partition(|label| {
        let label = label.to_lowercase();
        label.contains("keep") || label.contains("cancel") || label.contains("no")
    });
    for (label, is_kept) in [(&keep, true), (&wipe, false)] {
        let label = label.first().ok_or_else(|| format!("{question:?}"))?;
        let question = bench.ask(ALICE, "il delete", &[]).await?;
        let pressed = bench.discord.press(ALICE, question.id, label)?;
        bench.called_back(pressed).await?;
        bench
            .shown(pressed, "the end of the question", |view| {
                view.buttons.is_empty() && !view.is_loading
            })
            .await?;
        let view = bench.run(ALICE, "bash", "ls").await?;
        ensure(view.content.contains("kept.txt") == is_kept, || {
            format!("{label}: {view:?}")
        })?;
    }
    Ok(())
}

pub(crate) async fn a_session_keeps_what_was_defined(bench: &Bench) -> Result<(), Failed> {
    let action = |action| [("action", Input::Text(action))];
    told(bench, ALICE, "il session", &action("start"), "keep what they define").await?;
    bench.run(ALICE, "py", "kept = 41").await?;
    let view = bench.run(ALICE, "py", "kept + 1").await?;
    ensure(view.content.contains("\n42\n"), || format!("{view:?}"))?;
    told(bench, ALICE, "il session", &action("reset"), "is forgotten").await?;
    let view = bench.run(ALICE, "py", "kept").await?;
    ensure(view.content.contains("NameError"), || format!("{view:?}"))?;
    told(bench, ALICE, "il session", &action("stop"), "starts anew").await?;
    bench.run(ALICE, "py", "kept = 1").await?;
    let view = bench.run(ALICE, "py", "kept").await?;
    ensure(view.content.contains("NameError"), || format!("{view:?}"))
}

pub(crate) async fn packages_are_installed(bench: &Bench) -> Result<(), Failed> {
    if !bench.engine.has_network() {
        return Err("containers have no network on this host: nothing can be installed".into());
    }
    let index = Index::start()?;
    bench.configure(&format!(
        "packages.pip_index_url = '{}'\npackages.npm_registry = '{}'\n",
        index.pip(),
        index.npm(),
    ))?;
    bench.terminate()?;
    bench.ended().await?;
    bench.start_again().await?;
    let packages = |packages| [("packages", Input::Text(packages))];
    let view = bench.run(ALICE, "py", "import inline_sample").await?;
    ensure(view.content.contains("`/il pip packages:inline_sample`"), || {
        format!("{view:?}")
    })?;
    // As it has spaces in it, some write it so.
    let view = told(
        bench,
        ALICE,
        "il pip",
        &packages("\"inline-sample==1.0\""),
        "inline-sample",
    )
    .await?;
    ensure(
        view.content.contains("Installed: `inline-sample 1.0") && !view.content.contains("```"),
        || format!("{view:?}"),
    )?;
    let missing = bench.ask(ALICE, "il pip", &packages("inline-none")).await?;
    ensure(
        missing.content.contains("could not be installed") && missing.content.contains("```"),
        || format!("{missing:?}"),
    )?;
    let view = bench
        .run(ALICE, "py", "import inline_sample; print(inline_sample.version)")
        .await?;
    ensure(view.content.contains("\n1\n"), || format!("{view:?}"))?;
    told(
        bench,
        ALICE,
        "il pip",
        &packages("--index-url=http://x"),
        "cannot be installed",
    )
    .await?;
    told(bench, ALICE, "il npm", &packages("inline-one"), "inline-one").await?;
    let view = bench.run(ALICE, "node", "console.log(require('inline-one'))").await?;
    ensure(view.content.contains("\n1.0.0\n"), || format!("{view:?}"))
}
