//! The Discord face of Inline: a bot that runs the programs of its users in their sandboxes.
//!
//! It stands on [`SandboxService`](inline_sandbox::SandboxService) alone. What it shows and whom it obeys are pure text and
//! pure decisions, which know nothing of Discord's types; around them [serenity] keeps the connection and [poise] reads the
//! commands.
//!
//! ```no_run
//! use inline_discord::{DiscordConfig, Options, Token};
//! use inline_sandbox::{CancellationToken, SandboxService};
//!
//! # async fn example(service: SandboxService) -> Result<(), inline_discord::Error> {
//! let token = Token::new("a token").ok_or(inline_discord::Error::Unauthorized)?;
//! let closing = CancellationToken::new();
//! inline_discord::run(service, Options::new(token, DiscordConfig::default()), closing).await
//! # }
//! ```
//!
//! [serenity]: https://docs.rs/serenity
//! [poise]: https://docs.rs/poise

mod answer;
mod bot;
mod caller;
mod code;
mod commands;
pub mod config;
mod custom_id;
mod error;
mod events;
mod failure;
mod gateway;
mod http;
mod mention;
mod message;
pub mod metric;
mod policy;
mod register;
mod rest;
mod run;
mod show;
mod start;

pub use config::{DiscordConfig, DiscordSettings, Register};
pub use error::Error;
pub use policy::Reload;
pub use rest::Token;
pub use start::{Options, run};
