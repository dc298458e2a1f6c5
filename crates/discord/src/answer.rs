//! Where an answer stands: with its interaction, and when that is over, or for a message, in the channel.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::message::{Message, deferred};
use crate::rest::{Body, Rest, RestError, Route};

/// Kinds of first answers to an interaction.
const MESSAGE: u8 = 4;
const DEFERRED_MESSAGE: u8 = 5;
const DEFERRED_UPDATE: u8 = 6;
const UPDATE: u8 = 7;
const MODAL: u8 = 9;

/// Names an interaction, for as long as it can be answered.
#[derive(Clone, Debug)]
pub(crate) struct Interaction {
    pub(crate) application: u64,
    pub(crate) id: u64,
    pub(crate) token: Secret,
    pub(crate) channel: u64,
    pub(crate) user: u64,
}

/// Is what lets whoever has it answer an interaction.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

/// Answers an interaction for the first time.
impl Interaction {
    /// Says that an answer will come.
    pub(crate) async fn defer(self, rest: &Arc<Rest>, is_private: bool) -> Result<Answer, RestError> {
        self.call_back(rest, DEFERRED_MESSAGE, deferred(is_private), &[])
            .await?;
        Ok(Answer {
            rest: Arc::clone(rest),
            place: Place::Interaction {
                interaction: self,
                is_private,
            },
        })
    }

    /// Says that the message with the button stays as it is for now.
    pub(crate) async fn acknowledge(&self, rest: &Rest) -> Result<(), RestError> {
        self.call_back(rest, DEFERRED_UPDATE, Value::Null, &[]).await
    }

    /// Says the same of a message that will change later, and returns that.
    pub(crate) async fn keep(self, rest: &Arc<Rest>) -> Result<Answer, RestError> {
        self.acknowledge(rest).await?;
        Ok(Answer {
            rest: Arc::clone(rest),
            place: Place::Interaction {
                interaction: self,
                is_private: true,
            },
        })
    }

    /// Answers at once, so that only whoever asked sees it.
    pub(crate) async fn tell(&self, rest: &Rest, message: &Message) -> Result<(), RestError> {
        self.call_back(rest, MESSAGE, message.new_body(true), &message.files)
            .await
    }

    /// Changes the message with the button.
    pub(crate) async fn replace(&self, rest: &Rest, message: &Message) -> Result<(), RestError> {
        self.call_back(rest, UPDATE, message.body(), &message.files).await
    }

    /// Opens a form.
    pub(crate) async fn open(&self, rest: &Rest, modal: Value) -> Result<(), RestError> {
        self.call_back(rest, MODAL, modal, &[]).await
    }

    /// Deletes the message with the button, once that was acknowledged.
    pub(crate) async fn delete(&self, rest: &Rest) -> Result<(), RestError> {
        let route = Route::DeleteAnswer {
            application: self.application,
            token: &self.token.0,
        };
        rest.call(route, Body::None).await.map(drop)
    }

    async fn call_back(
        &self,
        rest: &Rest,
        kind: u8,
        data: Value,
        files: &[crate::message::File],
    ) -> Result<(), RestError> {
        let route = Route::Callback {
            interaction: self.id,
            token: &self.token.0,
        };
        let mut body = json!({"type": kind});
        if !data.is_null() {
            body["data"] = data;
        }
        rest.call(route, Body::Files(&body, files)).await.map(drop)
    }
}

/// Is an answer that can be changed.
#[derive(Debug)]
pub(crate) struct Answer {
    rest: Arc<Rest>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Interaction {
        interaction: Interaction,
        is_private: bool,
    },
    Channel {
        channel: u64,
        /// The message, once it is there.
        message: Option<u64>,
        /// What it answers.
        reply_to: Option<u64>,
    },
    /// Whoever could has deleted it.
    Gone,
}

impl Answer {
    /// Creates an answer to a message, which appears with its first state.
    pub(crate) fn to_message(rest: &Arc<Rest>, channel: u64, reply_to: u64) -> Self {
        Self {
            rest: Arc::clone(rest),
            place: Place::Channel {
                channel,
                message: None,
                reply_to: Some(reply_to),
            },
        }
    }

