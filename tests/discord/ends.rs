//! The end of the bot, its health, and its secrets.

use std::time::Duration;

use libtest_mimic::Failed;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bench::Bench;
use crate::ensure;
use crate::server::{BOT, Input, Message, Person, Place, State};
use crate::setup::Setup;
use crate::view::View;

const ALICE: Person = Person::ALICE;

pub(crate) async fn what_runs_is_answered_at_the_end(bench: &Bench) -> Result<(), Failed> {
    let code = "print('begun', flush=True)\nimport time\ntime.sleep(60)";
    let mut asked = Vec::new();
    for person in [ALICE, Person::BOB] {
        asked.push(
            bench
                .discord
                .command(person, Place::GENERAL, "il py", &[("code", Input::Text(code))])?,
        );
    }
    for interaction in &asked {
        bench
            .shown(*interaction, "a running program", |view| view.content.contains("begun"))
            .await?;
    }
    bench.terminate()?;
    let status = bench.ended().await?;
    ensure(matches!(status.code(), Some(0 | 143)), || {
        format!("the bot ended with {status}")
    })?;
    for interaction in asked {
        let view = bench.shown(interaction, "the last answer", View::is_final).await?;
        ensure(view.content.contains("begun"), || format!("{view:?}"))?;
    }
    Ok(())
}

/// Asks the bot's own port.
pub(crate) async fn get(bench: &Bench, path: &str) -> Result<String, Failed> {
    let mut stream = TcpStream::connect(&bench.http).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await??;
    Ok(answer)
}

pub(crate) async fn health_and_metrics_are_served(bench: &Bench) -> Result<(), Failed> {
    bench.run(ALICE, "py", "1").await?;
    for path in ["/healthz", "/readyz"] {
        let answer = get(bench, path).await?;
        ensure(answer.starts_with("HTTP/1.1 200"), || format!("{path}: {answer}"))?;
    }
    let metrics = get(bench, "/metrics").await?;
    for expected in [
        "HTTP/1.1 200",
        "content-type: text/plain; version=0.0.4",
        "inline_runs_total{verdict=\"ok\",language=\"python\"} 1",
        "inline_run_seconds_bucket{language=\"python\",le=\"+Inf\"} 1",
        "inline_discord_shards_connected 1",
        "inline_running 0",
    ] {
        ensure(metrics.contains(expected), || format!("no `{expected}`: {metrics}"))?;
    }
    let missing = get(bench, "/other").await?;
    ensure(missing.starts_with("HTTP/1.1 404"), || missing)
}

pub(crate) async fn the_token_reaches_no_program(bench: &Bench) -> Result<(), Failed> {
    let token = bench.discord.server().settings.token.clone();
    let code = "env; cat /proc/1/environ /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n'; mount";
    let view = bench.run(ALICE, "bash", code).await?;
    ensure(view.content.contains("PATH="), || format!("{view:?}"))?;
    for (name, _) in &view.files {
        let text = String::from_utf8_lossy(&bench.file(view.id, name)?).into_owned();
        ensure(!text.contains(&token), || "the token is in a container".to_owned())?;
    }
    ensure(
        !view.content.contains(&token) && !view.content.contains("DISCORD_TOKEN"),
        || view.content.clone(),
    )
}

pub(crate) fn refused() -> Setup {
    Setup {
        is_refused: true,
        ..Setup::default()
    }
}

pub(crate) async fn a_token_that_is_refused_is_not_told(bench: &Bench) -> Result<(), Failed> {
    let status = bench.ended().await?;
    // What only the operator can mend is not tried again.
    ensure(status.code() == Some(78), || format!("the bot ended with {status}"))?;
    // Whether it is in what the bot printed is looked for at the end.
    bench.discord.change(|state| state.complaints.clear());
    Ok(())
}

pub(crate) fn two_shards() -> Setup {
    let mut setup = Setup::default();
    setup.settings.shards = 2;
    setup
}

pub(crate) async fn each_shard_has_its_guilds(bench: &Bench) -> Result<(), Failed> {
    for place in [Place::GENERAL, Place::ELSEWHERE] {
        let asked = bench
            .discord
            .command(ALICE, place, "il py", &[("code", Input::Text("6 * 7"))])?;
        let view = bench.answer(asked).await?;
        ensure(view.content.contains("\n42\n"), || format!("{place:?}: {view:?}"))?;
    }
    let metrics = get(bench, "/metrics").await?;
    ensure(metrics.contains("inline_discord_shards_connected 2"), || metrics)?;
    let shards: Vec<_> = bench
        .discord
        .look(|state| state.gateway.sessions.values().map(|one| one.shard).collect());
    ensure(shards.contains(&(0, 2)) && shards.contains(&(1, 2)), || {
        format!("{shards:?}")
    })
}

pub(crate) fn no_content() -> Setup {
    let mut setup = Setup::default();
    setup.settings.message_content = false;
    setup
}

pub(crate) async fn without_the_content_of_messages_it_runs(bench: &Bench) -> Result<(), Failed> {
    let view = bench.run(ALICE, "py", "6 * 7").await?;
    ensure(view.content.contains("\n42\n"), || format!("{view:?}"))?;
    // Of a message that mentions the bot Discord always tells all.
    bench
        .discord
        .post(ALICE, Place::GENERAL, &format!("<@{BOT}> `print(40 + 2)`"))?;
    let answers = |message: &Message| View::of(message).content.contains("\n42\n");
    bench.message(Place::GENERAL, "an answer", answers).await.map(drop)
}

pub(crate) fn in_guilds() -> Setup {
    Setup {
        tables: "discord.register = 'guild'\n".to_owned(),
        ..Setup::default()
    }
}

pub(crate) async fn commands_are_registered_for_a_guild(bench: &Bench) -> Result<(), Failed> {
    let is_there = |state: &State| {
        let of = |place: Place| state.commands.contains_key(&place.guild);
        (of(Place::GENERAL) && of(Place::ELSEWHERE)).then_some(())
    };
    bench
        .discord
        .until("the commands of each guild", Duration::from_secs(20), is_there)
        .await?;
    let has_global = bench
        .discord
        .look(|state| state.commands.get(&None).is_some_and(|all| !all.is_empty()));
    ensure(!has_global, || "commands are registered twice".to_owned())?;
    let view = bench.run(ALICE, "py", "6 * 7").await?;
    ensure(view.content.contains("\n42\n"), || format!("{view:?}"))
}

pub(crate) async fn it_answers_where_it_is_not_installed(bench: &Bench) -> Result<(), Failed> {
    let code = "import time; time.sleep(2); print(6 * 7)";
    for place in [Place::AWAY, Place::GROUP] {
        let asked = bench
            .discord
            .command(ALICE, place, "il py", &[("code", Input::Text(code))])?;
        let view = bench.answer(asked).await?;
        ensure(view.content.contains("\n42\n"), || format!("{view:?}"))?;
        let pressed = bench.discord.press(ALICE, view.id, "Rerun")?;
        let again = bench.answer(pressed).await?;
        ensure(again.content.contains("\n42\n"), || format!("{again:?}"))?;
        // Others see it, and have no more to say here than elsewhere.
        let pressed = bench.discord.press(Person::BOB, view.id, "Rerun")?;
        let told = bench.answer(pressed).await?;
        ensure(told.is_private, || format!("{told:?}"))?;
        let post = bench.discord.post(Person::BOB, place, "`print(40 + 2)`")?;
        let asked = bench.discord.menu(ALICE, "Run code", post)?;
        let view = bench.answer(asked).await?;
        ensure(view.content.contains("\n42\n"), || format!("{view:?}"))?;
    }
    Ok(())
}
