//! Why a server does not start, or ends.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The result of a call to this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Says why a server does not start, or ends. What a client does wrong is told to the client and ends nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value of the configuration makes no sense.
    #[error("configuration `{key}`: {why}")]
    InvalidConfig {
        /// The dotted path of the key.
        key: &'static str,
        /// What is wrong with its value.
        why: &'static str,
    },
    /// The file of the tokens cannot be read.
    #[error("the tokens file `{}` cannot be read", .path.display())]
    TokensUnreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file of the tokens, or the variable, does not hold what it should.
    #[error("{place}: {why}")]
    InvalidTokens {
        /// The file with the line, or the variable.
        place: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Others than this machine could reach the server, and nothing would keep them out.
    #[error("`{address}` can be reached from elsewhere, and there is no token")]
    Unprotected {
        /// The address.
        address: SocketAddr,
    },
    /// Nothing can listen there.
    #[error("cannot listen at `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// The client cannot be served.
    #[error("the client broke off the handshake: {why}")]
    Handshake {
        /// What happened.
        why: String,
    },
}

impl Error {
    /// Returns the cure, if one is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unprotected { .. } => {
                Some("set `INLINE_MCP_TOKEN` or `mcp.tokens_file`, or listen at a loopback address")
            }
            Self::InvalidTokens { .. } => Some("`head -c 32 /dev/urandom | base64` makes a token"),
            _ => None,
        }
    }
}
