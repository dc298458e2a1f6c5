//! The limits and the gateway of the test server itself.

use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::ensure;
use crate::itself::{GUILD_MESSAGES, MESSAGES, complains, is_content, none, settings};
use crate::raw::{self, Shard, send};
use crate::server::{Discord, Fault, Injected, Person, Place, Scope};

pub(crate) async fn limits_refuse_and_whoever_does_not_wait_is_told() -> Result<(), Failed> {
    let discord = Discord::start(settings()).await?;
    let message = json!({"content": "x", "allowed_mentions": none()});
    for left in (0..5).rev() {
        let answer = send(&discord, "POST", MESSAGES, &message).await?;
        let is_told = answer.header("x-ratelimit-remaining") == left.to_string();
        ensure(answer.status == 200 && is_told, || format!("{answer:?}"))?;
    }
    let refused = send(&discord, "POST", MESSAGES, &message).await?;
    let wait = refused.body["retry_after"].as_f64().unwrap_or_default();
    ensure(refused.status == 429 && (1.0..5.0).contains(&wait), || {
        format!("{refused:?}")
    })?;
    let other = send(&discord, "POST", "/api/v10/channels/427819008/messages", &message).await?;
    ensure(other.status == 200, || format!("{other:?}"))?;
    is_content(&discord)?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    send(&discord, "POST", MESSAGES, &message).await?;
    complains(&discord, "before the end of the limit")?;

    discord.change(|state| {
        state.buckets.injected.push(Injected {
            method: "GET",
            template: &["gateway", "bot"],
            retry_after: Duration::from_secs(1),
            scope: Scope::Global,
        });
    });
    let refused = send(&discord, "GET", "/api/v10/gateway/bot", &Value::Null).await?;
    let is_global = refused.header("x-ratelimit-global") == "true" && refused.body["global"] == true;
    ensure(
        refused.status == 429 && is_global && refused.header("retry-after") == "1",
        || format!("{refused:?}"),
    )?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    send(&discord, "GET", "/api/v10/users/@me", &Value::Null).await?;
    complains(&discord, "before the end of the limit")
}

pub(crate) async fn sessions_outlive_their_connections() -> Result<(), Failed> {
    let discord = Discord::start(settings()).await?;
    let (mut shard, ready) = Shard::identify(&discord, GUILD_MESSAGES | 1 << 15).await?;
    shard.send(&json!({"op": 1, "d": 1})).await?;
    let acknowledged = shard.next().await?;
    ensure(acknowledged["op"] == 11, || acknowledged.to_string())?;
    discord.fault(Fault::Reconnect);
    let asked = shard.next().await?;
    ensure(asked["op"] == 7, || asked.to_string())?;
    discord.fault(Fault::Drop);
    let ended = shard.next().await?;
    ensure(ended == json!({"close": null}), || ended.to_string())?;
    discord.post(Person::ALICE, Place::GENERAL, "missed")?;

    let token = &discord.server().settings.token;
    let mut again = Shard::connect(&discord).await?;
    let resume = json!({"op": 6, "d": {"token": token, "session_id": ready["session_id"], "seq": 1}});
    again.send(&resume).await?;
    let missed = again.event("MESSAGE_CREATE").await?;
    ensure(missed["d"]["content"] == "missed" && missed["s"] == 2, || {
        missed.to_string()
    })?;
    again.event("RESUMED").await?;
    discord.fault(Fault::InvalidSession(false));
    let invalid = again.next().await?;
    ensure(invalid["op"] == 9 && invalid["d"] == false, || invalid.to_string())?;
    let mut third = Shard::connect(&discord).await?;
    third.send(&resume).await?;
    let invalid = third.next().await?;
    ensure(invalid["op"] == 9 && invalid["d"] == false, || invalid.to_string())?;
    // Who identifies at once after the first time has to do it again.
    third.send(&raw::identify(token, 0)).await?;
    let early = third.next().await?;
    ensure(early["op"] == 9, || early.to_string())?;
    is_content(&discord)
}

pub(crate) async fn heartbeats_are_watched() -> Result<(), Failed> {
    let mut settings = settings();
    settings.heartbeat_interval = Duration::from_millis(200);
    settings.message_content = false;
    let discord = Discord::start(settings).await?;
    let mut shard = Shard::connect(&discord).await?;
    shard
        .send(&raw::identify(&discord.server().settings.token, 1 << 15))
        .await?;
    let closed = shard.next().await?;
    ensure(closed == json!({"close": 4014}), || closed.to_string())?;
    let (mut shard, _) = Shard::identify(&discord, 0).await?;
    discord.fault(Fault::Silence);
    tokio::time::sleep(Duration::from_millis(100)).await;
    shard.send(&json!({"op": 1, "d": 1})).await?;
    let silence = tokio::time::timeout(Duration::from_millis(300), shard.next()).await;
    ensure(silence.is_err(), || "a silent gateway answers".to_owned())?;
    is_content(&discord)?;
    drop(shard);

    tokio::time::sleep(Duration::from_millis(4500)).await;
    let (mut shard, _) = Shard::identify(&discord, 0).await?;
    let closed = shard.next().await?;
    ensure(closed == json!({"close": 4009}), || closed.to_string())?;
    complains(&discord, "heartbeat")?;
    let latest = discord.look(|state| state.gateway.latest);
    ensure(latest >= Duration::from_secs(1), || format!("{latest:?}"))
}