    /// Makes `message` what the answer says.
    ///
    /// When the interaction is over, the answer goes on in the channel, or with its user alone if it was private or the bot
    /// may not write there.
    pub(crate) async fn show(&mut self, message: &Message) -> Result<(), RestError> {
        if let Place::Interaction {
            interaction,
            is_private,
        } = &self.place
        {
            let route = Route::EditAnswer {
                application: interaction.application,
                token: &interaction.token.0,
            };
            match self
                .rest
                .call(route, Body::Files(&message.body(), &message.files))
                .await
            {
                Err(RestError::Expired) => {}
                Err(RestError::Gone) => {
                    self.place = Place::Gone;
                    return Ok(());
                }
                shown => return shown.map(drop),
            }
            let (user, channel) = (interaction.user, interaction.channel);
            if !is_private {
                self.place = Place::in_channel(channel);
                match self.show_in_channel(message).await {
                    // Where users have the bot with them, it is not itself.
                    Err(error) if is_closed(&error) => {}
                    shown => return shown,
                }
            }
            self.place = match self.direct_channel(user).await {
                Ok(direct) => Place::in_channel(direct),
                Err(error) => {
                    if is_closed(&error) {
                        self.place = Place::Gone;
                    }
                    return Err(error);
                }
            };
        }
        self.show_in_channel(message).await
    }

    async fn show_in_channel(&mut self, message: &Message) -> Result<(), RestError> {
        let Place::Channel {
            channel,
            message: shown,
            reply_to,
        } = &mut self.place
        else {
            return Ok(());
        };
        if let Some(id) = *shown {
            let route = Route::EditMessage {
                channel: *channel,
                message: id,
            };
            let edited = self
                .rest
                .call(route, Body::Files(&message.body(), &message.files))
                .await;
            if let Err(RestError::Gone) = edited {
                self.place = Place::Gone;
                return Ok(());
            }
            return edited.map(drop);
        }
        let mut body = message.new_body(false);
        if let Some(original) = reply_to {
            body["message_reference"] = json!({"message_id": original.to_string(), "fail_if_not_exists": false});
        }
        let route = Route::CreateMessage { channel: *channel };
        let created = self.rest.call(route, Body::Files(&body, &message.files)).await;
        if created.as_ref().is_err_and(is_closed) {
            // Asked again and again, it would not open.
            self.place = Place::Gone;
        } else if let Ok(created) = &created {
            *shown = id_of(created);
        }
        created.map(drop)
    }

    async fn direct_channel(&self, user: u64) -> Result<u64, RestError> {
        let body = json!({"recipient_id": user.to_string()});
        let channel = self.rest.call(Route::DirectChannel, Body::Json(&body)).await?;
        id_of(&channel).ok_or(RestError::Gone)
    }

    /// Removes the answer.
    pub(crate) async fn delete(self) -> Result<(), RestError> {
        let deleted = match &self.place {
            Place::Interaction { interaction, .. } => interaction.delete(&self.rest).await,
            Place::Channel {
                channel,
                message: Some(message),
                ..
            } => {
                let route = Route::DeleteMessage {
                    channel: *channel,
                    message: *message,
                };
                self.rest.call(route, Body::None).await.map(drop)
            }
            Place::Channel { message: None, .. } | Place::Gone => Ok(()),
        };
        match deleted {
            Err(RestError::Gone) => Ok(()),
            deleted => deleted,
        }
    }
}

impl Place {
    /// Is where an answer goes on that has no message there yet.
    fn in_channel(channel: u64) -> Self {
        Self::Channel {
            channel,
            message: None,
            reply_to: None,
        }
    }
}

/// Returns whether the bot may not write to a channel, or does not know it.
fn is_closed(error: &RestError) -> bool {
    matches!(error, RestError::Refused { status: 403 | 404, .. })
}

fn id_of(value: &Value) -> Option<u64> {
    value["id"].as_str()?.parse().ok()
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}
