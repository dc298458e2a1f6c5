//! `inline mcp`.

use std::net::SocketAddr;

use clap::Args;
use inline_sandbox::Owner;

use super::owner;

const EXAMPLES: &str = "\
Examples:
  inline mcp                               for a client that starts it, on standard input and output
  inline mcp --http 127.0.0.1:8730         for clients at http://127.0.0.1:8730/mcp

Clients by HTTP show a token, `INLINE_MCP_TOKEN` or one of the file `mcp.tokens_file`; without any, only this machine is served.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct McpArguments {
    /// Serves streamable HTTP at this address
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
    /// Whose sandbox the client on standard input and output has: `kind:name`, or a name for `local:name`; by default that
    /// of the user
    #[arg(long, value_parser = owner, conflicts_with = "http")]
    pub(crate) owner: Option<Owner>,
}
