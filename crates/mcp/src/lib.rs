//! The MCP server of Inline: an agent runs its programs in containers that are thrown away.
//!
//! It stands on the [`SandboxService`](inline_sandbox::SandboxService) alone, whose policy holds for every call: no
//! argument of a tool turns on a network, raises a limit or chooses an image. [`serve_stdio`] serves the one client on
//! standard input and output, [`HttpServer`] many by HTTP, each with a sandbox of its own.

mod call;
mod changes;
mod client;
mod config;
mod departure;
mod error;
mod excerpt;
mod handler;
mod http;
mod images;
mod listing;
mod log;
mod message;
mod mime;
mod outputs;
mod progress;
mod refusal;
mod report;
mod resources;
mod schema;
mod stdio;
mod token;
mod tools;
mod uri;

pub use config::{McpConfig, McpSettings};
pub use error::{Error, Result};
pub use http::HttpServer;
pub use stdio::serve_stdio;
pub use token::Tokens;
