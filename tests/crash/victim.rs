//! The process that is killed.

use std::path::Path;
use std::process::ExitCode;

use inline_sandbox::{
    CellRequest, InstallRequest, PackageManager, Program, Progress, RunRequest, SandboxService, SecretUrl,
};
use libtest_mimic::Failed;

use inline_tests::service::{Engine, config, owner, told};

/// What the victim prints when it is where it is to be killed.
pub(crate) const HERE: &str = "here";
/// What is in a file that is never touched.
pub(crate) const KEPT: &str = "kept";
/// The length of a file that is replaced all the time, always by as many of one byte.
pub(crate) const REPLACED: usize = 300_000;

/// Where a victim is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Create,
    Run,
    OneShot,
    Session,
    Write,
    Pip,
    Delete,
}

impl Stage {
    pub(crate) const ALL: [Self; 7] = [
        Self::Create,
        Self::Run,
        Self::OneShot,
        Self::Session,
        Self::Write,
        Self::Pip,
        Self::Delete,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Run => "run",
            Self::OneShot => "one_shot",
            Self::Session => "session",
            Self::Write => "write",
            Self::Pip => "pip",
            Self::Delete => "delete",
        }
    }
}

/// Does what is to be interrupted, over and over.
pub(crate) fn main(what: &str) -> ExitCode {
    let words: Vec<&str> = what.split(' ').collect();
    let ended = tokio::runtime::Runtime::new()
        .map_err(Failed::from)
        .and_then(|runtime| runtime.block_on(live(&words)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{}", error.message().unwrap_or("failed"));
            ExitCode::FAILURE
        }
    }
}

async fn live(words: &[&str]) -> Result<(), Failed> {
    let &[engine, stage, directory, index] = words else {
        return Err("four words are needed".into());
    };
    let engine = Engine::ALL
        .into_iter()
        .find(|known| known.name() == engine)
        .ok_or("no such engine")?;
    let stage = Stage::ALL
        .into_iter()
        .find(|known| known.name() == stage)
        .ok_or("no such stage")?;
    let mut config = config(engine, Path::new(directory))?;
    config.packages.pip_index_url = Some(SecretUrl::new(index));
    let service = SandboxService::open(engine.connect().await?, config)
        .await
        .map_err(told)?;
    let alice = owner("alice")?;
    service.ensure_sandbox(&alice).await.map_err(told)?;
    let files = service.files(&alice).await.map_err(told)?;
    files.write("kept.txt", KEPT).await.map_err(told)?;
    files.write("replaced.bin", vec![b'0'; REPLACED]).await.map_err(told)?;
    match stage {
        Stage::Create => {
            println!("{HERE}");
            loop {
                let run = service.run(RunRequest::new(alice.clone(), Program::new("bash", "true")));
                run.outcome().await.map_err(told)?;
            }
        }
        Stage::Run | Stage::OneShot => {
            let program = Program::new("bash", "while :; do echo x; echo x > other.txt; done");
            let request = RunRequest::new(alice, program).with_one_shot(stage == Stage::OneShot);
            let mut run = service.run(request);
            while !matches!(run.next().await, Some(Progress::Stdout(_)) | None) {}
            println!("{HERE}");
            while run.next().await.is_some() {}
        }
        Stage::Session => {
            service
                .run_cell(CellRequest::new(alice, "python", "x = 1"))
                .outcome()
                .await
                .map_err(told)?;
            println!("{HERE}");
            std::future::pending::<()>().await;
        }
        Stage::Write => {
            println!("{HERE}");
            for byte in (b'0'..=b'9').cycle() {
                files.write("replaced.bin", vec![byte; REPLACED]).await.map_err(told)?;
            }
        }
        Stage::Pip => {
            println!("{HERE}");
            loop {
                let request = InstallRequest::new(alice.clone(), PackageManager::Pip, ["inline-sample"]);
                service.install(request).outcome().await.map_err(told)?;
            }
        }
        Stage::Delete => delete(&service).await?,
    }
    Ok(())
}

/// Deletes a sandbox with many files.
async fn delete(service: &SandboxService) -> Result<(), Failed> {
    let alice = owner("alice")?;
    let many = Program::new(
        "bash",
        "for i in $(seq 2000); do mkdir -p d$((i % 50)); echo x > d$((i % 50))/$i; done",
    );
    service
        .run(RunRequest::new(alice.clone(), many))
        .outcome()
        .await
        .map_err(told)?;
    println!("{HERE}");
    service.delete_sandbox(&alice).await.map_err(told)?;
    std::future::pending().await
}
