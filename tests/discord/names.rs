//! Names that programs give to files: whatever they are made of, lists stay lists.

use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;
use crate::server::{Input, Person, Place, State};
use crate::view::View;

const ALICE: Person = Person::ALICE;
/// Makes more files than one page has, whose names are as harmful as names can be.
const HARMFUL: &str = r"
parts = ['\u202e', '`', '@everyone ', '<@1>', '\n', '\r', '\x1b[31m', '\u200b', 'x', '\U0001f44d']
for part in parts:
    for n in range(4):
        open(part * (60 // len(part.encode())) + str(n), 'w').write('x')
open(' ', 'w').write('blank')
";
/// What nobody is to see.
const HIDDEN: [char; 5] = ['\u{202e}', '\u{1b}', '\r', '\0', '\u{7}'];

fn is_harmless(text: &str) -> bool {
    let is_seen = |text: &str| !text.contains(HIDDEN);
    let mentions = ["@everyone", "<@1>"];
    is_seen(text) && text.matches("```").count() <= 2 && !mentions.iter().any(|mention| text.contains(mention))
}

/// Turns to the next page of a listing.
async fn next(bench: &Bench, message: u64) -> Result<View, Failed> {
    let before = bench.discord.look(|state| state.messages.get(&message).map(View::of));
    let before = before.ok_or("no message")?;
    let pressed = bench.discord.press(ALICE, message, "Next")?;
    bench.called_back(pressed).await?;
    let is_other = |state: &State| {
        let view = View::of(state.messages.get(&message)?);
        (view.content != before.content).then_some(view)
    };
    let within = std::time::Duration::from_secs(10);
    bench.discord.until("another page", within, is_other).await
}

pub(crate) async fn whatever_they_are_lists_stay_lists(bench: &Bench) -> Result<(), Failed> {
    let made = bench.run(ALICE, "py", HARMFUL).await?;
    ensure(is_harmless(&made.content), || format!("{made:?}"))?;
    ensure(made.files.iter().all(|(name, _)| is_harmless(name)), || {
        format!("{made:?}")
    })?;
    let mut page = bench.ask(ALICE, "il look", &[]).await?;
    let mut names = 0;
    loop {
        ensure(is_harmless(&page.content), || format!("{page:?}"))?;
        names += page
            .content
            .lines()
            .filter(|line| line.ends_with(" byte") || line.ends_with(" bytes"))
            .count();
        if !page.has_button("Next") {
            break;
        }
        page = next(bench, page.id).await?;
    }
    // Each has a line, and only one.
    ensure(names == 41, || format!("{names} names"))?;

    let asked = bench
        .discord
        .autocomplete(ALICE, Place::GENERAL, "il read", ("name", ""))?;
    let callback = bench.called_back(asked).await?.callback.ok_or("no first answer")?;
    let choices = callback.data["choices"].as_array().cloned().unwrap_or_default();
    // Some are longer than what Discord lets anybody choose.
    ensure((20..=25).contains(&choices.len()), || format!("{callback:?}"))?;
    for choice in choices {
        let (name, value) = (choice["name"].as_str(), choice["value"].as_str());
        let (name, value) = name.zip(value).ok_or("a choice is no text")?;
        ensure(!name.contains(HIDDEN) && !name.contains('\n'), || choice.to_string())?;
        // What is chosen is the file that it stands for.
        for words in ["il read", "il download"] {
            let view = bench.ask(ALICE, words, &[("name", Input::Text(value))]).await?;
            ensure(is_harmless(&view.content), || format!("{view:?}"))?;
            ensure(view.content.contains('x') || !view.files.is_empty(), || {
                format!("{value:?}: {view:?}")
            })?;
        }
    }
    Ok(())
}

pub(crate) async fn directories_far_down_have_pages(bench: &Bench) -> Result<(), Failed> {
    let code = "
import os
far = '/'.join(['directory' * 4] * 4)
os.makedirs(far)
for n in range(30): open(f'{far}/{n:02}', 'w').write('x')";
    bench.run(ALICE, "py", code).await?;
    let far = ["directory".repeat(4).as_str(); 4].join("/");
    let first = bench.ask(ALICE, "il look", &[("path", Input::Text(&far))]).await?;
    ensure(first.content.contains("\n00 "), || format!("{first:?}"))?;
    let second = next(bench, first.id).await?;
    ensure(
        second.content.contains("\n29 ") && second.has_button("Previous"),
        || format!("{second:?}"),
    )?;
    // What is gone meanwhile leaves the last page that there is.
    bench.ask(ALICE, "il look", &[("path", Input::Text("/"))]).await?;
    bench
        .run(ALICE, "py", "for n in range(50): open(f'f{n:02}', 'w').close()")
        .await?;
    let first = bench.ask(ALICE, "il look", &[]).await?;
    bench.run(ALICE, "bash", "rm f0? f1? f2? f3? f4?").await?;
    let last = next(bench, first.id).await?;
    ensure(last.content.contains("directory") && !last.has_button("Next"), || {
        format!("{last:?}")
    })
}

pub(crate) async fn what_makes_no_sense_is_told(bench: &Bench) -> Result<(), Failed> {
    bench
        .run(
            ALICE,
            "bash",
            "mkdir -p full/in; touch a full/b; ln -s /etc/passwd out; mkfifo pipe",
        )
        .await?;
    let text = |name: &'static str, text: &'static str| (name, Input::Text(text));
    let asks: &[(&str, &[(&str, Input<'_>)])] = &[
        ("il look", &[text("path", "a")]),
        ("il look", &[text("path", "nowhere")]),
        ("il look", &[text("path", "../..")]),
        ("il read", &[text("name", "full")]),
        ("il read", &[text("name", "out")]),
        ("il read", &[text("name", "pipe")]),
        ("il read", &[text("name", "")]),
        ("il write", &[text("name", "full"), text("content", "x")]),
        ("il write", &[text("name", "/"), text("content", "x")]),
        ("il write", &[text("name", "a/b"), text("content", "x")]),
        ("il write", &[text("name", "pipe/../../../x"), text("content", "x")]),
        ("il append", &[text("name", "full"), text("content", "x")]),
        ("il rm", &[text("name", "nowhere")]),
        ("il rm", &[text("name", "full")]),
        ("il rm", &[text("name", "/"), ("recursive", Input::Flag(true))]),
        ("il rm", &[text("name", "/workspace"), ("recursive", Input::Flag(true))]),
        ("il mv", &[text("from", "nowhere"), text("to", "b")]),
        ("il mv", &[text("from", "a"), text("to", "full/b")]),
        ("il mv", &[text("from", "full"), text("to", "full/in/full")]),
        ("il upload", &[("file", Input::File("x", b"x")), text("name", "full")]),
        ("il download", &[text("name", "full")]),
        ("il download", &[text("name", "out")]),
        ("il download", &[text("name", "pipe")]),
        ("il export", &[text("path", "nowhere")]),
        ("il export", &[text("path", "out")]),
        ("il pip", &[text("packages", "")]),
        ("il pip", &[text("packages", "-r /etc/passwd")]),
        ("il npm", &[text("packages", "../../evil")]),
        ("il run", &[text("language", "brainfuck"), text("code", "+")]),
        ("il run", &[text("language", "brainfuck")]),
        ("il py", &[text("code", "1"), ("source", Input::File("m.py", b"2"))]),
        ("il session", &[text("action", "start"), text("language", "none")]),
        (
            "il image",
            &[text("language", "python"), text("image", "elsewhere/x:1")],
        ),
    ];
    let mut wrong = Vec::new();
    for (words, options) in asks {
        let view = bench.ask(ALICE, words, options).await?;
        let is_told = view.content.starts_with("⚠️") && !view.content.contains("on the bot's side");
        if !is_told || view.content.contains("root:") || !view.files.is_empty() {
            wrong.push(format!("`{words}` {options:?}: {}", view.content));
        }
    }
    ensure(wrong.is_empty(), || wrong.join("\n"))
}
