//! Programs in messages: by the menu, by a mention, and again when they change.

use std::time::Duration;

use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;
use crate::server::{BOT, Person, Place, State};
use crate::view::View;

const ALICE: Person = Person::ALICE;

pub(crate) async fn the_menu_runs_what_a_message_has(bench: &Bench) -> Result<(), Failed> {
    for (content, expected) in [
        ("see:\n```py\nprint(6 * 7)\n```\nnice", "\n42\n"),
        (
            "```js\nconst a = 40\n```\nand\n```js\nconsole.log(a + 2)\n```",
            "\n42\n",
        ),
        ("`print(40 + 2)`", "\n42\n"),
        ("```sh\necho $((40 + 2))\n```", "\n42\n"),
    ] {
        let post = bench.discord.post(Person::BOB, Place::GENERAL, content)?;
        let asked = bench.discord.menu(ALICE, "Run code", post)?;
        let view = bench.answer(asked).await?;
        ensure(view.content.contains(expected), || format!("{content}: {view:?}"))?;
    }
    let post = bench.discord.post(Person::BOB, Place::GENERAL, "no code here")?;
    let asked = bench.discord.menu(ALICE, "Run code", post)?;
    let view = bench.answer(asked).await?;
    ensure(view.is_private && !view.has_button("Rerun"), || format!("{view:?}"))
}

pub(crate) async fn a_mention_runs_and_an_edit_runs_again(bench: &Bench) -> Result<(), Failed> {
    let code = |code: &str| format!("<@{BOT}> please\n```py\n{code}\n```");
    let post = bench.discord.post(ALICE, Place::GENERAL, &code("print(6 * 7)"))?;
    let answers = |post: u64| {
        move |message: &crate::server::Message| {
            message.body["message_reference"]["message_id"].as_str() == Some(&post.to_string())
        }
    };
    let has = |text: &'static str| {
        move |message: &crate::server::Message| {
            answers(post)(message) && View::of(message).is_final() && View::of(message).content.contains(text)
        }
    };
    let first = bench.message(Place::GENERAL, "an answer", has("\n42\n")).await?;
    bench.discord.rewrite(post, &code("print('other')"))?;
    let second = bench
        .message(Place::GENERAL, "another answer", has("\nother\n"))
        .await?;
    ensure(first.id == second.id, || {
        "the answer to an edit is another message".to_owned()
    })?;
    let refused = bench.discord.press(Person::BOB, second.id, "Delete")?;
    ensure(bench.answer(refused).await?.is_private, || {
        "somebody else deletes".to_owned()
    })?;
    bench.discord.take_back(post)?;
    let is_gone = |state: &State| state.messages.get(&first.id)?.deleted;
    bench
        .discord
        .until("the end of the answer", Duration::from_secs(10), is_gone)
        .await?;

    // What mentions nobody is left alone.
    let post = bench.discord.post(ALICE, Place::GENERAL, "```py\nprint(1)\n```")?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let answered = bench.discord.look(|state| state.messages.values().any(answers(post)));
    ensure(!answered, || "a message that mentions nobody is answered".to_owned())
}

pub(crate) async fn a_direct_message_is_answered(bench: &Bench) -> Result<(), Failed> {
    let place = Place::direct(ALICE);
    bench
        .discord
        .post(ALICE, place, &format!("<@{BOT}> ```py\nprint(6 * 7)\n```"))?;
    let has = |message: &crate::server::Message| View::of(message).content.contains("\n42\n");
    bench.message(place, "an answer", has).await?;
    let asked = bench
        .discord
        .command(ALICE, place, "il py", &[("code", crate::server::Input::Text("6 * 7"))])?;
    let view = bench.answer(asked).await?;
    ensure(view.content.contains("\n42\n"), || format!("{view:?}"))
}
