//! The policy key by key as users meet it, and the ways in which its file changes.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;
use crate::server::{BOT, GUILD, Input, MODERATOR, Message, Person, Place, SECRET};
use crate::view::View;

const ALICE: Person = Person::ALICE;
const READ_AGAIN: &str = "the policy was read again";
const NOT_VALID: &str = "the policy is not valid: the one before holds on";

/// Waits until the bot has told something more often than `before` times.
async fn until_told(bench: &Bench, what: &str, before: usize) -> Result<(), Failed> {
    for _ in 0..100 {
        if bench.told()?.matches(what).count() > before {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(format!("`{what}` was not told").into())
}

fn times(bench: &Bench, what: &str) -> Result<usize, Failed> {
    Ok(bench.told()?.matches(what).count())
}

/// Changes the configuration, and waits until it holds.
async fn apply(bench: &Bench, tables: &str) -> Result<(), Failed> {
    let before = times(bench, READ_AGAIN)?;
    bench.configure(tables)?;
    until_told(bench, READ_AGAIN, before).await
}

async fn ask(bench: &Bench, person: Person, place: Place, words: &str, option: (&str, &str)) -> Result<View, Failed> {
    let options = [(option.0, Input::Text(option.1))];
    bench
        .answer(bench.discord.command(person, place, words, &options)?)
        .await
}

async fn is_refused(bench: &Bench, person: Person, place: Place, why: &str) -> Result<(), Failed> {
    let view = ask(bench, person, place, "il py", ("code", "1")).await?;
    ensure(view.is_private && view.content.contains(why), || {
        format!("{person:?} {place:?}, not `{why}`: {view:?}")
    })
}

async fn is_run(bench: &Bench, person: Person, place: Place) -> Result<View, Failed> {
    let view = ask(bench, person, place, "il py", ("code", "print(6 * 7)")).await?;
    ensure(view.content.contains("\n42\n"), || {
        format!("{person:?} {place:?}: {view:?}")
    })?;
    Ok(view)
}

pub(crate) async fn what_may_be_run_is_met_key_by_key(bench: &Bench) -> Result<(), Failed> {
    let view = is_run(bench, ALICE, Place::GENERAL).await?;

    let image = bench.engine.image("python")?;
    apply(bench, &format!("[discord.policy]\nimages = ['{image}']\n")).await?;
    is_run(bench, ALICE, Place::GENERAL).await?;
    apply(bench, "[discord.policy]\nimages = ['nothing.example/nothing:1']\n").await?;
    let other = ask(bench, ALICE, Place::GENERAL, "il py", ("code", "1")).await?;
    ensure(other.content.contains("may not be used here"), || format!("{other:?}"))?;

    apply(bench, "[discord.policy]\ninstall = false\n").await?;
    for words in ["il pip", "il npm"] {
        let view = ask(bench, ALICE, Place::GENERAL, words, ("packages", "left-pad")).await?;
        ensure(view.is_private && view.content.contains("may not be installed"), || {
            format!("{view:?}")
        })?;
    }

    apply(bench, "[discord.policy]\ntimeout = '1s'\n").await?;
    let begun = Instant::now();
    let slow = ask(
        bench,
        ALICE,
        Place::GENERAL,
        "il py",
        ("code", "import time; time.sleep(25); print('late')"),
    )
    .await?;
    ensure(
        !slow.content.contains("\nlate\n") && begun.elapsed() < Duration::from_secs(20),
        || format!("{slow:?}"),
    )?;

    apply(bench, "[discord.policy]\ndaily_cpu = '1ms'\n").await?;
    let spent = ask(bench, ALICE, Place::GENERAL, "il py", ("code", "1")).await?;
    ensure(spent.content.contains("is used up"), || format!("{spent:?}"))?;

    apply(bench, "[discord.policy]\ncooldown = '1h'\n").await?;
    is_run(bench, ALICE, Place::GENERAL).await?;
    is_refused(bench, ALICE, Place::GENERAL, "too soon").await?;
    is_run(bench, Person::BOB, Place::GENERAL).await?;
    // Whoever waits does so no longer than what holds now says.
    apply(bench, "[discord.policy]\ncooldown = '1s'\n").await?;
    is_run(bench, ALICE, Place::GENERAL).await?;

    // What was shown before obeys as well.
    apply(bench, "[discord.policy]\nmaintenance = true\n").await?;
    is_refused(bench, ALICE, Place::GENERAL, "being worked on").await?;
    let pressed = bench.discord.press(ALICE, view.id, "Rerun")?;
    let again = bench.answer(pressed).await?;
    ensure(again.is_private && again.content.contains("being worked on"), || {
        format!("{again:?}")
    })
}

pub(crate) async fn who_may_run_is_met_from_all_to_one(bench: &Bench) -> Result<(), Failed> {
    let tables = format!(
        "[discord.policy]\naccess = 'deny'\n[discord.guilds.{GUILD}]\naccess = 'allow'\n\
         [discord.channels.{SECRET}]\naccess = 'deny'\n[discord.roles.{MODERATOR}]\naccess = 'allow'\n\
         [discord.users.{}]\naccess = 'deny'\n",
        Person::BOB.id()
    );
    apply(bench, &tables).await?;
    let none = "may not be used here";
    is_refused(bench, ALICE, Place::ELSEWHERE, none).await?;
    is_refused(bench, ALICE, Place::direct(ALICE), none).await?;
    is_run(bench, ALICE, Place::GENERAL).await?;
    is_refused(bench, ALICE, Place::SECRET, none).await?;
    // A thread is no way around the rule of its channel.
    is_refused(bench, ALICE, Place::THREAD, none).await?;
    is_run(bench, Person::MONA, Place::THREAD).await?;
    is_refused(bench, Person::BOB, Place::GENERAL, none).await?;

    // Whoever may not use the bot cannot make it write messages either.
    for (person, place) in [
        (ALICE, Place::THREAD),
        (ALICE, Place::SECRET),
        (Person::BOB, Place::GENERAL),
    ] {
        bench.discord.post(person, place, &format!("<@{BOT}> `print('no')`"))?;
    }
    bench
        .discord
        .post(Person::MONA, Place::THREAD, &format!("<@{BOT}> `print(40 + 2)`"))?;
    let answers = |message: &Message| View::of(message).content.contains("\n42\n");
    bench.message(Place::THREAD, "an answer", answers).await?;
    let others = bench.discord.look(|state| {
        let is_answer = |message: &&Message| message.author.is_none() && message.interaction.is_none();
        state.messages.values().filter(is_answer).count()
    });
    ensure(others == 1, || format!("{others} messages were answered"))
}

pub(crate) async fn endings_are_blocked_as_they_change(bench: &Bench) -> Result<(), Failed> {
    let makes = "for name in ['a.exe', 'b.txt', 'c.tar.EXE']: open(name, 'w').write(__import__('os').urandom(4).hex())";
    let attached = |view: &View| view.files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let view = bench.run(ALICE, "py", makes).await?;
    ensure(attached(&view) == ["b.txt"], || format!("{view:?}"))?;
    let view = ask(bench, ALICE, Place::GENERAL, "il download", ("name", "a.exe")).await?;
    ensure(view.files.is_empty() && view.content.contains("not sent"), || {
        format!("{view:?}")
    })?;
    apply(bench, "discord.blocked_extensions = ['txt']\n").await?;
    let view = bench.run(ALICE, "py", makes).await?;
    ensure(attached(&view) == ["a.exe", "c.tar.EXE"], || format!("{view:?}"))
}

/// Makes the bot complain of the file, and checks that the policy of before holds on.
async fn is_not_taken(bench: &Bench, change: impl FnOnce() -> Result<(), Failed>) -> Result<(), Failed> {
    let before = times(bench, NOT_VALID)?;
    change()?;
    until_told(bench, NOT_VALID, before).await?;
    is_refused(bench, ALICE, Place::GENERAL, "`bash`").await?;
    let health = bench.ask(ALICE, "health", &[]).await?;
    ensure(health.content.contains("the policy file is not valid"), || {
        format!("{health:?}")
    })
}

pub(crate) async fn the_file_changes_in_many_ways(bench: &Bench) -> Result<(), Failed> {
    const BASH: &str = "[discord.policy]\nlanguages = ['bash']\n";
    let directory = bench.directory.path();
    let file = directory.join("inline.toml");
    apply(bench, BASH).await?;
    let text = fs::read_to_string(&file)?;
    is_not_taken(bench, || Ok(fs::write(&file, "")?)).await?;
    is_not_taken(bench, || bench.configure("[discord.policy]\nlanguages = ['bsah']\n")).await?;
    is_not_taken(bench, || bench.configure("[discord.policy]\nlanguage = ['bash']\n")).await?;
    is_not_taken(bench, || Ok(fs::remove_file(&file)?)).await?;
    apply(bench, BASH).await?;

    // Half of a file is valid as well.
    let before = times(bench, READ_AGAIN)?;
    let mut written = File::create(&file)?;
    for line in text.replace("bash']", "bash', 'node']").lines() {
        writeln!(written, "{line}")?;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    drop(written);
    until_told(bench, READ_AGAIN, before).await?;
    ensure(times(bench, READ_AGAIN)? == before + 1, || {
        "half of a file was read".to_owned()
    })?;
    is_refused(bench, ALICE, Place::GENERAL, "`node`").await?;

    // As Kubernetes does it: the file is a link through a directory that is a link, which is replaced.
    for (name, language) in [("one", "bash"), ("two", "python")] {
        fs::create_dir(directory.join(name))?;
        let content = text.replace("['bash']", &format!("['{language}']"));
        fs::write(directory.join(name).join("inline.toml"), content)?;
    }
    symlink("one", directory.join("data"))?;
    symlink("data/inline.toml", directory.join("link"))?;
    let before = times(bench, READ_AGAIN)?;
    fs::rename(directory.join("link"), &file)?;
    until_told(bench, READ_AGAIN, before).await?;
    is_refused(bench, ALICE, Place::GENERAL, "`bash`").await?;
    symlink("two", directory.join("data.new"))?;
    fs::rename(directory.join("data.new"), directory.join("data"))?;
    until_told(bench, READ_AGAIN, before + 1).await?;
    is_run(bench, ALICE, Place::GENERAL).await.map(drop)
}
