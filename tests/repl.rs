//! The REPL on real engines, as a user meets it: from a pipe, and on a terminal.
//!
//! `INLINE_TEST` names the engines; the others show as ignored. `INLINE_TEST_REPL` is the path of the program,
//! `INLINE_TEST_REGISTRY` has the images. The terminal is that of `script`, from util-linux.

use std::io::{Read, Write};
use std::process::{Command, ExitCode, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};

/// How long an answer may take, times `INLINE_TEST_PATIENCE`.
const PATIENCE: Duration = Duration::from_mins(1);

type Case = fn(&Engine) -> Result<(), Failed>;

const CASES: [(&str, Case); 9] = [
    (
        "piped_programs_print_their_output_alone",
        piped_programs_print_their_output_alone,
    ),
    (
        "piped_programs_give_their_exit_code",
        piped_programs_give_their_exit_code,
    ),
    (
        "a_program_that_does_not_read_all_of_its_input_is_no_error",
        a_long_program_that_ends_early,
    ),
    ("variables_live_and_the_last_expression_is_echoed", variables_live),
    ("ctrl_c_interrupts_the_program_alone", ctrl_c_interrupts),
    ("languages_change", languages_change),
    ("an_interpreter_that_ends_is_started_again", an_interpreter_that_ends),
    ("what_a_killed_repl_leaves_is_removed_by_the_next", a_killed_repl),
    ("without_an_engine_it_says_what_it_tried", without_an_engine),
];

/// One engine and how the REPL is started on it.
#[derive(Clone)]
struct Engine {
    driver: String,
    rlimit: bool,
}

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for engine in inline_tests::service::Engine::ALL {
        // Without limits that bind, the REPL starts only where the operator allows resource limits.
        let is_tested = engine.is_tested();
        let engine = engine.name();
        for (name, case) in CASES {
            let subject = Engine {
                driver: engine.trim_end_matches("-rlimit").to_owned(),
                rlimit: engine.ends_with("-rlimit"),
            };
            let trial = Trial::test(format!("{engine}::repl::{name}"), move || case(&subject));
            trials.push(trial.with_ignored_flag(!is_tested));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

impl Engine {
    fn command(&self, language: &str) -> Result<Command, Failed> {
        let image = match language {
            "python" => "python:3.11-slim",
            "node" => "node:20-slim",
            _ => "alpine:latest",
        };
        let registry = std::env::var("INLINE_TEST_REGISTRY").map_err(|_| "INLINE_TEST_REGISTRY is not set")?;
        let program = std::env::var("INLINE_TEST_REPL").map_err(|_| "INLINE_TEST_REPL is not set")?;
        let mut command = Command::new(program);
        command.args([
            "--driver",
            &self.driver,
            "--language",
            language,
            "--image",
            &format!("{registry}/{image}"),
        ]);
        if self.rlimit {
            command.env("INLINE_PODMAN_LIMITS", "rlimit");
        }
        Ok(command)
    }

    fn pipe(&self, language: &str, program: &str) -> Result<Output, Failed> {
        let mut command = self.command(language)?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| e.to_string())?;
        let mut stdin = child.stdin.take().ok_or("no input")?;
        let text = program.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
        let output = child.wait_with_output()?;
        // A program may end before it has read everything.
        drop(writer.join());
        Ok(output)
    }

    fn terminal(&self, language: &str) -> Result<Terminal, Failed> {
        let command = self.command(language)?;
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let line: Vec<_> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
        let mut script = Command::new("script");
        // Without a shell in between, which Ctrl-C would reach as well.
        script
            .args(["-qec", &format!("exec {}", line.join(" ")), "/dev/null"])
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))),
            );
        // The history of a test is nobody's.
        script
            .env("XDG_STATE_HOME", std::env::temp_dir().join("inline-test-state"))
            .env("TERM", "dumb");
        Terminal::start(script)
    }
}

