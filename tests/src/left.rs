//! Finds the containers of a program under test, from outside of it.

use std::path::Path;
use std::{fs, io};

use inline::{ListFilter, labels};
use libtest_mimic::Failed;

use crate::service::Engine;

/// How a process begins that holds a container without an engine.
const HELPER: &[u8] = b"inline-embedded-helper/";

/// Names the containers of `instance` and of the one-shot services beside it; the program works in `directory`.
///
/// # Errors
///
/// - In words, if the engine does not answer.
pub async fn containers(engine: Engine, instance: &str, directory: &Path) -> Result<Vec<String>, Failed> {
    if engine.driver() == "embedded" {
        return Ok(helpers(directory)?);
    }
    let is_ours = |name: &str| {
        name.strip_prefix(instance)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let mut all = engine.connect().await?.list(&ListFilter::default()).await?;
    all.retain(|one| one.labels.get(labels::INSTANCE).is_some_and(|name| is_ours(name)));
    Ok(all.into_iter().map(|container| container.name).collect())
}

/// Returns the processes that hold containers without an engine, of programs that work in `directory` or are gone.
fn helpers(directory: &Path) -> io::Result<Vec<String>> {
    let is_helper = |process: &str| {
        let arguments = fs::read(format!("/proc/{process}/cmdline"));
        arguments.is_ok_and(|arguments| arguments.starts_with(HELPER))
    };
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let process = entry?.file_name().to_string_lossy().into_owned();
        if !is_helper(&process) {
            continue;
        }
        // What ends meanwhile is none.
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let Some(parent) = status
            .lines()
            .find_map(|line| line.strip_prefix("PPid:"))
            .map(str::trim)
        else {
            continue;
        };
        let works_in = fs::read_link(format!("/proc/{parent}/cwd"));
        let is_ours = parent == "1" || works_in.is_ok_and(|works_in| works_in == directory);
        // A helper has a helper of its own.
        if is_ours && !is_helper(parent) {
            found.push(process);
        }
    }
    Ok(found)
}
