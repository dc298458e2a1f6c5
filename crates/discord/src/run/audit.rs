//! Tells of runs in the channel that the operator has named for that.

use std::sync::Arc;

use inline_sandbox::RunResult;

use super::Ask;
use crate::bot::{Bot, chain};
use crate::config::Rule;
use crate::message::Message;
use crate::rest::{Body, Route};
use crate::show::{inline, span};

/// Tells of the run `id`, beside everything else.
pub(super) fn tell(bot: &Arc<Bot>, id: &str, ask: &Ask, rule: &Rule, result: &RunResult) {
    let Some(channel) = rule.audit_channel.as_ref().and_then(|channel| channel.parse().ok()) else {
        return;
    };
    let text = text(id, ask, result);
    let told = Arc::clone(bot);
    drop(bot.tasks.spawn(async move {
        let body = Message::new(text).new_body(false);
        let sent = told
            .rest
            .call(Route::CreateMessage { channel }, Body::Json(&body))
            .await;
        if let Err(error) = sent {
            tracing::warn!(
                error = chain(&error),
                channel,
                "a run could not be told in the audit channel"
            );
        }
    }));
}

fn text(id: &str, ask: &Ask, result: &RunResult) -> String {
    format!(
        "run {} · user {} · {} · {} · {} · {}",
        inline(id),
        inline(&ask.caller.user.to_string()),
        inline(&ask.caller.place()),
        inline(&ask.language),
        result.verdict.name(),
        span(result.usage.wall)
    )
}
