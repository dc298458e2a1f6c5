//! What outlives the bot and its engine, and how the bot ends when it has to.

use std::time::Duration;

use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ends::get;
use crate::ensure;
use crate::server::{Fault, Input, Person, Place};
use crate::setup::Setup;
use crate::view::View;
use crate::way::engine_host;

const ALICE: Person = Person::ALICE;
/// The exit code for what only the operator can mend.
const CONFIGURATION: i32 = 78;

pub(crate) async fn a_killed_bot_leaves_nothing_that_cannot_be_mended(bench: &Bench) -> Result<(), Failed> {
    let finished = bench
        .run(ALICE, "py", "open('kept', 'w').write('6'); print('x')")
        .await?;
    let code = "print('begun', flush=True)\nimport time\ntime.sleep(60)";
    let running = bench
        .discord
        .command(ALICE, Place::GENERAL, "il py", &[("code", Input::Text(code))])?;
    let running = bench
        .shown(running, "a running program", |view| view.content.contains("begun"))
        .await?;
    let before = bench.containers().await?;
    // Where there is no engine they end with the bot.
    let has_engine = engine_host(bench.engine).is_some();
    ensure(!before.is_empty() || !has_engine, || "nothing runs".to_owned())?;
    bench.signal("KILL")?;
    bench.ended().await?;

    bench.start_again().await?;
    let view = bench.run(ALICE, "py", "print(int(open('kept').read()) * 7)").await?;
    ensure(view.content.contains("\n42\n"), || format!("{view:?}"))?;
    let after = bench.containers().await?;
    let left: Vec<_> = before.iter().filter(|name| after.contains(name)).collect();
    ensure(left.is_empty(), || format!("containers outlive the bot: {left:?}"))?;
    for (message, button) in [(running.id, "Stop"), (finished.id, "Rerun")] {
        let pressed = bench.discord.press(ALICE, message, button)?;
        let told = bench.answer(pressed).await?;
        ensure(told.is_private, || format!("{button}: {told:?}"))?;
    }
    let pressed = bench.discord.press(ALICE, finished.id, "Delete")?;
    bench.called_back(pressed).await?;
    let is_gone = |state: &crate::server::State| state.messages.get(&finished.id)?.deleted;
    bench
        .discord
        .until("the end of an old answer", Duration::from_secs(10), is_gone)
        .await
        .map(drop)
}

pub(crate) fn uncertain_engine() -> Setup {
    Setup {
        can_lose_engine: true,
        ..Setup::default()
    }
}

/// Waits until the bot says whether it is ready.
async fn until_ready(bench: &Bench, status: &str) -> Result<String, Failed> {
    let mut answer = String::new();
    for _ in 0..60 {
        answer = get(bench, "/readyz").await?;
        if answer.starts_with(status) {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Err(format!("not `{status}`: {answer}").into())
}

pub(crate) async fn an_engine_that_comes_back_is_used_again(bench: &Bench) -> Result<(), Failed> {
    until_ready(bench, "HTTP/1.1 200").await?;
    bench.lose_engine();
    let answer = until_ready(bench, "HTTP/1.1 503").await?;
    ensure(answer.contains("the engine does not answer"), || answer)?;
    let view = bench.run(ALICE, "py", "6 * 7").await?;
    ensure(!view.content.contains("\n42\n"), || format!("{view:?}"))?;
    let health = bench.ask(ALICE, "health", &[]).await?;
    ensure(health.content.contains("does not answer"), || format!("{health:?}"))?;
    let alive = get(bench, "/healthz").await?;
    ensure(alive.starts_with("HTTP/1.1 200"), || alive)?;

    bench.find_engine()?;
    until_ready(bench, "HTTP/1.1 200").await?;
    let view = bench.run(ALICE, "py", "6 * 7").await?;
    ensure(view.content.contains("\n42\n"), || format!("{view:?}"))
}

pub(crate) async fn a_token_that_is_withdrawn_ends_the_bot(bench: &Bench) -> Result<(), Failed> {
    let code = "print('begun', flush=True)\nimport time\ntime.sleep(60)";
    let asked = bench
        .discord
        .command(ALICE, Place::GENERAL, "il py", &[("code", Input::Text(code))])?;
    bench
        .shown(asked, "a running program", |view| view.content.contains("begun"))
        .await?;
    bench.discord.fault(Fault::Close(4004));
    // Whoever waits is answered nevertheless: an interaction has a token of its own.
    bench.shown(asked, "the last answer", View::is_final).await?;
    let status = bench.ended().await?;
    ensure(status.code() == Some(CONFIGURATION), || {
        format!("the bot ended with {status}")
    })?;
    let told = bench.told()?;
    ensure(told.contains("discord does not take the token"), || told)
}