/// A program on a terminal of its own.
struct Terminal {
    child: std::process::Child,
    stdin: std::process::ChildStdin,
    chunks: mpsc::Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn start(mut command: Command) -> Result<Self, Failed> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| e.to_string())?;
        let stdin = child.stdin.take().ok_or("no input")?;
        let mut stdout = child.stdout.take().ok_or("no output")?;
        let (sender, chunks) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            stdin,
            chunks,
            seen: String::new(),
        })
    }

    fn send(&mut self, text: &str) -> Result<(), Failed> {
        self.seen.clear();
        self.stdin.write_all(text.as_bytes())?;
        self.stdin.flush().map_err(Failed::from)
    }

    /// Waits until the terminal shows `text`.
    fn expect(&mut self, text: &str) -> Result<(), Failed> {
        let deadline = Instant::now() + patience();
        while !self.seen.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.chunks.recv_timeout(left) {
                Ok(chunk) => self.seen.push_str(&String::from_utf8_lossy(&chunk)),
                Err(_) => return Err(format!("`{text}` did not come; seen: {:?}", self.seen).into()),
            }
        }
        Ok(())
    }

    fn ask(&mut self, line: &str, answer: &str) -> Result<(), Failed> {
        self.send(&format!("{line}\r"))?;
        self.expect(answer)
    }

    fn leave(mut self) -> Result<(), Failed> {
        self.send("\u{4}")?;
        let deadline = Instant::now() + patience();
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return ensure(status.success(), || format!("it left with {status}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.child.kill()?;
        Err("it did not leave".into())
    }
}

/// Takes the terminal away, also when a case fails half-way.
impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn patience() -> Duration {
    let factor = std::env::var("INLINE_TEST_PATIENCE")
        .ok()
        .and_then(|factor| factor.parse().ok())
        .unwrap_or(1);
    PATIENCE * factor
}

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(why().into()) }
}

fn piped_programs_print_their_output_alone(engine: &Engine) -> Result<(), Failed> {
    for (language, program) in [
        ("python", "print(6*7)\n"),
        ("node", "console.log(6*7)\n"),
        ("bash", "echo $((6*7))\n"),
        ("python", "6*7\nprint(42)"),
    ] {
        let output = engine.pipe(language, program)?;
        ensure(output.stdout == b"42\n" && output.status.success(), || {
            format!("{language}: {output:?}")
        })?;
        ensure(output.stderr.is_empty(), || {
            format!("{language} printed to standard error: {output:?}")
        })?;
    }
    Ok(())
}

fn piped_programs_give_their_exit_code(engine: &Engine) -> Result<(), Failed> {
    for (language, program, code) in [
        ("python", "import sys; print('é', file=sys.stderr); sys.exit(3)", 3),
        ("node", "process.exit(4)", 4),
        ("bash", "exit 5", 5),
        // As its container's first process a program cannot be killed by itself, but what it starts can.
        ("bash", "bash -c 'kill -9 $$'; exit $?", 137),
        ("python", "1/0", 1),
    ] {
        let output = engine.pipe(language, program)?;
        ensure(output.status.code() == Some(code), || {
            format!("{language}: not {code}: {output:?}")
        })?;
    }
    Ok(())
}

fn a_long_program_that_ends_early(engine: &Engine) -> Result<(), Failed> {
    let program = format!("echo early; exit 5\n{}", "# more\n".repeat(1 << 18));
    let output = engine.pipe("bash", &program)?;
    ensure(output.stdout == b"early\n" && output.status.code() == Some(5), || {
        format!("{:?}", output.status)
    })
}

fn variables_live(engine: &Engine) -> Result<(), Failed> {
    for (language, first, second, answer) in [
        ("python", "x = 20", "x * 2 + 2", "42"),
        ("node", "let x = 20", "x * 2 + 2", "42"),
        ("bash", "x=20", "echo $((x * 2 + 2))", "42"),
    ] {
        let mut terminal = engine.terminal(language)?;
        terminal.expect(&format!("{language}> "))?;
        terminal.ask(first, &format!("{language}> "))?;
        terminal.ask(second, answer)?;
        terminal.expect(&format!("{language}> "))?;
        terminal.leave()?;
    }
    Ok(())
}

