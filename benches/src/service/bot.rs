//! The bot, as a process of its own between a Discord on this machine and a real engine: what it takes while nothing
//! happens.

mod discord;
mod gateway;
mod http;

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use self::discord::Discord;
use super::Result;
use super::process::Process;
use crate::bench::Bench;
use crate::inline_run;

/// How long the bot may take to come, to answer, and to go.
const PATIENCE: Duration = Duration::from_secs(30);

/// A bot that is connected.
pub(super) struct Bot {
    process: Child,
    discord: Discord,
    _directory: TempDir,
}

impl Bot {
    /// Starts a bot and waits until it is connected.
    pub(super) async fn start(bench: &Bench) -> Result<Self> {
        let mut discord = Discord::start().await?;
        let directory = tempfile::tempdir()?;
        let configuration = format!(
            "driver = '{}'\nbase_dir = '{}'\ninstance = '{}'\npull_on_startup = false\nlanguages.python.image = '{}'\n\
             discord.http = 'off'\n",
            bench.driver(),
            directory.path().join("base").display(),
            bench.instance,
            bench.python
        );
        fs::write(directory.path().join("inline.toml"), configuration)?;
        // Where this process is killed, so is the bot; its containers carry the label that the parent sweeps by.
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(inline_run::executable()?)
            .arg("bot")
            .current_dir(&directory)
            .env("DISCORD_TOKEN", discord::TOKEN)
            .env("INLINE_DISCORD_API", discord.address())
            // What it says of itself is of no interest unless it fails.
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        timeout(PATIENCE, discord.connected()).await??;
        Ok(Self {
            process,
            discord,
            _directory: directory,
        })
    }

    pub(super) fn process(&self) -> Result<Process> {
        Ok(Process::of(self.process.id().ok_or("the bot has ended")?))
    }

    /// Lets a user ask for a run, and waits for the answer.
    pub(super) async fn answer(&mut self, user: u32) -> Result<()> {
        let (source, expected) = (format!("print({user} * 1000 + 7)"), (user * 1000 + 7).to_string());
        timeout(PATIENCE, self.discord.ask(user, &source, &expected)).await?
    }

    /// Ends the bot as an operator does.
    pub(super) async fn stop(mut self) -> Result<()> {
        let id = self.process.id().ok_or("the bot has ended")?;
        let id = rustix::process::Pid::from_raw(id.cast_signed()).ok_or("the bot has no id")?;
        rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        let status = timeout(PATIENCE, self.process.wait()).await??;
        // Its connection ends with it.
        sleep(Duration::from_millis(100)).await;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the bot ended with {status}").into())
        }
    }
}
