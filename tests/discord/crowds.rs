//! Many users at once, and what waits for what.

use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;
use crate::server::{BOT, Input, Message, Person, Place, State};
use crate::setup::Setup;
use crate::view::View;

const USERS: u64 = 50;
/// How long any of them waits for the first answer.
const DEFERRED_WITHIN: Duration = Duration::from_secs(1);

/// Returns a setup in which there is much of the gateway to be late with.
pub(crate) fn quick_heart() -> Setup {
    let mut setup = Setup::default();
    setup.settings.heartbeat_interval = Duration::from_secs(1);
    setup
}

pub(crate) async fn fifty_users_at_once_are_all_answered(bench: &Bench) -> Result<(), Failed> {
    let begun = Instant::now();
    let mut asked = Vec::new();
    for number in 0..USERS {
        let code = format!("print({number} * 1000 + 7)");
        let options = [("code", Input::Text(&code))];
        asked.push(
            bench
                .discord
                .command(Person::other(number), Place::GENERAL, "il py", &options)?,
        );
    }
    let deadline = begun + Duration::from_mins(4);
    for (number, interaction) in asked.iter().enumerate() {
        let expected = format!("\n{}\n", number * 1000 + 7);
        let mut view = bench.answer(*interaction).await;
        while view.is_err() && Instant::now() < deadline {
            view = bench.answer(*interaction).await;
        }
        let view = view?;
        ensure(view.content.contains(&expected), || format!("user {number}: {view:?}"))?;
    }
    let all = begun.elapsed();
    let mut deferred = bench.discord.look(|state| {
        let waited = asked.iter().filter_map(|id| {
            let interaction = state.interactions.get(id)?;
            Some(interaction.callback.as_ref()?.at.duration_since(interaction.born))
        });
        waited.collect::<Vec<_>>()
    });
    deferred.sort_unstable();
    let at = |percent: usize| deferred[(deferred.len() - 1) * percent / 100];
    let (refused, requests, latest, beats) = bench.discord.look(|state| {
        (
            state.buckets.refused,
            state.requests.len(),
            state.gateway.latest,
            state.gateway.beats,
        )
    });
    println!(
        "{USERS} users: deferred p50 {:?}, p95 {:?}, max {:?}; all answered after {all:?}; {requests} requests, {refused} of \
         them limited; {beats} heartbeats, the latest {latest:?} after its time",
        at(50),
        at(95),
        at(100),
    );
    ensure(deferred.len() == asked.len() && at(100) < DEFERRED_WITHIN, || {
        format!("deferred after {:?}", at(100))
    })
}

/// Returns a setup in which programs wait for each other.
pub(crate) fn one_at_a_time() -> Setup {
    Setup {
        tables: "admission.max_running = 1\n".to_owned(),
        ..Setup::default()
    }
}

pub(crate) async fn who_waits_knows_its_place(bench: &Bench) -> Result<(), Failed> {
    let code = "import time; time.sleep(3); print('ended')";
    let mut asked = Vec::new();
    for number in 0..4 {
        let options = [("code", Input::Text(code))];
        asked.push(
            bench
                .discord
                .command(Person::other(number), Place::GENERAL, "il py", &options)?,
        );
    }
    for interaction in &asked {
        let view = bench.answer(*interaction).await?;
        ensure(view.content.contains("ended"), || format!("{view:?}"))?;
    }
    let told = bench.discord.look(|state| {
        let versions = state.messages.values().flat_map(|message| &message.versions);
        let content = versions.filter_map(|(_, body)| body["content"].as_str());
        content
            .filter(|content| content.contains("Waiting"))
            .map(ToOwned::to_owned)
            .collect::<Vec<_>>()
    });
    let knows = |place: &str| told.iter().any(|content| content.contains(place));
    ensure(knows("number 3") && knows("number 2") && knows("next"), || {
        format!("{told:?}")
    })
}

pub(crate) async fn one_channel_takes_few_messages_at_a_time(bench: &Bench) -> Result<(), Failed> {
    const MENTIONS: u64 = 12;
    let begun = Instant::now();
    let mut posts = Vec::new();
    for number in 0..MENTIONS {
        let content = format!("<@{BOT}> ```py\nprint({number} * 1000 + 7)\n```");
        posts.push(bench.discord.post(Person::other(number), Place::GENERAL, &content)?);
    }
    for (number, post) in posts.iter().enumerate() {
        let expected = format!("\n{}\n", number * 1000 + 7);
        let answers = |message: &Message| {
            let answered = message.body["message_reference"]["message_id"].as_str();
            answered == Some(&post.to_string()) && View::of(message).content.contains(&expected)
        };
        bench.message(Place::GENERAL, "an answer", answers).await?;
    }
    let refused = bench.discord.look(|state: &State| state.buckets.refused);
    println!(
        "{MENTIONS} mentions in one channel: answered after {:?}, {refused} requests limited",
        begun.elapsed()
    );
    Ok(())
}
