//! What the cases work on: the bot as a process of its own, between a Discord of the tests and a real engine.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use inline::labels;
use inline_conformance::SocketProxy;
use inline_tests::environment::{patience, patient, variable};
use inline_tests::left;
use inline_tests::service::Engine;
use libtest_mimic::Failed;
use tempfile::TempDir;

use crate::ensure;
use crate::server::{Discord, Interaction};
use crate::setup::{Setup, token};
use crate::way::engine_host;

/// How long the bot may take to start or to stop.
const START: Duration = Duration::from_secs(20);
/// How late a heartbeat may be.
const LATE: Duration = Duration::from_secs(1);
/// How much of the log a failure tells.
const LOG_LINES: usize = 25;

pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) discord: Discord,
    pub(crate) directory: TempDir,
    /// Where the bot tells its health.
    pub(crate) http: String,
    setup: Setup,
    /// What the bot is given.
    token: String,
    instance: String,
    bot: Mutex<Option<Child>>,
    /// Stands between the bot and its engine.
    pub(crate) proxy: Mutex<Option<SocketProxy>>,
}

impl Bench {
    /// Starts the bot, and waits until it is connected and has registered its commands.
    pub(crate) async fn open(engine: Engine, setup: Setup) -> Result<Self, Failed> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let bench = Self {
            engine,
            discord: Discord::start(setup.settings.clone()).await?,
            directory: tempfile::Builder::new().prefix("inline-discord-").tempdir()?,
            http: TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string(),
            instance: format!("inline-discord-{}-{number}", std::process::id()),
            token: if setup.is_refused {
                token()
            } else {
                setup.settings.token.clone()
            },
            setup,
            bot: Mutex::new(None),
            proxy: Mutex::new(None),
        };
        if bench.setup.can_lose_engine {
            bench.find_engine()?;
        }
        bench.configure(&bench.setup.tables)?;
        bench.spawn()?;
        if bench.setup.is_refused {
            return Ok(bench);
        }
        match bench.connected().await {
            Ok(()) => Ok(bench),
            failed => Err(bench
                .close(failed)
                .await
                .err()
                .unwrap_or_else(|| "the bot did not start".into())),
        }
    }

    /// Waits until the bot is connected and has registered its commands.
    pub(crate) async fn connected(&self) -> Result<(), Failed> {
        let shards = usize::try_from(self.setup.settings.shards)?;
        let is_up = self.discord.until("a connected bot", patient(START)?, |state| {
            let sessions = state.gateway.sessions.values();
            let connected = sessions.filter(|session| session.is_connected()).count();
            (connected == shards && !state.commands.is_empty()).then_some(())
        });
        is_up.await
    }

    /// Writes the configuration, with `tables` at its end.
    pub(crate) fn configure(&self, tables: &str) -> Result<(), Failed> {
        let engine = self.engine.configuration()?;
        let patience = patience()?;
        let base = self.directory.path().join("base");
        let text = format!(
            "{engine}base_dir = '{}'\ninstance = '{}'\n\
             limits.workspace_bytes = '64m'\nlimits.timeout = {}\nlimits.max_timeout = {}\npackages.timeout = {}\n\
             discord.http = '{}'\n{}",
            base.display(),
            self.instance,
            30 * patience,
            120 * patience,
            300 * patience,
            self.http,
            self.store(),
        );
        // The bot may look at any time: it must not see half of it.
        let new = self.directory.path().join("inline.toml.new");
        fs::write(&new, text + tables)?;
        Ok(fs::rename(new, self.directory.path().join("inline.toml"))?)
    }

    /// Returns the line that says where images go, if the engine does not know itself.
    fn store(&self) -> String {
        if self.engine.driver() == "embedded" {
            let store = self.directory.path().join("images");
            format!("embedded.store = '{}'\n", store.display())
        } else {
            String::new()
        }
    }

    /// Starts the bot with nothing of the tests' own environment but what names the engines.
    pub(crate) fn spawn(&self) -> Result<(), Failed> {
        let program = variable("INLINE_TEST_CLI").ok_or("INLINE_TEST_CLI is not set")?;
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new(PathBuf::from(program).canonicalize()?);
        command
            .arg("bot")
            .current_dir(self.directory.path())
            .env_clear()
            .env("DISCORD_TOKEN", &self.token)
            .env("INLINE_DISCORD_API", self.discord.base())
            // All that could be told is, so that a token in it is found.
            .env("RUST_LOG", "debug")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        for name in ["PATH", "HOME", "DOCKER_HOST", "CONTAINER_HOST", "XDG_RUNTIME_DIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let (true, Some(name)) = (self.setup.can_lose_engine, engine_host(self.engine)) {
            command.env(name, format!("unix://{}", self.way().display()));
        }
        *self.bot() = Some(command.spawn()?);
        Ok(())
    }

    fn bot(&self) -> MutexGuard<'_, Option<Child>> {
        self.bot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("bot.log")
    }

    /// Asks the bot to end.
    pub(crate) fn terminate(&self) -> Result<(), Failed> {
        self.signal("TERM")
    }

    /// Sends the bot a signal.
    pub(crate) fn signal(&self, name: &str) -> Result<(), Failed> {
        let pid = self.bot().as_ref().map(Child::id).ok_or("the bot does not run")?;
        let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status()?;
        ensure(sent.success(), || format!("kill: {sent}"))
    }

    /// Returns what the bot has told so far.
    pub(crate) fn told(&self) -> Result<String, Failed> {
        Ok(fs::read_to_string(self.log())?)
    }

    /// Starts a bot again that has ended, and waits until it is connected.
    pub(crate) async fn start_again(&self) -> Result<(), Failed> {
        self.discord.change(|state| state.gateway.sessions.clear());
        // The gateway takes one new session in some seconds.
        tokio::time::sleep(Duration::from_secs(5)).await;
        self.spawn()?;
        self.connected().await
    }

    /// Waits for the end of the bot.
    pub(crate) async fn ended(&self) -> Result<ExitStatus, Failed> {
        let deadline = Instant::now() + patient(START)?;
        loop {
            let status = match self.bot().as_mut() {
                Some(bot) => bot.try_wait()?,
                None => return Err("the bot does not run".into()),
            };
            if let Some(status) = status {
                *self.bot() = None;
                return Ok(status);
            }
            ensure(Instant::now() < deadline, || "the bot does not end".to_owned())?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends the bot, if it still runs, and checks what it leaves: of this case, of Discord's rules, of secrets.
    pub(crate) async fn close(self, outcome: Result<(), Failed>) -> Result<(), Failed> {
        let mut checked = match outcome {
            Ok(()) => self.check().await,
            failed => failed,
        };
        if self.bot().is_some() {
            // One that is killed may leave a container that the engine is still making.
            checked = checked.and(self.terminate().and(self.ended().await.map(drop)));
        }
        if let Some(mut bot) = self.bot().take() {
            // It may have ended.
            drop(bot.kill());
            bot.wait()?;
        }
        let gone = self.remove_containers().await;
        checked.and(gone).map_err(|failed| self.with_log(&failed))
    }

    async fn check(&self) -> Result<(), Failed> {
        if self.bot().is_some() {
            self.terminate()?;
            let status = self.ended().await?;
            ensure(matches!(status.code(), Some(0 | 143)), || {
                format!("the bot ended with {status}")
            })?;
        }
        let (complaints, latest) = self
            .discord
            .look(|state| (state.complaints.clone(), state.gateway.latest));
        ensure(complaints.is_empty(), || {
            format!("complaints:\n- {}", complaints.join("\n- "))
        })?;
        ensure(latest < LATE, || format!("a heartbeat was {latest:?} late"))?;
        let lost = self.discord.look(|state| {
            let is_lost = |interaction: &&Interaction| match (&interaction.callback, interaction.original) {
                (None, _) => true,
                (_, Some(original)) => state
                    .messages
                    .get(&original)
                    .is_some_and(|message| message.deleted.is_none() && message.is_loading()),
                _ => false,
            };
            state.interactions.values().filter(is_lost).count()
        });
        ensure(lost == 0, || format!("{lost} interactions have no answer"))?;
        let found = files_with(self.directory.path(), &self.token)?;
        ensure(found.is_empty(), || format!("the token is in {found:?}"))?;
        let left = self.containers().await?;
        ensure(left.is_empty(), || format!("containers are left: {left:?}"))
    }

    /// Returns the names of all containers that belong to this bench.
    pub(crate) async fn containers(&self) -> Result<Vec<String>, Failed> {
        left::containers(self.engine, &self.instance, self.directory.path()).await
    }

    /// Takes all containers of this bench away.
    pub(crate) async fn remove_containers(&self) -> Result<(), Failed> {
        let runtime = self.engine.connect().await?;
        for container in runtime.list(&inline::ListFilter::default()).await? {
            if container.labels.get(labels::INSTANCE) == Some(&self.instance) {
                runtime.remove(&container.id).await?;
            }
        }
        Ok(())
    }

    fn with_log(&self, failed: &Failed) -> Failed {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let is_short = |line: &&str| !["TRACE", "DEBUG"].iter().any(|level| line.contains(level));
        let lines: Vec<&str> = log.lines().filter(is_short).collect();
        let last = &lines[lines.len().saturating_sub(LOG_LINES)..];
        format!(
            "{}\nthe end of the bot's log:\n{}",
            failed.message().unwrap_or_default(),
            last.join("\n")
        )
        .into()
    }
}

/// Returns the files below a directory that have a text in them.
fn files_with(directory: &Path, text: &str) -> Result<Vec<PathBuf>, Failed> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let (path, kind) = entry.map(|entry| (entry.path(), entry.file_type()))?;
        if kind.as_ref().is_ok_and(fs::FileType::is_dir) {
            found.extend(files_with(&path, text)?);
        } else if kind.is_ok_and(|kind| kind.is_file()) {
            let bytes = fs::read(&path)?;
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(path);
            }
        }
    }
    Ok(found)
}
