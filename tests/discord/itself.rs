//! The test server itself: what it must do for the other cases to mean something.

use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::ensure;
use crate::raw::{self, Shard, send, send_form};
use crate::server::{Discord, Input, Person, Place, Settings};

const COMMANDS: &str = "/api/v10/applications/1266679808/commands";
pub(crate) const MESSAGES: &str = "/api/v10/channels/423624704/messages";
pub(crate) const GUILD_MESSAGES: u64 = 1 << 9;

pub(crate) fn settings() -> Settings {
    Settings {
        token: "MTI2MjQ4NTUwNA.GabcdE.abcdefghijklmnopqrstuvwxyz0".to_owned(),
        heartbeat_interval: Duration::from_secs(5),
        answer_within: Duration::from_secs(3),
        token_lifetime: Duration::from_mins(15),
        message_content: true,
        shards: 1,
        upload_limit: 1 << 20,
    }
}

pub(crate) fn none() -> Value {
    json!({"parse": []})
}

/// Returns how many complaints there are, and forgets them.
fn complaints(discord: &Discord) -> Vec<String> {
    discord.change(|state| std::mem::take(&mut state.complaints))
}

pub(crate) fn complains(discord: &Discord, of: &str) -> Result<(), Failed> {
    let all = complaints(discord);
    ensure(all.iter().any(|one| one.contains(of)), || {
        format!("nothing complains of `{of}`: {all:?}")
    })
}

pub(crate) fn is_content(discord: &Discord) -> Result<(), Failed> {
    let all = complaints(discord);
    ensure(all.is_empty(), || format!("{all:?}"))
}

/// Registers a command with an option, and one of the menu.
async fn register(discord: &Discord) -> Result<(), Failed> {
    let options = json!([
        {"type": 1, "name": "py", "description": "Runs Python", "options": [
            {"type": 3, "name": "code", "description": "The program", "autocomplete": true},
            {"type": 11, "name": "file", "description": "A file"},
        ]},
    ]);
    let commands = json!([
        {"name": "il", "description": "Runs programs", "options": options},
        {"name": "Run code", "type": 3},
    ]);
    let answer = send(discord, "PUT", COMMANDS, &commands).await?;
    ensure(
        answer.status == 200 && answer.body.as_array().is_some_and(|all| all.len() == 2),
        || format!("{answer:?}"),
    )
}

fn callback(interaction: &Value) -> String {
    let part = |name: &str| interaction[name].as_str().unwrap_or_default();
    format!("/api/v10/interactions/{}/{}/callback", part("id"), part("token"))
}

fn original(interaction: &Value) -> String {
    let token = interaction["token"].as_str().unwrap_or_default();
    format!("/api/v10/webhooks/1266679808/{token}/messages/@original")
}

pub(crate) async fn who_has_not_the_token_is_refused() -> Result<(), Failed> {
    let discord = Discord::start(settings()).await?;
    let answer = raw::request(&discord, "GET", "/api/v10/users/@me", "other", "", Vec::new()).await?;
    ensure(answer.status == 401, || format!("{answer:?}"))?;
    complains(&discord, "401")?;
    let answer = send(&discord, "GET", "/api/v10/gateway/bot", &Value::Null).await?;
    ensure(
        answer.body["shards"] == 1 && answer.header("x-ratelimit-limit") == "10",
        || format!("{answer:?}"),
    )?;
    is_content(&discord)?;
    let message = json!({"content": settings().token, "allowed_mentions": none()});
    send(&discord, "POST", MESSAGES, &message).await?;
    complains(&discord, "token where it does not belong")?;
    send(&discord, "GET", "/api/v9/gateway", &Value::Null).await?;
    complains(&discord, "not below")?;
    let mut shard = Shard::connect(&discord).await?;
    shard.send(&raw::identify("other", 0)).await?;
    let closed = shard.next().await?;
    ensure(closed == json!({"close": 4004}), || closed.to_string())
}

