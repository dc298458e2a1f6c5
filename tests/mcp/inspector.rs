//! The command line of the official inspector, over both transports.

use std::path::PathBuf;
use std::process::{Command, Output};

use inline_tests::environment::variable;
use libtest_mimic::Failed;
use serde_json::Value;

use crate::bench::{ALICE, Bench, CLIENTS, Server, program};
use crate::ensure;

const INSPECTOR: &str = "node/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js";
const CALLS: &[(&str, &[&str])] = &[
    ("sandbox_exec", &["language=python", "code=print(6*7)"]),
    ("sandbox_session_start", &["language=bash"]),
    ("sandbox_session_reset", &["language=bash"]),
    ("sandbox_session_stop", &["language=bash"]),
    ("sandbox_files_write", &["path=a.txt", "content=hello"]),
    ("sandbox_files_list", &[]),
    ("sandbox_files_read", &["path=a.txt"]),
    ("sandbox_files_remove", &["path=a.txt"]),
    ("sandbox_install", &["manager=pip", "packages=[\"inline-sample\"]"]),
    ("sandbox_languages", &[]),
    ("sandbox_status", &[]),
];

pub(crate) fn lists_and_calls_every_tool(bench: &Bench) -> Result<(), Failed> {
    all(bench, None)?;
    let server = bench.serve()?;
    all(bench, Some(&server))?;
    server.stop()
}

pub(crate) fn calls_from_many_at_once_all_succeed(bench: &Bench) -> Result<(), Failed> {
    let server = bench.serve()?;
    let call = ["--method", "tools/call", "--tool-name", "sandbox_exec"];
    let arguments = ["--tool-arg", "language=bash", "--tool-arg", "code=sleep 1; echo here"];
    let load = ["--load", "--load-concurrency", "8", "--load-requests", "32"];
    let told = answer(&inspect(
        bench,
        Some(&server),
        &[&call[..], &arguments, &load].concat(),
    )?)?;
    println!("{}: {told}", bench.engine.name());
    ensure(
        told["ok"] == 32 && told["errors"] == 0 && told["toolErrors"] == 0,
        || told.to_string(),
    )?;
    server.stop()
}

fn all(bench: &Bench, server: Option<&Server>) -> Result<(), Failed> {
    let listed = answer(&inspect(bench, server, &["--method", "tools/list", "--strict"])?)?;
    let tools = listed["tools"].as_array().ok_or_else(|| listed.to_string())?;
    let mut names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    let mut called: Vec<&str> = CALLS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    called.sort_unstable();
    ensure(names == called, || format!("{names:?}"))?;
    for (name, arguments) in CALLS {
        let given = arguments.iter().flat_map(|argument| ["--tool-arg", argument]);
        let line: Vec<&str> = ["--method", "tools/call", "--tool-name", name]
            .into_iter()
            .chain(given)
            .collect();
        let output = inspect(bench, server, &line)?;
        if *name == "sandbox_install" && !bench.engine.has_network() {
            // The call arrives, and tells that nothing was installed.
            let told: Value = serde_json::from_slice(&output.stdout)?;
            let verdict = &told["structuredContent"]["verdict"];
            ensure(verdict.is_string() && *verdict != "ok", || format!("{output:?}"))?;
            continue;
        }
        let told = answer(&output)?;
        ensure(
            told["isError"] == false && told["structuredContent"].is_object(),
            || format!("{name}: {told}"),
        )?;
        if *name == "sandbox_install" {
            ensure(told["structuredContent"]["verdict"] == "ok", || told.to_string())?;
        }
        if *name == "sandbox_exec" {
            ensure(told["structuredContent"]["output"] == "42\n", || told.to_string())?;
        }
    }
    let listed = answer(&inspect(bench, server, &["--method", "resources/list"])?)?;
    ensure(listed["resources"].is_array(), || listed.to_string())
}

fn answer(output: &Output) -> Result<Value, Failed> {
    ensure(output.status.success(), || format!("{output:?}"))?;
    serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}: {output:?}").into())
}

fn inspect(bench: &Bench, server: Option<&Server>, arguments: &[&str]) -> Result<Output, Failed> {
    let clients = PathBuf::from(variable(CLIENTS).ok_or("INLINE_TEST_CLIENTS is not set")?);
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let node = format!("node/node_modules/node-linux-{machine}/bin/node");
    let mut command = Command::new(clients.join(node));
    command.arg(clients.join(INSPECTOR)).arg("--cli");
    if let Some(server) = server {
        command.arg(format!("http://{}/mcp", server.address));
        command.args([
            "--transport",
            "http",
            "--header",
            &format!("Authorization: Bearer {ALICE}"),
        ]);
        command.args(arguments);
    } else {
        for (name, value) in bench.environment() {
            command.arg("-e").arg(format!("{name}={value}"));
        }
        command.args(arguments).arg("--").arg(program()?).arg("mcp");
    }
    // It keeps a catalogue in the home.
    Ok(command
        .current_dir(bench.directory())
        .env("HOME", bench.directory())
        .output()?)
}
