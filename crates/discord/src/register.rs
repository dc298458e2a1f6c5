//! Tells Discord which commands there are.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::Register;
use crate::bot::Bot;
use crate::commands;
use crate::rest::{Body, Rest, RestError, Route};

/// Knows where the commands are to be registered, and where they are.
#[derive(Debug)]
pub(crate) struct Registration {
    register: Register,
    application: u64,
    guilds: Mutex<HashSet<u64>>,
}

impl Registration {
    pub(crate) fn new(register: Register, application: u64) -> Self {
        Self {
            register,
            application,
            guilds: Mutex::default(),
        }
    }

    /// Registers the commands everywhere if that is where they are to be, and nowhere if each guild is to have them: there
    /// they would be offered twice.
    pub(crate) async fn everywhere(&self, rest: &Rest) -> Result<(), RestError> {
        let commands = match self.register {
            Register::Global => body(),
            Register::Guild => Value::Array(Vec::new()),
            Register::None => return Ok(()),
        };
        let route = Route::GlobalCommands {
            application: self.application,
        };
        rest.call(route, Body::Json(&commands)).await.map(drop)
    }

    pub(crate) fn application(&self) -> u64 {
        self.application
    }

    fn guilds(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.guilds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Registers the commands in a guild, once, if that is where they are to be.
pub(crate) async fn in_guild(bot: &Bot, guild: u64) -> Result<(), RestError> {
    let registration = &bot.registration;
    if registration.register != Register::Guild || !registration.guilds().insert(guild) {
        return Ok(());
    }
    let route = Route::GuildCommands {
        application: registration.application,
        guild,
    };
    let registered = bot.rest.call(route, Body::Json(&body())).await;
    if registered.is_err() {
        // It is tried again when the guild is told of again.
        registration.guilds().remove(&guild);
    }
    registered.map(drop)
}

fn body() -> Value {
    // What poise makes can always be written.
    serde_json::to_value(commands::registered()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_registered_is_what_discord_takes() {
        let body = body();
        let commands = body.as_array().unwrap();
        let names: Vec<&str> = commands.iter().filter_map(|command| command["name"].as_str()).collect();
        assert_eq!(names, ["il", "health", "Run code"]);
        let options = commands[0]["options"].as_array().unwrap();
        assert!(options.len() <= 25, "{} sub commands", options.len());
        for option in options {
            let description = option["description"].as_str().unwrap();
            assert!((1..=100).contains(&description.chars().count()), "{description}");
            for inner in option["options"].as_array().into_iter().flatten() {
                let description = inner["description"].as_str().unwrap();
                assert!((1..=100).contains(&description.chars().count()), "{description}");
            }
        }
        assert_eq!(commands[0]["integration_types"], serde_json::json!([0, 1]));
        assert_eq!(commands[0]["contexts"], serde_json::json!([0, 1, 2]));
    }
}
