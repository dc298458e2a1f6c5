//! What the cases work on: an engine, a workspace, and runs on both.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use inline::{ContainerRuntime, ContainerRuntimeExt, ContainerSpec, LimitMechanism, ListFilter, Mount};
use inline_sandbox::{
    Blueprint, Containers, Frame, Language, LanguageConfig, LimitRequest, Limits, Order, Owner, Prepared, Program,
    Purpose, RunControl, RunEvent, RunResult, SandboxConfig, Session, SessionOptions, execute,
};
use inline_tests::environment::{patience, patient};
use inline_tests::service::Engine;
use libtest_mimic::Failed;
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::ensure;

pub(crate) struct Bench {
    pub(crate) runtime: Arc<dyn ContainerRuntime>,
    pub(crate) containers: Containers,
    pub(crate) limits: Limits,
    pub(crate) owner: Owner,
    pub(crate) workspace: TempDir,
    languages: BTreeMap<String, Language>,
    instance: String,
}

/// Reads whatever a run prints.
pub(crate) struct Reader {
    pub(crate) sender: mpsc::Sender<RunEvent>,
    receiver: mpsc::Receiver<RunEvent>,
}

impl Bench {
    pub(crate) async fn open(engine: Engine) -> Result<Self, Failed> {
        let runtime = engine.connect().await?;
        let workspace = tempfile::Builder::new().prefix("inline-sandbox-").tempdir()?;
        // The user in the container is another one on Docker.
        std::fs::set_permissions(workspace.path(), PermissionsExt::from_mode(0o777))?;
        let instance = workspace
            .path()
            .file_name()
            .ok_or("no name")?
            .to_string_lossy()
            .into_owned();
        let mut limits = Limits::default();
        limits.timeout *= patience()?;
        limits.max_timeout *= patience()?;
        limits.memory = 128 << 20;
        limits.tmpfs = 16 << 20;
        let bench = Self {
            containers: Containers::new(Arc::clone(&runtime)),
            runtime,
            limits,
            owner: "local:test".parse()?,
            workspace,
            languages: languages(engine)?,
            instance,
        };
        for language in bench.languages.values() {
            bench.runtime.ensure_image(&language.image).await?;
        }
        Ok(bench)
    }

    /// Checks that nothing is left behind.
    pub(crate) async fn close(&self) -> Result<(), Failed> {
        self.containers.settled().await;
        let left = self.runtime.list(&ListFilter::instance(self.instance.clone())).await?;
        for container in &left {
            self.runtime.remove(&container.id).await?;
        }
        ensure(left.is_empty(), || format!("left behind: {left:?}"))
    }

    pub(crate) fn has_cgroups(&self) -> bool {
        self.runtime.capabilities().limit_mechanism() == LimitMechanism::Cgroup
    }

    pub(crate) fn language(&self, name: &str) -> Result<&Language, Failed> {
        Ok(self.languages.get(name).ok_or("no such language")?)
    }

    pub(crate) fn spec(&self, language: &str, limits: &Limits, purpose: Purpose<'_>) -> Result<ContainerSpec, Failed> {
        let language = self.language(language)?;
        let blueprint = Blueprint {
            instance: &self.instance,
            owner: &self.owner,
            language,
            image: &language.image,
            limits,
            workspace: Mount::bind(self.workspace.path().to_string_lossy(), "/workspace"),
            user: (1000, 1000),
        };
        Ok(blueprint.spec(purpose, &self.runtime.capabilities())?)
    }

    pub(crate) async fn order(&self, language: &str) -> Result<Order, Failed> {
        let spec = self.spec(language, &self.limits, Purpose::Run)?;
        let image = self.runtime.ensure_image(&spec.image).await?;
        Ok(Order::new(self.owner.clone(), image, spec).with_memory(self.limits.memory))
    }

    pub(crate) fn frame(&self, program: &Program) -> Result<Frame, Failed> {
        Ok(Frame::new(
            program,
            self.language(&program.language)?,
            "/workspace",
            true,
        ))
    }

    pub(crate) async fn prepare(&self, language: &str, limits: &Limits) -> Result<Prepared, Failed> {
        Ok(Prepared::start(&self.containers, &self.spec(language, limits, Purpose::Run)?).await?)
    }

    /// Runs a program in a new container.
    pub(crate) async fn run(&self, program: &Program) -> Result<RunResult, Failed> {
        self.run_with(program, RunControl::default(), || {}).await
    }

    /// Runs a program in a new container; `on_output` is called whenever it prints.
    pub(crate) async fn run_with(
        &self,
        program: &Program,
        mut control: RunControl,
        mut on_output: impl FnMut(),
    ) -> Result<RunResult, Failed> {
        program.validate()?;
        let limits = self.limits.narrow(&program.limits)?;
        let prepared = self.prepare(&program.language, &limits).await?;
        let (sender, mut receiver) = mpsc::channel(4);
        let frame = self.frame(program)?;
        let run = execute(prepared, &frame, &limits, &sender, &mut control);
        tokio::pin!(run);
        loop {
            tokio::select! {
                result = &mut run => return Ok(result),
                Some(_) = receiver.recv() => on_output(),
            }
        }
    }

    pub(crate) async fn session(&self, language: &str, limits: Limits) -> Result<Session, Failed> {
        let spec = self.spec(
            language,
            &limits,
            Purpose::Session {
                directory: "/workspace",
            },
        )?;
        Ok(Session::start(self.containers.clone(), spec, SessionOptions::new(limits)).await?)
    }
}

impl Reader {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(64);
        Self { sender, receiver }
    }

    /// Waits until standard output has `text` in it.
    pub(crate) async fn expect(&mut self, text: &str) -> Result<(), Failed> {
        let mut seen = Vec::new();
        let reading = async {
            while let Some(event) = self.receiver.recv().await {
                seen.extend_from_slice(event.bytes());
                if String::from_utf8_lossy(&seen).contains(text) {
                    return;
                }
            }
        };
        match tokio::time::timeout(patient(Duration::from_secs(20))?, reading).await {
            Ok(()) => Ok(()),
            Err(_) => Err(format!("`{text}` did not come; seen: {:?}", String::from_utf8_lossy(&seen)).into()),
        }
    }
}

/// Asks for a timeout.
pub(crate) fn timeout(timeout: Duration) -> LimitRequest {
    LimitRequest {
        timeout: Some(timeout),
        ..LimitRequest::default()
    }
}

fn languages(engine: Engine) -> Result<BTreeMap<String, Language>, Failed> {
    let mut config = SandboxConfig::default();
    config.languages = inline_tests::service::languages(engine)?;
    // The smallest shell there is stands for any other language.
    let mut other = LanguageConfig::default();
    other.image = Some(engine.image("ash")?);
    other.command = Some(vec!["sh".to_owned(), "-u".to_owned()]);
    other.file_name = Some("main.ash".to_owned());
    config.languages.insert("ash".to_owned(), other);
    Ok(config.languages()?)
}
