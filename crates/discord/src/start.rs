//! The bot from its start to its end.

use std::sync::Arc;
use std::time::Duration;

use inline_sandbox::{CancellationToken, SandboxService};
use poise::serenity_prelude as serenity;
use serde_json::Value;
use tokio::time::timeout;

use crate::bot::{Bot, chain};
use crate::failure::Failure;
use crate::policy::{Current, Reload};
use crate::register::Registration;
use crate::rest::{Body, Rest, Route, Token};
use crate::{DiscordConfig, Error, Register, commands, events, http};

/// How long those who wait for an answer at the end are waited for.
const LAST_ANSWERS: Duration = Duration::from_secs(15);
/// How long the gateway is given to say goodbye.
const GOODBYE: Duration = Duration::from_secs(3);
/// Marks of an application that may read what is in messages.
const MESSAGE_CONTENT: u64 = (1 << 18) | (1 << 19);

/// Holds what a bot is started with.
#[derive(Debug)]
#[non_exhaustive]
pub struct Options {
    token: Token,
    config: DiscordConfig,
    origin: Option<String>,
    reload: Option<Reload>,
}

impl Options {
    /// Takes the bot's token and its configuration.
    pub fn new(token: Token, config: DiscordConfig) -> Self {
        Self {
            token,
            config,
            origin: None,
            reload: None,
        }
    }

    /// Sets what stands for `https://discord.com`, such as a proxy.
    #[must_use]
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Sets where the policy is read again when it changes.
    #[must_use]
    pub fn with_reload(mut self, reload: Reload) -> Self {
        self.reload = Some(reload);
        self
    }
}

/// Connects to Discord and answers until `closing` is cancelled; then everything that runs is cancelled and answered.
///
/// The service is ended by then, whatever comes of the bot.
///
/// # Errors
///
/// - [`Error::Config`], [`Error::Listen`] before anything else.
/// - [`Error::Unauthorized`] if Discord does not take the token.
/// - [`Error::Discord`] if Discord cannot be reached at start, or ends the connection for good.
pub async fn run(service: SandboxService, options: Options, closing: CancellationToken) -> Result<(), Error> {
    let ended = connect(&service, options, &closing).await;
    service.shutdown().await;
    ended
}

async fn connect(service: &SandboxService, options: Options, closing: &CancellationToken) -> Result<(), Error> {
    let languages: Vec<String> = service.languages().keys().cloned().collect();
    options.config.validate()?;
    options.config.check_languages(&languages)?;
    let server = match options.config.http {
        Some(address) => Some(http::Server::bind(address).await?),
        None => None,
    };
    let register = options.config.register;
    let rest = Rest::new(options.token, options.origin.as_deref()).map_err(Error::discord("speaking to discord"))?;
    let Some(introduced) = closing.run_until_cancelled(introduce(&rest, register)).await else {
        return Ok(());
    };
    let (application, registration) = introduced?;
    let current = Current::new(options.config, languages);
    // What runs is ended first, and answered; health is told until that is done.
    let stopping = CancellationToken::new();
    let ended = CancellationToken::new();
    let _guards = [&stopping, &ended].map(|token| token.clone().drop_guard());
    let bot = Arc::new(Bot::new(
        service.clone(),
        rest,
        current.clone(),
        registration,
        stopping.clone(),
    ));
    if let Some(reload) = options.reload {
        drop(tokio::spawn(current.follow(reload, stopping.clone())));
    }
    if let Some(server) = server {
        drop(tokio::spawn(server.serve(Arc::clone(&bot), ended.clone())));
    }
    let id = bot.registration.application();
    converse(&bot, id, intents(register, &application), closing).await
}

/// Asks which application the token is of, and registers its commands.
async fn introduce(rest: &Rest, register: Register) -> Result<(Value, Registration), Error> {
    let application = rest
        .call(Route::Application, Body::None)
        .await
        .map_err(Error::discord("asking discord who we are"))?;
    let id = application["id"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .filter(|id| *id > 0)
        .ok_or(Error::Unauthorized)?;
    let registration = Registration::new(register, id);
    registration
        .everywhere(rest)
        .await
        .map_err(Error::discord("registering the commands with discord"))?;
    Ok((application, registration))
}

/// Speaks with the gateway until `closing`, and for as long after that as there is anything to answer.
async fn converse(
    bot: &Arc<Bot>,
    application: u64,
    intents: serenity::GatewayIntents,
    closing: &CancellationToken,
) -> Result<(), Error> {
    let failed = |error: serenity::Error| match error {
        serenity::Error::Gateway(serenity::GatewayError::InvalidAuthentication) => Error::Unauthorized,
        source => Error::Discord {
            operation: "connecting to discord's gateway",
            source: source.into(),
        },
    };
    let http = serenity::HttpBuilder::new(bot.rest.token().expose())
        .proxy(bot.rest.origin())
        // Ours is in `Rest`; what goes through here is autocompletion and the address of the gateway.
        .ratelimiter_disabled(true)
        .application_id(serenity::ApplicationId::new(application))
        .build();
    let mut client = serenity::ClientBuilder::new_with_http(http, intents)
        .framework(framework(bot))
        .await
        .map_err(failed)?;
    let shards = Arc::clone(&client.shard_manager);
    let ended = tokio::select! {
        ended = client.start_autosharded() => ended.map_err(failed),
        () = closing.cancelled() => {
            finish(bot).await;
            drop(timeout(GOODBYE, shards.shutdown_all()).await);
            return Ok(());
        }
    };
    bot.closing.cancel();
    finish(bot).await;
    ended
}

/// Cancels what runs, and waits until whoever waits for that is answered.
async fn finish(bot: &Bot) {
    bot.closing.cancel();
    tracing::info!(waiting = bot.tasks.len(), "ending");
    bot.tasks.close();
    let cancelled = async {
        if let Err(error) = bot.service.cleanup_all().await {
            tracing::warn!(error = chain(&error), "containers may be left on the engine");
        }
    };
    let answered = timeout(LAST_ANSWERS, bot.tasks.wait());
    let ((), answered) = tokio::join!(cancelled, answered);
    if answered.is_err() {
        tracing::warn!(waiting = bot.tasks.len(), "not all could be answered");
    }
}

fn framework(bot: &Arc<Bot>) -> poise::Framework<Arc<Bot>, Failure> {
    let bot = Arc::clone(bot);
    poise::Framework::builder()
        .options(poise::FrameworkOptions {
            commands: commands::all(),
            event_handler: |context, event| Box::pin(events::handle(context, event)),
            on_error: |error| Box::pin(commands::on_error(error)),
            // What mentions the bot is code, and no command.
            prefix_options: poise::PrefixFrameworkOptions {
                mention_as_prefix: false,
                ..Default::default()
            },
            allowed_mentions: Some(serenity::CreateAllowedMentions::new()),
            ..Default::default()
        })
        // Nobody is more than a user.
        .initialize_owners(false)
        .setup(move |_, _, _| Box::pin(async move { Ok(bot) }))
        .build()
}

/// Returns what the gateway is asked to tell.
fn intents(register: Register, application: &Value) -> serenity::GatewayIntents {
    let mut intents = serenity::GatewayIntents::GUILD_MESSAGES | serenity::GatewayIntents::DIRECT_MESSAGES;
    // Whoever asks without being allowed to is sent away.
    if application["flags"].as_u64().unwrap_or(0) & MESSAGE_CONTENT != 0 {
        intents |= serenity::GatewayIntents::MESSAGE_CONTENT;
    }
    if register == Register::Guild {
        intents |= serenity::GatewayIntents::GUILDS;
    }
    intents
}