fn ctrl_c_interrupts(engine: &Engine) -> Result<(), Failed> {
    for (language, keep, endless, show) in [
        (
            "python",
            "x = 42",
            "print('be' + 'gun'); [0 for _ in iter(int, 1)]",
            "x",
        ),
        ("node", "let x = 42", "console.log('be' + 'gun'); while (true);", "x"),
        ("bash", "x=42", "echo be''gun; while :; do :; done", "echo $x"),
        ("bash", "x=42", "echo be''gun; sleep 1000", "echo $x"),
    ] {
        let mut terminal = engine.terminal(language)?;
        let prompt = format!("{language}> ");
        terminal.expect(&prompt)?;
        terminal.ask(keep, &prompt)?;
        terminal.ask(endless, "begun")?;
        terminal.send("\u{3}")?;
        terminal.expect(&prompt)?;
        terminal.ask(show, "42")?;
        terminal.expect(&prompt)?;
        terminal.leave()?;
    }
    Ok(())
}

fn languages_change(engine: &Engine) -> Result<(), Failed> {
    let mut terminal = engine.terminal("python")?;
    terminal.expect("python> ")?;
    terminal.ask(":help", ":reset")?;
    terminal.ask(":limits", "256 MiB")?;
    terminal.expect("can enforce")?;
    terminal.ask(":lang", "python, node, bash")?;
    terminal.ask(":lang ruby", "no language `ruby`")?;
    terminal.ask(":nonsense", "no command `:nonsense`")?;
    terminal.ask("x = 1", "python> ")?;
    terminal.ask(":reset", "python> ")?;
    terminal.ask("x", "NameError")?;
    terminal.ask("if True:\r    print('a' + 'b')\r", "ab")?;
    terminal.expect("python> ")?;
    terminal.leave()
}

fn an_interpreter_that_ends(engine: &Engine) -> Result<(), Failed> {
    let mut terminal = engine.terminal("python")?;
    terminal.expect("python> ")?;
    terminal.ask("exit(3)", "exit code 3")?;
    terminal.expect("python> ")?;
    terminal.ask("6 * 7", "42")?;
    terminal.leave()
}

fn a_killed_repl(engine: &Engine) -> Result<(), Failed> {
    let mut terminal = engine.terminal("bash")?;
    terminal.expect("bash> ")?;
    terminal.ask("echo $HOSTNAME-here", "-here")?;
    let killed = Command::new("pkill")
        .args(["-9", "-P", &terminal.child.id().to_string()])
        .status()?;
    ensure(killed.success(), || format!("pkill: {killed}"))?;
    terminal.child.wait()?;
    // The interpreter ends with its input; the next start then finds its container.
    std::thread::sleep(Duration::from_secs(2) * u32::try_from(patience().as_secs() / PATIENCE.as_secs())?);
    let output = engine.pipe("bash", "echo swept")?;
    ensure(output.stdout == b"swept\n", || format!("{output:?}"))
}

fn without_an_engine(engine: &Engine) -> Result<(), Failed> {
    let mut command = engine.command("python")?;
    let program = command.get_program().to_owned();
    command = Command::new(program);
    let nowhere = "unix:///nonexistent/engine.sock";
    let output = command
        .env_clear()
        .env("DOCKER_HOST", nowhere)
        .env("CONTAINER_HOST", nowhere)
        .env("PATH", "/nonexistent")
        .stdin(Stdio::null())
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure(output.status.code() == Some(1) && output.stdout.is_empty(), || {
        format!("{output:?}")
    })?;
    for part in ["tried docker", "tried podman", "/nonexistent/engine.sock", "install"] {
        ensure(told.contains(part), || format!("`{part}` is not in {told}"))?;
    }
    Ok(())
}
