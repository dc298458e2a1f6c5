//! An engine without containers for the tests of runs, warm containers and sessions.
//!
//! Programs are lines of commands: `print TEXT`, `error TEXT`, `sleep MILLISECONDS`, `flood CHUNKS`, `input`, `exit CODE`,
//! `write NAME TEXT` (a file of the workspace), `oom`, `die` (process 1 is killed), and in sessions `wait` (for an interrupt)
//! and `set`/`get`. Where packages are installed, it is [`packages`] that plays.

mod packages;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use inline_fake::{FakeBuilder, FakeProcess, FakeRuntime};
use inline_runtime::{Capability, ContainerSpec, ExitStatus, ImageId, Mount, Signal, labels};
use tokio::io::AsyncReadExt;
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;

use crate::run::{Blueprint, Containers, Frame, Purpose, RunEvent};
use crate::{Language, Limits, Program, SandboxConfig};

pub(crate) const CHUNK: usize = 64 << 10;

/// A fake whose only program is the supervisor.
pub(crate) fn fake() -> FakeBuilder {
    fake_without_images().with_image(&python().image, ImageId::new("1"))
}

/// The same before anything was pulled.
pub(crate) fn fake_without_images() -> FakeBuilder {
    let interrupt = Arc::new(Notify::new());
    let heard = Arc::clone(&interrupt);
    FakeRuntime::builder()
        .with_program("supervisor", move |process| supervisor(process, Arc::clone(&heard)))
        .with_program("sh", move |_process| {
            let interrupt = Arc::clone(&interrupt);
            async move {
                interrupt.notify_waiters();
                ExitStatus::from_code(0)
            }
        })
}

pub(crate) fn containers(fake: &FakeRuntime) -> Containers {
    Containers::new(Arc::new(fake.clone()))
}

pub(crate) fn python() -> Language {
    SandboxConfig::default().languages().unwrap().remove("python").unwrap()
}

pub(crate) fn limits() -> Limits {
    Limits::default()
}

pub(crate) fn spec(owner: &str, purpose: Purpose<'_>) -> ContainerSpec {
    let (language, limits, owner) = (python(), limits(), owner.parse().unwrap());
    let capabilities = fake().build();
    let capabilities = inline_runtime::ContainerRuntime::capabilities(&capabilities);
    assert!(capabilities.has(Capability::Stats));
    let blueprint = Blueprint {
        instance: "test",
        owner: &owner,
        language: &language,
        image: &language.image,
        limits: &limits,
        workspace: Mount::bind("/", "/workspace"),
        user: (1000, 1000),
    };
    blueprint.spec(purpose, &capabilities).unwrap()
}

pub(crate) fn frame(source: &str) -> Frame {
    Frame::new(
        &Program::new("python", source).with_stdin("the input"),
        &python(),
        "/workspace",
        false,
    )
}

/// Collects what a run prints.
pub(crate) fn reader() -> (mpsc::Sender<RunEvent>, tokio::task::JoinHandle<Vec<u8>>) {
    let (sender, mut receiver) = mpsc::channel::<RunEvent>(4);
    let collected = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(event) = receiver.recv().await {
            all.extend_from_slice(event.bytes());
        }
        all
    });
    (sender, collected)
}

/// A command that is not there.
pub(crate) const NO_INTERPRETER: &str = "no-interpreter";

async fn supervisor(mut process: FakeProcess, interrupt: Arc<Notify>) -> ExitStatus {
    let line = process.read_line().await;
    // How long to stay does not matter here, and time may stand still.
    let mark = line.split_whitespace().next().unwrap_or_default();
    let role = process.spec().labels.get(labels::ROLE).cloned();
    let end = if process.args().iter().any(|word| word == NO_INTERPRETER) {
        Some((127, 0))
    } else if role.as_deref() == Some("install") {
        packages::manager(&process).await
    } else if role.as_deref() == Some("session") {
        session(&mut process, &interrupt).await
    } else {
        program(&mut process).await
    };
    let Some((code, oom_kills)) = end else {
        return ExitStatus::from_signal(Signal::KILL);
    };
    process
        .stdout(format!("\u{1}{mark} {code} 20000000 - 1 1 1000 {oom_kills}\n"))
        .await;
    process.stderr(format!("\u{1}{mark}")).await;
    ExitStatus::from_shell_code(i64::from(code))
}

async fn program(process: &mut FakeProcess) -> Option<(u8, u8)> {
    let lengths = process.read_line().await;
    let mut parts = Vec::new();
    for length in lengths.split_whitespace() {
        let mut part = vec![0; length.parse().unwrap()];
        process.stdin().read_exact(&mut part).await.unwrap();
        parts.push(String::from_utf8(part).unwrap());
    }
    let Some(source) = parts.get(1) else {
        return Some((0, 0));
    };
    process.stdout("\u{6}").await;
    for line in source.lines() {
        let (command, argument) = line.split_once(' ').unwrap_or((line, ""));
        match command {
            "exit" => return Some((argument.parse().unwrap(), 0)),
            "oom" => return Some((137, 1)),
            "die" => return None,
            "input" => {
                let input = process.read_to_end().await;
                process.stdout(input).await;
            }
            _ => common(process, command, argument).await,
        }
    }
    Some((0, 0))
}

async fn session(process: &mut FakeProcess, interrupt: &Notify) -> Option<(u8, u8)> {
    let mut variables = BTreeMap::new();
    loop {
        let line = process.read_line().await;
        let Some((mark, source)) = line.trim_end().split_once(' ') else {
            return Some((0, 0));
        };
        let source = String::from_utf8(BASE64_STANDARD.decode(source).unwrap()).unwrap();
        let mut status = 0;
        for line in source.lines() {
            let (command, argument) = line.split_once(' ').unwrap_or((line, ""));
            match command {
                "exit" => return Some((argument.parse().unwrap(), 0)),
                "oom" => return Some((137, 1)),
                "die" => return None,
                "fail" => status = 1,
                "wait" => {
                    process.stdout("waiting").await;
                    interrupt.notified().await;
                    status = 130;
                }
                "set" => {
                    variables.insert("x", argument.to_owned());
                }
                "get" => process.stdout(variables.get("x").cloned().unwrap_or_default()).await,
                _ => common(process, command, argument).await,
            }
        }
        process.stdout(format!("\u{1}{mark} {status}\n")).await;
        process.stderr(format!("\u{1}{mark}")).await;
    }
}

/// Returns the directory of the host that a process has at `target`.
fn mounted(process: &FakeProcess, target: &str) -> Option<String> {
    let mounts = &process.spec().mounts;
    mounts
        .iter()
        .find(|mount| mount.target == target)
        .map(|mount| mount.source.clone())
}

async fn common(process: &mut FakeProcess, command: &str, argument: &str) {
    match command {
        "print" => process.stdout(argument.to_owned()).await,
        "error" => process.stderr(argument.to_owned()).await,
        "sleep" => {
            process.add_cpu_time(Duration::from_millis(7));
            sleep(Duration::from_millis(argument.parse().unwrap())).await;
        }
        "write" => {
            let (name, text) = argument.split_once(' ').unwrap_or((argument, ""));
            let workspace = mounted(process, "/workspace").unwrap();
            std::fs::write(format!("{workspace}/{name}"), text).unwrap();
        }
        "flood" => {
            for _ in 0..argument.parse().unwrap() {
                process.stdout(vec![b'x'; CHUNK]).await;
            }
        }
        other => panic!("no command `{other}`"),
    }
}
