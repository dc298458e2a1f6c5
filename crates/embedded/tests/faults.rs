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

/// How long a program may take to do its worst.
const WORST_TIME: Duration = Duration::from_secs(30);
const PIDS_LIMIT: u64 = 32;

/// What a victim runs. The word `MARK` stands for a number by which its processes are known from those of others, whatever
/// they become.
#[derive(Clone, Copy)]
struct Worst {
    program: &'static str,
    /// How many of its processes there are when it has done its worst.
    processes: usize,
}

/// Leaves a program in a session of its own, whose parent is gone, that ignores what it can and holds the output.
const STUBBORN: Worst = Worst {
    program: r#"trap '' HUP INT TERM
        setsid sh -c 'trap "" HUP INT TERM; (setsid sh -c "trap \"\" HUP INT TERM; while :; do sleep MARK; done" &)'
        while :; do sleep MARK; done"#,
    processes: 4,
};
/// Makes processes until none can be made; a shell that fails to ends, but not the first one.
const FORK_BOMB: Worst = Worst {
    program: "trap '' HUP INT TERM; bomb() { (bomb) & (bomb) & exec sleep MARK; }; (bomb) & exec sleep MARK",
    processes: 8,
};
const ENDS: Worst = Worst {
    program: "sleep 0.5; : MARK; exit 3",
    processes: 1,
};

#[test]
fn the_caller() {
    for worst in [STUBBORN, FORK_BOMB] {
        let mut victim = Victim::start(worst);
        let killed = victim.kill(victim.child.id());
        victim.child.wait().unwrap();
        killed.leaves_nothing();
    }
}

#[test]
fn the_monitor() {
    for worst in [STUBBORN, FORK_BOMB] {
        let mut victim = Victim::start(worst);
        victim.kill(victim.monitor()).leaves_nothing();
        assert_eq!(victim.line(), "Unavailable");
    }
}

#[test]
fn the_server() {
    for worst in [STUBBORN, FORK_BOMB] {
        let mut victim = Victim::start(worst);
        victim.kill(children(victim.monitor())[0]).leaves_nothing();
        assert_eq!(victim.line(), "Unavailable");
    }
}

#[test]
fn the_main_program() {
    for worst in [STUBBORN, FORK_BOMB] {
        let mut victim = Victim::start(worst);
        let main = children(children(victim.monitor())[0])[0];
        let killed = victim.kill(main);
        assert_eq!(victim.line(), "SIGKILL");
        killed.leaves_nothing();
    }
}

#[test]
fn what_is_removed() {
    for worst in [STUBBORN, FORK_BOMB] {
        let mut victim = Victim::start(worst);
        let removed = victim.ending();
        victim.tell("remove");
        // The stream of the program ends too, before or after the call returns.
        let told = BTreeSet::from([victim.line(), victim.line()]);
        assert_eq!(told, BTreeSet::from(["SIGKILL".to_owned(), "removed".to_owned()]));
        removed.leaves_nothing();
    }
}

#[test]
fn what_ends_by_itself() {
    let mut victim = Victim::start(ENDS);
    let below = victim.ending().below;
    assert_eq!(victim.line(), "exit code 3");
    let begin = Instant::now();
    let mark = victim.mark.clone();
    Ending { mark, below, begin }.leaves_nothing();
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
        .with_pids_limit(PIDS_LIMIT);
    let id = runtime.create(&spec).await.unwrap();
    let mut process = runtime.start(&id).await.unwrap();
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
    mark: String,
}

impl Victim {
    /// Starts a victim and waits until its program has done its worst.
    fn start(worst: Worst) -> Self {
        let mark = (1_000_000_000 + getrandom::u32().unwrap() / 4).to_string();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "victim", "--nocapture"])
            .env(PROGRAM, worst.program.replace("MARK", &mark))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut victim = Self { child, lines, mark };
        while victim.line() != "ready" {}
        let end = Instant::now() + WORST_TIME;
        while marked(&victim.mark).len() < worst.processes {
            assert!(
                Instant::now() < end,
                "it has not done its worst: {:?}",
                marked(&victim.mark)
            );
            sleep(Duration::from_millis(10));
        }
        victim
    }

    fn monitor(&self) -> u32 {
        children(self.child.id())[0]
    }

    fn tell(&mut self, what: &str) {
        use std::io::Write;
        writeln!(self.child.stdin.as_mut().unwrap(), "{what}").unwrap();
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    /// Kills one of its processes.
    fn kill(&self, process: u32) -> Ending {
        let ending = self.ending();
        kill(Pid::from_raw(process.try_into().unwrap()), Signal::SIGKILL).unwrap();
        ending
    }

    /// Notes what there is to end from now on.
    fn ending(&self) -> Ending {
        let (mut below, mut next) = (BTreeSet::new(), vec![self.child.id()]);
        while let Some(parent) = next.pop() {
            for child in children(parent) {
                next.push(child);
                below.extend(begin(child).map(|begin| (child, begin)));
            }
        }
        assert!(below.len() >= 3, "{below:?}");
        Ending {
            mark: self.mark.clone(),
            below,
            begin: Instant::now(),
        }
    }
}

/// A sandbox that ends.
struct Ending {
    mark: String,
    /// The processes below the victim, helper and all, each with when it began, by which it is told from later ones of its
    /// number.
    below: BTreeSet<(u32, String)>,
    begin: Instant,
}

impl Ending {
    /// Waits until nothing is left, also of what was made after the end had begun.
    fn leaves_nothing(self) {
        let end = self.begin + soon();
        loop {
            let is_there = |(pid, since): &&(u32, String)| begin(*pid).as_ref() == Some(since);
            let (left, marked) = (self.below.iter().filter(is_there).count(), marked(&self.mark));
            if left == 0 && marked.is_empty() {
                return;
            }
            assert!(
                Instant::now() < end,
                "still there: {left} that were before, and now {marked:?}"
            );
            sleep(Duration::from_millis(20));
        }
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

/// Returns all processes of the machine that run a marked program.
fn marked(mark: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&arguments).contains(mark)
    })
    .collect()
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
