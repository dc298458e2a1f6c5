//! A program on a terminal of its own.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::bench::deadline;
use crate::ensure;

pub(crate) struct Terminal {
    pub(crate) child: Child,
    stdin: ChildStdin,
    chunks: mpsc::Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    pub(crate) fn start(command: &Command) -> Result<Self, Failed> {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let line: Vec<_> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
        let mut script = Command::new("script");
        // Without a shell in between, which Ctrl-C would reach as well.
        script
            .args(["-qec", &format!("exec {}", line.join(" ")), "/dev/null"])
            .env_clear()
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(directory) = command.get_current_dir() {
            script.current_dir(directory);
        }
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
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

    pub(crate) fn send(&mut self, text: &str) -> Result<(), Failed> {
        self.stdin.write_all(text.as_bytes())?;
        self.stdin.flush().map_err(Failed::from)
    }

    /// Waits until the terminal shows `text`, and goes on behind it.
    pub(crate) fn expect(&mut self, text: &str) -> Result<(), Failed> {
        let deadline = deadline()?;
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.chunks.recv_timeout(left) {
                Ok(chunk) => self.seen.push_str(&String::from_utf8_lossy(&chunk)),
                Err(_) => return Err(format!("`{text}` did not come; seen: {:?}", self.seen).into()),
            }
        }
    }

    /// Types a line and waits for `answer`.
    pub(crate) fn ask(&mut self, line: &str, answer: &str) -> Result<(), Failed> {
        self.send(&format!("{line}\r"))?;
        self.expect(answer)
    }

    /// Leaves by Ctrl-D.
    pub(crate) fn leave(mut self) -> Result<(), Failed> {
        self.send("\u{4}")?;
        let deadline = deadline()?;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return ensure(status.success(), || format!("it left with {status}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err("it did not leave".into())
    }

    /// Sends a signal to the program, by its name.
    pub(crate) fn signal_program(&self, name: &str) -> Result<(), Failed> {
        let sent = Command::new("pkill")
            .args(["--signal", name, "-P", &self.child.id().to_string()])
            .status()?;
        ensure(sent.success(), || format!("pkill: {sent}"))
    }
}

/// Takes the terminal away, also when a case fails half-way.
impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
