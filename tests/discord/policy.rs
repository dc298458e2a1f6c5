//! The operator's policy, and how it changes while the bot runs.

use std::time::Duration;

use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;
use crate::server::{GUILD, Input, MODERATOR, Person, Place, SECRET};
use crate::view::View;

const ALICE: Person = Person::ALICE;
const MONA: Person = Person::MONA;

async fn runs(bench: &Bench, person: Person, place: Place, language: &str) -> Result<View, Failed> {
    let words = format!("il {language}");
    let asked = bench
        .discord
        .command(person, place, &words, &[("code", Input::Text("1"))])?;
    bench.answer(asked).await
}

/// Changes the policy, and waits until somebody meets it.
async fn until_met(
    bench: &Bench,
    tables: &str,
    (person, place, language): (Person, Place, &str),
    is_allowed: bool,
) -> Result<View, Failed> {
    bench.configure(tables)?;
    let mut view = View::default();
    // The file is looked at every two seconds.
    for _ in 0..20 {
        view = runs(bench, person, place, language).await?;
        if view.has_button("Rerun") == is_allowed {
            return Ok(view);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Err(format!("{tables}: {view:?}").into())
}

pub(crate) async fn rules_are_met_as_they_change(bench: &Bench) -> Result<(), Failed> {
    let view = until_met(
        bench,
        "[discord.policy]\nlanguages = ['bash']\n",
        (ALICE, Place::GENERAL, "py"),
        false,
    )
    .await?;
    ensure(view.is_private, || format!("{view:?}"))?;
    let view = runs(bench, ALICE, Place::GENERAL, "bash").await?;
    ensure(view.has_button("Rerun"), || format!("{view:?}"))?;

    // The most specific rule decides.
    let tables = format!(
        "[discord.guilds.{GUILD}]\naccess = 'deny'\n[discord.channels.{SECRET}]\naccess = 'allow'\n\
         [discord.roles.{MODERATOR}]\naccess = 'allow'\n"
    );
    until_met(bench, &tables, (ALICE, Place::SECRET, "py"), true).await?;
    let view = runs(bench, ALICE, Place::GENERAL, "py").await?;
    ensure(view.is_private, || format!("{view:?}"))?;
    for (person, place, is_allowed) in [(MONA, Place::GENERAL, true), (ALICE, Place::ELSEWHERE, true)] {
        let view = runs(bench, person, place, "py").await?;
        ensure(view.has_button("Rerun") == is_allowed, || {
            format!("{person:?} {place:?}: {view:?}")
        })?;
    }
    // A file that cannot be read changes nothing.
    bench.configure("[discord.policy]\nlanguages = 'broken\n")?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let view = runs(bench, ALICE, Place::GENERAL, "py").await?;
    ensure(view.is_private, || format!("{view:?}"))?;
    let log = std::fs::read_to_string(bench.directory.path().join("bot.log"))?;
    ensure(log.contains("inline.toml"), || {
        "nothing is told of the broken file".to_owned()
    })?;

    let maintenance = "[discord.policy]\nmaintenance = true\n";
    until_met(bench, maintenance, (ALICE, Place::ELSEWHERE, "py"), false).await?;
    until_met(bench, "", (ALICE, Place::ELSEWHERE, "py"), true).await?;
    until_met(
        bench,
        "[discord.policy]\ncooldown = '1h'\n",
        (ALICE, Place::GENERAL, "py"),
        false,
    )
    .await
    .map(drop)
}

pub(crate) async fn what_runs_is_told_in_the_audit_channel(bench: &Bench) -> Result<(), Failed> {
    bench.configure(&format!("[discord.policy]\naudit_channel = '{SECRET}'\n"))?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    bench.run(ALICE, "py", "print('seen')").await?;
    let tells = |message: &crate::server::Message| {
        let view = View::of(message);
        view.content.contains(&ALICE.id().to_string()) && !view.content.contains("seen")
    };
    bench
        .message(Place::SECRET, "an entry of the audit", tells)
        .await
        .map(drop)
}
