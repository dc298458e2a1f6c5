//! `/il py`, `node`, `bash` and `run`.

use poise::serenity_prelude::Attachment;

use super::program::{Given, start};
use super::{Context, complete};
use crate::failure::Failure;

/// Runs Python
#[poise::command(slash_command)]
pub(super) async fn py(
    asked: Context<'_>,
    #[description = "The program, as it is or in a ``` block; without it an editor opens"] code: Option<String>,
    #[description = "What the program reads as its input"] stdin: Option<String>,
    #[description = "A file that is the program"] source: Option<Attachment>,
    #[description = "A file that is put into your sandbox first"] input: Option<Attachment>,
    #[description = "Whether only you see the answer"] private: Option<bool>,
) -> Result<(), Failure> {
    start(asked, "python", Given::new(code, stdin, source, input, private)).await
}

/// Runs JavaScript with Node.js
#[poise::command(slash_command)]
pub(super) async fn node(
    asked: Context<'_>,
    #[description = "The program, as it is or in a ``` block; without it an editor opens"] code: Option<String>,
    #[description = "What the program reads as its input"] stdin: Option<String>,
    #[description = "A file that is the program"] source: Option<Attachment>,
    #[description = "A file that is put into your sandbox first"] input: Option<Attachment>,
    #[description = "Whether only you see the answer"] private: Option<bool>,
) -> Result<(), Failure> {
    start(asked, "node", Given::new(code, stdin, source, input, private)).await
}

/// Runs commands of the shell
#[poise::command(slash_command)]
pub(super) async fn bash(
    asked: Context<'_>,
    #[description = "The program, as it is or in a ``` block; without it an editor opens"] code: Option<String>,
    #[description = "What the program reads as its input"] stdin: Option<String>,
    #[description = "A file that is the program"] source: Option<Attachment>,
    #[description = "A file that is put into your sandbox first"] input: Option<Attachment>,
    #[description = "Whether only you see the answer"] private: Option<bool>,
) -> Result<(), Failure> {
    start(asked, "bash", Given::new(code, stdin, source, input, private)).await
}

/// Runs a program in any language that there is
#[poise::command(slash_command)]
pub(super) async fn run(
    asked: Context<'_>,
    #[description = "The language"]
    #[autocomplete = "complete::language"]
    language: String,
    #[description = "The program, as it is or in a ``` block; without it an editor opens"] code: Option<String>,
    #[description = "What the program reads as its input"] stdin: Option<String>,
    #[description = "A file that is the program"] source: Option<Attachment>,
    #[description = "A file that is put into your sandbox first"] input: Option<Attachment>,
    #[description = "Whether only you see the answer"] private: Option<bool>,
) -> Result<(), Failure> {
    start(asked, &language, Given::new(code, stdin, source, input, private)).await
}
