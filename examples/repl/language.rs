//! The languages: image, and how a program and an interpreter are started.

use inline::{ImageReference, Result};

/// A language that the REPL speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    #[default]
    Python,
    Node,
    Bash,
}

impl Language {
    pub(crate) const ALL: [Self; 3] = [Self::Python, Self::Node, Self::Bash];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
            Self::Bash => "bash",
        }
    }

    pub(crate) fn image(self) -> Result<ImageReference> {
        match self {
            Self::Python => "python:3.11-slim",
            Self::Node => "node:20-slim",
            Self::Bash => "alpine:latest",
        }
        .parse()
    }

    /// Starts the interpreter that runs cells, see the agents.
    pub(crate) fn session_command(self) -> [&'static str; 3] {
        match self {
            Self::Python => ["python3", "-uc", include_str!("agents/python.py")],
            Self::Node => ["node", "-e", include_str!("agents/node.js")],
            Self::Bash => ["bash", "-c", include_str!("agents/bash.sh")],
        }
    }

    /// Starts the interpreter on a program that comes on standard input.
    pub(crate) fn program_command(self) -> [&'static str; 2] {
        match self {
            Self::Python => ["python3", "-"],
            Self::Node => ["node", "-"],
            Self::Bash => ["bash", "-s"],
        }
    }
}
