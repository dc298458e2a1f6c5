//! `inline mcp`: serves AI agents.

use std::os::unix::fs::MetadataExt;

use inline::env::INLINE_MCP_TOKEN;
use inline_mcp::{HttpServer, Tokens, serve_stdio};
use inline_sandbox::{CancellationToken, Owner, SandboxService};

use crate::arguments::McpArguments;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::open::Setup;

/// The variables that name the user.
const USER: [&str; 2] = ["USER", "LOGNAME"];

pub(crate) async fn run(setup: &Setup, arguments: McpArguments, interrupt: &Interrupt) -> Result<u8> {
    setup.mcp.validate()?;
    // Before the engine is asked for anything: a token that is none is told at once.
    let token = setup.mcp_token.clone().map(|token| (INLINE_MCP_TOKEN, token));
    let mut tokens = Tokens::default();
    if let Some(address) = arguments.http {
        tokens = Tokens::load(setup.mcp.tokens_file.as_deref(), token)?;
        tokens.check_address(address)?;
    }
    let service = interrupt.bound(setup.service()).await?;
    let served = serve(setup, arguments, tokens, &service, interrupt).await;
    service.shutdown().await;
    served.map(|()| 0)
}

async fn serve(
    setup: &Setup,
    arguments: McpArguments,
    tokens: Tokens,
    service: &SandboxService,
    interrupt: &Interrupt,
) -> Result<()> {
    let shutdown = CancellationToken::new();
    interrupt.forward_to(shutdown.clone());
    if let Some(address) = arguments.http {
        let server = HttpServer::bind(service.clone(), setup.mcp.clone(), address, tokens).await?;
        eprintln!("serving at {}", server.url());
        server.serve(shutdown).await;
        return Ok(());
    }
    let owner = arguments.owner.map_or_else(local_user, Ok)?;
    let streams = (tokio::io::stdin(), tokio::io::stdout());
    Ok(serve_stdio(service.clone(), setup.mcp.clone(), owner, streams, shutdown).await?)
}

/// Returns the user that runs us as an owner.
fn local_user() -> Result<Owner> {
    let mut names = USER.iter().filter_map(|name| std::env::var(name).ok());
    if let Some(owner) = names.find_map(|name| Owner::new("local", &name).ok()) {
        return Ok(owner);
    }
    let user = std::fs::metadata("/proc/self").map_err(|error| Failure::os("asking for the user", error))?;
    Ok(Owner::new("local", &user.uid().to_string())?)
}
