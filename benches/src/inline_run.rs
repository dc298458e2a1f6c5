//! The program `inline run` from its start to its end, beside what one would type instead.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use inline::{Capability, ContainerSpec, Error, ErrorKind, Result, env};
use tempfile::TempDir;
use tokio::process::Command;

use crate::answer::{by_command, time};
use crate::bench::Bench;
use crate::figure::Figure;
use crate::turns::{Contest, turn};
use crate::{command_line, embedded};

const SOURCE: &str = "print(1)";
const EXPECTED: &str = "1\n";

/// Measures the whole process beside the engine's command line, or beside `bwrap` where there is no engine.
pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let installed = &Installed::of(bench)?;
    let ours = turn(move || time(EXPECTED, by_command(installed.command(bench))));
    let contest = Contest::new("inline run", ours);
    let python = ["python3", "-c", SOURCE];
    let contest = match bench.driver() {
        "embedded" => contest.beside(
            "bwrap",
            None,
            turn(move || time(EXPECTED, by_command(embedded::bwrap(&python)))),
        ),
        driver => contest.beside(
            format!("{driver} run"),
            None,
            turn(move || {
                let spec = ContainerSpec::new(bench.python.clone(), &bench.instance).with_cmd(python);
                let command = command_line::run(bench, &spec.with_user("65534:65534"));
                async { time(EXPECTED, by_command(command)).await }
            }),
        ),
    };
    contest.measure(bench).await
}

/// The program in a directory that the engine's user can enter, with a configuration.
struct Installed {
    directory: TempDir,
}

impl Installed {
    fn of(bench: &Bench) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("inline-bench-")
            .tempdir()
            .map_err(installing)?;
        let at = |name| directory.path().join(name);
        fs::copy(executable()?, at("inline")).map_err(installing)?;
        let configuration = format!(
            "base_dir = '{}'\ninstance = '{}'\nlanguages.python.image = '{}'\n",
            at("base").display(),
            bench.instance,
            bench.python
        );
        fs::write(at("inline.toml"), configuration).map_err(installing)?;
        if let Some((uid, gid)) = command_line::engine_user(bench) {
            chown(directory.path(), Some(uid), Some(gid)).map_err(installing)?;
        }
        Ok(Self { directory })
    }

    fn command(&self, bench: &Bench) -> Command {
        let mut command = command_line::as_engine_user(bench, self.path("inline"));
        command
            .args(["run", "--driver", bench.driver(), "--config"])
            .arg(self.path("inline.toml"))
            .args(["-c", SOURCE]);
        if !bench.runtime.capabilities().has(Capability::Memory) {
            // Programs with limits would be refused; an operator of such a host sets the same.
            command.env(env::INLINE_PODMAN_LIMITS, "rlimit");
        }
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// Returns the program `inline` that was built with this one.
///
/// # Errors
///
/// - [`ErrorKind::CommandNotFound`] if it was not built.
pub(crate) fn executable() -> Result<PathBuf> {
    let this = std::env::current_exe().map_err(installing)?;
    let inline = this.parent().unwrap_or(Path::new("/")).join("inline");
    if inline.is_file() {
        return Ok(inline);
    }
    Err(Error::new(
        ErrorKind::CommandNotFound,
        "the program `inline` is not beside this one",
    )
    .with_hint("build it first: `cargo build --release -p inline-cli`"))
}

fn installing(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unexpected, "cannot make the program ready to run").with_source(error)
}