pub(crate) async fn an_interaction_is_deferred_and_answered() -> Result<(), Failed> {
    let discord = Discord::start(settings()).await?;
    let (mut shard, _) = Shard::identify(&discord, 0).await?;
    register(&discord).await?;
    let file = Input::File("a.txt", b"x");
    let options = [("code", Input::Text("1")), ("file", file)];
    let id = discord.command(Person::ALICE, Place::GENERAL, "il py", &options)?;
    let interaction = shard.event("INTERACTION_CREATE").await?["d"].clone();
    let given = &interaction["data"]["options"][0]["options"];
    let attachment = &interaction["data"]["resolved"]["attachments"][given[1]["value"].as_str().unwrap_or_default()];
    ensure(given[0]["value"] == "1" && attachment["filename"] == "a.txt", || {
        interaction.to_string()
    })?;

    // Before the first answer there is nothing to change.
    let early = send(&discord, "PATCH", &original(&interaction), &json!({"content": "x"})).await?;
    ensure(early.status == 404, || format!("{early:?}"))?;
    complaints(&discord);
    let deferred = send(
        &discord,
        "POST",
        &callback(&interaction),
        &json!({"type": 5, "data": {"flags": 64}}),
    )
    .await?;
    ensure(deferred.status == 204, || format!("{deferred:?}"))?;
    let twice = send(&discord, "POST", &callback(&interaction), &json!({"type": 5})).await?;
    ensure(twice.body["code"] == 40_060, || format!("{twice:?}"))?;
    complains(&discord, "40060")?;
    let message = json!({"content": "done", "allowed_mentions": none()});
    let edited = send(&discord, "PATCH", &original(&interaction), &message).await?;
    ensure(edited.body["flags"] == 64 && edited.body["content"] == "done", || {
        format!("{edited:?}")
    })?;
    is_content(&discord)?;
    let (loading, states) = discord.look(|state| {
        let original = state
            .interactions
            .get(&id)
            .and_then(|one| one.original)
            .and_then(|id| state.messages.get(&id));
        original.map_or((true, 0), |message| (message.is_loading(), message.versions.len()))
    });
    ensure(!loading && states == 2, || format!("{loading} {states}"))
}

pub(crate) async fn answers_that_come_late_are_refused() -> Result<(), Failed> {
    let mut settings = settings();
    settings.answer_within = Duration::from_millis(50);
    settings.token_lifetime = Duration::from_millis(400);
    let discord = Discord::start(settings).await?;
    let (mut shard, _) = Shard::identify(&discord, 0).await?;
    register(&discord).await?;
    discord.command(Person::ALICE, Place::GENERAL, "il py", &[])?;
    let interaction = shard.event("INTERACTION_CREATE").await?["d"].clone();
    tokio::time::sleep(Duration::from_millis(80)).await;
    let late = send(&discord, "POST", &callback(&interaction), &json!({"type": 5})).await?;
    ensure(late.body["code"] == 10_062, || format!("{late:?}"))?;
    complains(&discord, "was answered after")?;

    discord.command(Person::ALICE, Place::GENERAL, "il py", &[])?;
    let interaction = shard.event("INTERACTION_CREATE").await?["d"].clone();
    send(&discord, "POST", &callback(&interaction), &json!({"type": 5})).await?;
    is_content(&discord)?;
    tokio::time::sleep(Duration::from_millis(450)).await;
    discord.change(|state| state.expected_refusals.push(50_027));
    let expired = send(&discord, "PATCH", &original(&interaction), &json!({"content": "x"})).await?;
    ensure(expired.status == 401 && expired.body["code"] == 50_027, || {
        format!("{expired:?}")
    })
}

