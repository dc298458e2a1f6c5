//! What all events of the bot share.

use std::sync::Arc;

use inline_runtime::ImageReference;
use inline_sandbox::{Language, Limits, Owner, SandboxError, SandboxService};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::{Answer, Interaction};
use crate::commands::Beside;
use crate::config::Rule;
use crate::failure::Failure;
use crate::gateway::Shards;
use crate::mention::Mentions;
use crate::message::Message;
use crate::policy::{Caller, Cooldowns, Current, Refused, decide};
use crate::register::Registration;
use crate::rest::{Body, Rest, RestError, Route};
use crate::run::{Audit, Modes, Recent};

/// How many files are on their way at once.
const MAX_TRANSFERS: usize = 8;

/// Holds what all events share.
#[derive(Debug)]
pub(crate) struct Bot {
    pub(crate) service: SandboxService,
    pub(crate) rest: Arc<Rest>,
    pub(crate) current: Current,
    pub(crate) cooldowns: Cooldowns,
    pub(crate) recent: Recent,
    pub(crate) audit: Audit,
    pub(crate) modes: Modes,
    pub(crate) mentions: Mentions,
    /// The files that wait for what is written in an editor.
    pub(crate) beside: Beside,
    pub(crate) shards: Shards,
    pub(crate) registration: Registration,
    /// Room for files that are held in memory on their way.
    pub(crate) transfers: Semaphore,
    /// What is yet to be answered.
    pub(crate) tasks: TaskTracker,
    pub(crate) closing: CancellationToken,
}

impl Bot {
    pub(crate) fn new(
        service: SandboxService,
        rest: Rest,
        current: Current,
        registration: Registration,
        closing: CancellationToken,
    ) -> Self {
        Self {
            registration,
            service,
            rest: Arc::new(rest),
            current,
            cooldowns: Cooldowns::default(),
            recent: Recent::default(),
            audit: Audit::default(),
            modes: Modes::default(),
            mentions: Mentions::default(),
            beside: Beside::default(),
            shards: Shards::default(),
            transfers: Semaphore::new(MAX_TRANSFERS),
            tasks: TaskTracker::new(),
            closing,
        }
    }

    /// Returns the rule for `caller`, if that one may use the bot at all.
    pub(crate) fn rule(&self, caller: &Caller) -> Result<Rule, Failure> {
        if self.closing.is_cancelled() {
            return Err(Failure::Restarting);
        }
        let rule = decide(&self.current.get(), caller);
        rule.check_access()?;
        Ok(rule)
    }

    /// Finds what the channel of a message is in, which only interactions say, where a rule could depend on it.
    pub(crate) async fn find_parent(&self, caller: &mut Caller) -> Result<(), RestError> {
        if caller.guild.is_some() && !self.current.get().channels.is_empty() {
            let route = Route::Channel {
                channel: caller.channel,
            };
            let channel = self.rest.call(route, Body::None).await?;
            caller.parent = channel["parent_id"].as_str().and_then(|id| id.parse().ok());
        }
        Ok(())
    }

    /// Lets a run of `language` in, as far as that can be said at once; its time until the next begins.
    pub(crate) fn admit(&self, caller: &Caller, language: &str) -> Result<Rule, Failure> {
        let rule = self.rule(caller)?;
        rule.check_language(language)?;
        self.cooldowns.check(caller.user, rule.cooldown)?;
        Ok(rule)
    }

    /// Checks what has to be looked up: the day's use, and the image that the owner has chosen.
    pub(crate) async fn check_use(&self, caller: &Caller, rule: &Rule, language: &str) -> Result<(), Failure> {
        let owner = caller.owner()?;
        if rule.daily_cpu.is_some() {
            rule.check_daily_cpu(self.service.usage_today(&owner).await?.cpu)?;
        }
        if rule.images.is_some()
            && let Some(language) = self.service.languages().get(language)
        {
            rule.check_image(&self.image(&owner, language).await?)?;
        }
        Ok(())
    }

    /// Returns the image that programs of `owner` in `language` run in.
    pub(crate) async fn image(&self, owner: &Owner, language: &Language) -> Result<ImageReference, Failure> {
        let chosen = match self.service.sandbox(owner).await {
            Ok(sandbox) => sandbox.settings.images.get(&language.name).cloned(),
            Err(SandboxError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(chosen.unwrap_or_else(|| language.image.clone()))
    }

    /// Finds a language by what a person calls it.
    pub(crate) fn language(&self, name: &str) -> Result<&Language, Failure> {
        let name = name.trim().to_ascii_lowercase();
        let known = self.service.languages();
        known
            .values()
            .find(|language| language.answers_to(&name))
            .ok_or_else(|| {
                Failure::Sandbox(SandboxError::UnknownLanguage {
                    language: name.chars().take(64).collect(),
                    known: known.keys().cloned().collect(),
                })
            })
    }

    /// Returns the limits of a run under `rule`.
    pub(crate) fn limits(&self, rule: &Rule) -> Result<Limits, Failure> {
        Ok(self.service.config().limits.narrow(&rule.limits())?)
    }

    /// Answers an interaction with what comes of `work`, which may take its time, to whoever asked alone.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        interaction: Interaction,
        work: impl Future<Output = Result<Message, Failure>> + Send + 'static,
    ) -> Result<(), RestError> {
        let mut answer = interaction.defer(&self.rest, true).await?;
        drop(self.tasks.spawn(async move {
            let message = work.await.unwrap_or_else(|failure| Message::new(failure.tell()));
            present(&mut answer, message).await;
        }));
        Ok(())
    }

    /// Tells whoever asked, and nobody else, why it is not done.
    pub(crate) async fn refuse(&self, interaction: &Interaction, failure: &Failure) {
        let told = interaction.tell(&self.rest, &Message::new(failure.tell())).await;
        if let Err(error) = told {
            tracing::warn!(error = chain(&error), "a refusal could not be told");
        }
    }
}

/// Makes `message` what `answer` says, without its files where those are refused.
pub(crate) async fn present(answer: &mut Answer, mut message: Message) {
    let shown = match answer.show(&message).await {
        Err(RestError::Refused { .. }) if !message.files.is_empty() => {
            message.files.clear();
            message.content = with_note(message.content, "\n-# the files were refused by Discord");
            answer.show(&message).await
        }
        shown => shown,
    };
    if let Err(error) = shown {
        tracing::warn!(error = chain(&error), "an answer could not be shown");
    }
}

fn with_note(content: String, note: &str) -> String {
    use crate::show::{MAX_CONTENT, length};
    if length(&content) + length(note) > MAX_CONTENT {
        return content;
    }
    content + note
}

/// Returns an error with its causes, for the log.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}
