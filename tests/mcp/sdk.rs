//! The official Python SDK, over both transports, with and without the handshake.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use inline_tests::environment::{patience, variable};
use inline_tests::service::Engine;
use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::bench::{ALICE, Bench, CLIENTS, program};
use crate::ensure;

const SCRIPT: &str = include_str!("sdk.py");
/// What the SDK calls the protocol with the handshake, and the one without.
const MODES: [&str; 2] = ["legacy", "auto"];

pub(crate) fn every_tool_answers_as_it_declares(bench: &Bench) -> Result<(), Failed> {
    over_both(bench, "tools")
}

pub(crate) fn output_comes_while_it_is_printed_and_changes_are_told(bench: &Bench) -> Result<(), Failed> {
    over_both(bench, "notices")
}

pub(crate) fn a_cancelled_call_ends_its_program(bench: &Bench) -> Result<(), Failed> {
    over_both(bench, "cancelling")
}

pub(crate) fn eight_calls_go_on_at_once(bench: &Bench) -> Result<(), Failed> {
    over_both(bench, "parallel")
}

fn over_both(bench: &Bench, scenario: &str) -> Result<(), Failed> {
    // What differs from engine to engine is below the server: one way of speaking shows it.
    let modes = match bench.engine {
        Engine::Docker => &MODES[..],
        _ => &MODES[1..],
    };
    for mode in modes {
        let server = json!({
            "command": program()?,
            "args": ["mcp", "--owner", format!("{scenario}-{mode}")],
            "cwd": bench.directory(),
            "env": bench.environment().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        });
        run(bench, scenario, mode, "standard input", &server)?;
    }
    for mode in modes {
        // Each finds the sandbox as it was made.
        bench.write_tokens(&format!("{scenario}-{mode} {ALICE}\n"), "600")?;
        let server = bench.serve()?;
        let about = json!({ "url": format!("http://{}/mcp", server.address), "token": ALICE });
        run(bench, scenario, mode, "HTTP", &about)?;
        server.stop()?;
        fs::remove_dir_all(bench.base())?;
    }
    Ok(())
}

fn run(bench: &Bench, scenario: &str, mode: &str, transport: &str, server: &Value) -> Result<(), Failed> {
    let script = bench.directory().join("sdk.py");
    fs::write(&script, SCRIPT)?;
    let name = format!("{} {transport}, {mode}", bench.engine.name());
    let about = json!({
        "name": name,
        "mode": mode,
        "patience": patience()?,
        "network": bench.engine.has_network(),
        "base": bench.base(),
        "server": server,
    });
    let clients = PathBuf::from(variable(CLIENTS).ok_or("INLINE_TEST_CLIENTS is not set")?);
    let output = Command::new(clients.join("python/bin/python"))
        .arg(&script)
        .args([scenario, &about.to_string()])
        .output()?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    ensure(output.status.success(), || {
        format!("{name}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr))
    })
}
