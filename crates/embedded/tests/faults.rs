//! Whatever is killed, nothing of a sandbox is left after a second.
//!
//! Each test starts a victim: this test binary once more, with one sandbox in it. What is below the victim is then known.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests fail by panic, as tests do, and the victim tells by its output"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use futures::StreamExt;
use inline_embedded::{EmbeddedConfig, EmbeddedRuntime, LimitPolicy};
use inline_runtime::{ContainerRuntime, ContainerSpec, ErrorKind, Event};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// What the victim runs; it is a victim where this is set.
const PROGRAM: &str = "INLINE_TEST_VICTIM";
/// How many times slower the host is than most.
const PATIENCE: &str = "INLINE_TEST_PATIENCE";

/// Leaves a program in a session of its own, whose parent is gone, that ignores what it can and holds the output.
const STUBBORN: &str = r#"trap '' HUP INT TERM
    setsid sh -c 'trap "" HUP INT TERM; (setsid sh -c "trap \"\" HUP INT TERM; while :; do sleep 1; done" &)'
    while :; do sleep 1; done"#;
/// Makes processes until none can be made; a shell that fails to ends, but not the first one.
const FORK_BOMB: &str = "trap '' HUP INT TERM; bomb() { (bomb) & (bomb) & exec sleep 1000; }; (bomb) & exec sleep 1000";
const ENDS: &str = "sleep 0.5; exit 3";

#[test]
fn the_caller() {
    for program in [STUBBORN, FORK_BOMB] {
        let mut victim = Victim::start(program);
        let below = victim.below();
        assert!(below.len() >= 3, "{below:?}");
        kill(victim.pid(), Signal::SIGKILL).unwrap();
        victim.child.wait().unwrap();
        nothing_left(&below);
    }
}

#[test]
fn the_monitor() {
    let mut victim = Victim::start(STUBBORN);
    let below = victim.below();
    let monitor = children(victim.child.id())[0];
    kill(pid(monitor), Signal::SIGKILL).unwrap();
    nothing_left(&below);
    assert_eq!(victim.line(), "Unavailable");
}

#[test]
fn the_server() {
    let mut victim = Victim::start(STUBBORN);
    let below = victim.below();
    let server = children(children(victim.child.id())[0])[0];
    kill(pid(server), Signal::SIGKILL).unwrap();
    nothing_left(&below);
    assert_eq!(victim.line(), "Unavailable");
}

#[test]
fn the_main_program() {
    let mut victim = Victim::start(STUBBORN);
    let below = victim.below();
    let main = children(children(children(victim.child.id())[0])[0])[0];
    kill(pid(main), Signal::SIGKILL).unwrap();
    assert_eq!(victim.line(), "SIGKILL");
    nothing_left(&below);
}

#[test]
fn what_is_removed() {
    for program in [STUBBORN, FORK_BOMB] {
        let mut victim = Victim::start(program);
        let below = victim.below();
        let begin = Instant::now();
        victim.tell("remove");
        // The stream of the program ends too, before or after the call returns.
        let told = BTreeSet::from([victim.line(), victim.line()]);
        assert_eq!(told, BTreeSet::from(["SIGKILL".to_owned(), "removed".to_owned()]));
        assert!(begin.elapsed() < soon(), "it took {:?}", begin.elapsed());
        nothing_left(&below);
    }
}

#[test]
fn what_ends_by_itself() {
    let mut victim = Victim::start(ENDS);
    let below = victim.below();
    assert_eq!(victim.line(), "exit code 3");
    nothing_left(&below);
}

/// Not a test: the process that the tests above start.
#[test]
#[ignore = "it is started by the other tests"]
fn victim() {
    let Ok(program) = std::env::var(PROGRAM) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(be_a_victim(&program));
}

async fn be_a_victim(program: &str) {
    let config = EmbeddedConfig::default().with_limits(LimitPolicy::Rlimit);
    let runtime: Arc<dyn ContainerRuntime> = Arc::new(EmbeddedRuntime::connect(&config).await.unwrap());
    let spec = ContainerSpec::new("host".parse().unwrap(), "faults")
        .with_cmd(["sh", "-c", program])
        .with_pids_limit(32);
    let id = runtime.create(&spec).await.unwrap();
    let mut process = runtime.start(&id).await.unwrap();
    sleep(Duration::from_millis(300));
    println!("ready");
    drop(tokio::spawn(async move {
        let line = tokio::task::spawn_blocking(|| std::io::stdin().lines().next()).await;
        if let Ok(Some(Ok(_))) = line {
            runtime.remove(&id).await.unwrap();
            println!("removed");
        }
    }));
    while let Some(event) = process.events.next().await {
        match event {
            Ok(Event::Exited(status)) => println!("{status}"),
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable);
                println!("{:?}", error.kind());
            }
        }
    }
    std::future::pending::<()>().await;
}

struct Victim {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Victim {
    fn start(program: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "victim", "--nocapture"])
            .env(PROGRAM, program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut victim = Self { child, lines };
        while victim.line() != "ready" {}
        victim
    }

    fn pid(&self) -> Pid {
        pid(self.child.id())
    }

    fn tell(&mut self, what: &str) {
        use std::io::Write;
        writeln!(self.child.stdin.as_mut().unwrap(), "{what}").unwrap();
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    /// Returns every process below the victim, with when it began, by which it is told from later ones of its number.
    fn below(&self) -> BTreeSet<(u32, String)> {
        let (mut found, mut next) = (BTreeSet::new(), vec![self.child.id()]);
        while let Some(parent) = next.pop() {
            for child in children(parent) {
                next.push(child);
                found.extend(begin(child).map(|begin| (child, begin)));
            }
        }
        found
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Returns how soon nothing may be left.
fn soon() -> Duration {
    let patience = std::env::var(PATIENCE).map_or(1, |times| times.parse().unwrap());
    patience * Duration::from_secs(1)
}

fn nothing_left(below: &BTreeSet<(u32, String)>) {
    let end = Instant::now() + soon();
    loop {
        let left: Vec<_> = below
            .iter()
            .filter(|(pid, since)| begin(*pid).as_ref() == Some(since))
            .collect();
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "still there: {left:?}");
        sleep(Duration::from_millis(20));
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.try_into().unwrap())
}

fn children(parent: u32) -> Vec<u32> {
    let text = |path: String| fs::read_to_string(path).unwrap_or_default();
    let threads = fs::read_dir(format!("/proc/{parent}/task"));
    threads
        .into_iter()
        .flatten()
        .flatten()
        .flat_map(|thread| {
            let children = text(format!("{}/children", thread.path().display()));
            children
                .split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Returns when a process began; `None` once it has ended, also if nobody has reaped it.
fn begin(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    (state != "Z").then(|| fields.nth(18).map(str::to_owned))?
}
