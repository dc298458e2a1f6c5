//! What Discord does to a bot: limits, connections that end, tokens that expire.

use std::time::Duration;

use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;
use crate::server::{Fault, Injected, Input, Person, Place, Scope, Session, State};
use crate::setup::Setup;
use crate::view::View;

const ALICE: Person = Person::ALICE;
const EDITS: &[&str] = &["webhooks", "*", "*", "messages", "@original"];
const CALLBACKS: &[&str] = &["interactions", "*", "*", "callback"];

pub(crate) async fn limits_are_waited_for(bench: &Bench) -> Result<(), Failed> {
    for (method, template, scope) in [
        ("PATCH", EDITS, Scope::User),
        ("PATCH", EDITS, Scope::Shared),
        ("PATCH", EDITS, Scope::Global),
        ("POST", CALLBACKS, Scope::User),
    ] {
        bench.discord.change(|state| {
            state.buckets.injected.push(Injected {
                method,
                template,
                retry_after: Duration::from_millis(1200),
                scope,
            });
        });
        let view = bench.run(ALICE, "py", "print(6 * 7)").await?;
        let is_used = bench.discord.look(|state| state.buckets.injected.is_empty());
        ensure(view.content.contains("\n42\n") && is_used, || {
            format!("{method} {scope:?}: {view:?}")
        })?;
    }
    Ok(())
}

/// Breaks the connection in a way, posts what is missed, and waits for the answer.
async fn breaks(bench: &Bench, fault: Fault) -> Result<(), Failed> {
    let (identified, resumed) = bench
        .discord
        .look(|state| (state.gateway.identified.len(), state.gateway.resumed.len()));
    let code = "import time; time.sleep(3); print(6 * 7)";
    let running = bench
        .discord
        .command(ALICE, Place::GENERAL, "il py", &[("code", Input::Text(code))])?;
    bench.called_back(running).await?;
    bench.discord.fault(fault);
    let is_back = |state: &State| {
        let is_new = state.gateway.identified.len() > identified || state.gateway.resumed.len() > resumed;
        let is_connected = state.gateway.sessions.values().all(Session::is_connected);
        (is_new && is_connected).then_some(())
    };
    bench
        .discord
        .until(
            &format!("a connection after {fault:?}"),
            Duration::from_secs(40),
            is_back,
        )
        .await?;
    let view = bench.answer(running).await?;
    ensure(view.content.contains("\n42\n"), || format!("{fault:?}: {view:?}"))?;
    bench.connected().await?;
    let view = bench.run(ALICE, "py", "print(40 + 2)").await?;
    ensure(view.content.contains("\n42\n"), || format!("{fault:?}: {view:?}"))
}

pub(crate) async fn a_dropped_connection_is_resumed(bench: &Bench) -> Result<(), Failed> {
    for fault in [
        Fault::Drop,
        Fault::Reconnect,
        Fault::Close(4000),
        Fault::InvalidSession(true),
    ] {
        let before = bench
            .discord
            .look(|state| (state.gateway.identified.len(), state.gateway.resumed.len()));
        breaks(bench, fault).await?;
        let after = bench
            .discord
            .look(|state| (state.gateway.identified.len(), state.gateway.resumed.len()));
        ensure(after.0 == before.0 && after.1 > before.1, || {
            format!("{fault:?}: {before:?} became {after:?}")
        })?;
    }
    Ok(())
}

pub(crate) async fn what_comes_in_between_is_answered(bench: &Bench) -> Result<(), Failed> {
    bench.discord.fault(Fault::Drop);
    let asked = bench
        .discord
        .command(ALICE, Place::GENERAL, "il py", &[("code", Input::Text("6 * 7"))])?;
    let view = bench.answer(asked).await?;
    ensure(view.content.contains("\n42\n"), || format!("{view:?}"))
}

pub(crate) async fn a_lost_session_is_begun_anew(bench: &Bench) -> Result<(), Failed> {
    for fault in [Fault::InvalidSession(false), Fault::Close(4009), Fault::Silence] {
        // The gateway takes one new session in some seconds.
        tokio::time::sleep(Duration::from_secs(5)).await;
        breaks(bench, fault).await?;
    }
    Ok(())
}

pub(crate) fn short_tokens() -> Setup {
    let mut setup = Setup::default();
    setup.settings.token_lifetime = Duration::from_secs(6);
    setup
}

pub(crate) async fn an_answer_outlives_its_token(bench: &Bench) -> Result<(), Failed> {
    bench.discord.change(|state| state.expected_refusals.push(50_027));
    let code = "import time\nfor n in range(10): print('tick', n); time.sleep(1)";
    bench
        .discord
        .command(ALICE, Place::GENERAL, "il py", &[("code", Input::Text(code))])?;
    let has_all = |message: &crate::server::Message| {
        let view = View::of(message);
        view.is_final() && view.content.contains("tick 9")
    };
    bench.message(Place::GENERAL, "an answer of its own", has_all).await?;
    // What was for one alone stays so.
    let options = [("code", Input::Text(code)), ("private", Input::Flag(true))];
    bench.discord.command(ALICE, Place::SECRET, "il py", &options)?;
    bench
        .message(Place::direct(ALICE), "an answer to one alone", has_all)
        .await?;
    // Where the bot is not, whoever has it with them is told.
    bench.discord.change(|state| state.expected_refusals.push(50_001));
    for place in [Place::GROUP, Place::AWAY] {
        bench
            .discord
            .command(Person::BOB, place, "il py", &[("code", Input::Text(code))])?;
        bench
            .message(Place::direct(Person::BOB), "an answer to one alone", has_all)
            .await?;
        bench.discord.change(|state| {
            state
                .messages
                .retain(|_, message| message.place != Place::direct(Person::BOB));
        });
    }
    let is_told = bench.discord.look(|state| {
        state
            .messages
            .values()
            .any(|message| message.place == Place::SECRET && !message.is_ephemeral())
    });
    ensure(!is_told, || "a private answer is for all to see".to_owned())
}

pub(crate) async fn an_answer_that_is_taken_away_ends_quietly(bench: &Bench) -> Result<(), Failed> {
    bench.discord.change(|state| state.expected_refusals.push(10_008));
    let code = "import time\nfor n in range(6): print('tick', n); time.sleep(1)";
    let asked = bench
        .discord
        .command(ALICE, Place::GENERAL, "il py", &[("code", Input::Text(code))])?;
    let view = bench
        .shown(asked, "a running program", |view| view.content.contains("tick 0"))
        .await?;
    bench.discord.take_back(view.id)?;
    tokio::time::sleep(Duration::from_secs(9)).await;
    let messages = bench.discord.look(|state| {
        let is_there = |message: &&crate::server::Message| message.deleted.is_none();
        state.messages.values().filter(is_there).count()
    });
    ensure(messages == 0, || "what was taken away is answered again".to_owned())?;
    let view = bench.run(ALICE, "py", "print(6 * 7)").await?;
    ensure(view.content.contains("\n42\n"), || format!("{view:?}"))
}

pub(crate) async fn failures_of_discord_are_tried_again(bench: &Bench) -> Result<(), Failed> {
    for (method, template) in [("PATCH", EDITS), ("POST", CALLBACKS)] {
        bench.discord.change(|state| state.outages.push((method, template)));
        let view = bench.run(ALICE, "py", "print(6 * 7)").await?;
        let is_used = bench.discord.look(|state| state.outages.is_empty());
        ensure(view.content.contains("\n42\n") && is_used, || {
            format!("{method}: {view:?}")
        })?;
    }
    Ok(())
}