pub(crate) async fn buttons_menus_forms_and_completions_come_and_are_answered() -> Result<(), Failed> {
    let discord = Discord::start(settings()).await?;
    let (mut shard, _) = Shard::identify(&discord, GUILD_MESSAGES | 1 << 15).await?;
    register(&discord).await?;
    discord.autocomplete(Person::ALICE, Place::GENERAL, "il py", ("code", "pr"))?;
    let interaction = shard.event("INTERACTION_CREATE").await?["d"].clone();
    ensure(
        interaction["type"] == 4 && interaction["data"]["options"][0]["options"][0]["focused"] == true,
        || interaction.to_string(),
    )?;
    let wrong = send(&discord, "POST", &callback(&interaction), &json!({"type": 5})).await?;
    ensure(wrong.status == 400, || format!("{wrong:?}"))?;
    complaints(&discord);
    let choices = json!({"type": 8, "data": {"choices": [{"name": "print", "value": "print"}]}});
    let chosen = send(&discord, "POST", &callback(&interaction), &choices).await?;
    ensure(chosen.status == 204, || format!("{chosen:?}"))?;

    let post = discord.post(Person::BOB, Place::GENERAL, "`1`")?;
    let event = shard.event("MESSAGE_CREATE").await?;
    ensure(
        event["d"]["content"] == "`1`" && event["d"]["member"]["roles"] == json!([]),
        || event.to_string(),
    )?;
    let menu = discord.menu(Person::ALICE, "Run code", post)?;
    let interaction = shard.event("INTERACTION_CREATE").await?["d"].clone();
    ensure(
        interaction["data"]["resolved"]["messages"][post.to_string()]["content"] == "`1`",
        || interaction.to_string(),
    )?;
    let input = json!({"type": 4, "custom_id": "code", "label": "Code", "style": 2, "value": "before"});
    let form = json!({"custom_id": "f", "title": "Editor", "components": [{"type": 1, "components": [input]}]});
    send(
        &discord,
        "POST",
        &callback(&interaction),
        &json!({"type": 9, "data": form}),
    )
    .await?;
    discord.submit(menu, &[("code", "typed")])?;
    let interaction = shard.event("INTERACTION_CREATE").await?["d"].clone();
    ensure(
        interaction["data"]["components"][0]["components"][0]["value"] == "typed",
        || interaction.to_string(),
    )?;
    let button = json!({"type": 2, "style": 2, "label": "Stop", "custom_id": "stop"});
    let data = json!({
        "content": "x", "components": [{"type": 1, "components": [button]}], "allowed_mentions": none(),
    });
    let path = callback(&interaction) + "?with_response=true";
    let answer = send(&discord, "POST", &path, &json!({"type": 4, "data": data})).await?;
    let message = answer.body["resource"]["message"]["id"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .unwrap_or(0);
    discord.press(Person::MONA, message, "Stop")?;
    let interaction = shard.event("INTERACTION_CREATE").await?["d"].clone();
    let can_moderate = interaction["member"]["permissions"]
        .as_str()
        .and_then(|all| all.parse::<u64>().ok());
    ensure(can_moderate.is_some_and(|all| all & 1 << 13 != 0), || {
        interaction.to_string()
    })?;
    let data = json!({"content": "stopped", "components": [], "allowed_mentions": none()});
    send(
        &discord,
        "POST",
        &callback(&interaction),
        &json!({"type": 7, "data": data}),
    )
    .await?;
    let content = discord.look(|state| {
        state
            .messages
            .get(&message)
            .map(|message| message.body["content"].clone())
    });
    ensure(content == Some(json!("stopped")), || format!("{content:?}"))?;
    is_content(&discord)
}

pub(crate) async fn messages_that_discord_refuses_are_refused() -> Result<(), Failed> {
    let discord = Discord::start(settings()).await?;
    let long = json!({"content": "x".repeat(2001), "allowed_mentions": none()});
    let two = json!([{"type": 1, "components": [
        {"type": 2, "style": 1, "label": "a", "custom_id": "same"}, {"type": 2, "style": 1, "label": "b", "custom_id": "same"},
    ]}]);
    for (body, code) in [
        (json!({}), 50_006),
        (long, 50_035),
        (
            json!({"content": "x", "components": two, "allowed_mentions": none()}),
            50_035,
        ),
        (json!({"content": "x", "flags": 64, "allowed_mentions": none()}), 50_035),
    ] {
        let answer = send(&discord, "POST", MESSAGES, &body).await?;
        ensure(answer.body["code"] == code, || format!("{body}: {answer:?}"))?;
        complains(&discord, &code.to_string())?;
    }
    send(&discord, "POST", MESSAGES, &json!({"content": "@everyone"})).await?;
    complains(&discord, "could ping")?;

    tokio::time::sleep(Duration::from_secs(5)).await;
    let payload =
        json!({"content": "x", "attachments": [{"id": "0", "filename": "a.txt"}], "allowed_mentions": none()});
    let sent = send_form(&discord, "POST", MESSAGES, &payload, &[("a.txt", b"one\r\ntwo")]).await?;
    let url = sent.body["attachments"][0]["url"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    ensure(sent.body["attachments"][0]["size"] == 8, || format!("{sent:?}"))?;
    let path = url.strip_prefix(&discord.base()).unwrap_or_default();
    let fetched = raw::request(&discord, "GET", path, "", "", Vec::new()).await?;
    ensure(
        fetched.status == 200 && fetched.header("content-type") == "text/plain",
        || format!("{fetched:?}"),
    )?;
    is_content(&discord)?;
    let large = vec![b'x'; (1 << 20) + 1];
    let sent = send_form(&discord, "POST", MESSAGES, &payload, &[("a.txt", &large)]).await?;
    ensure(sent.status == 413, || format!("{sent:?}"))
}
