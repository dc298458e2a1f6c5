//! Package managers for the tests of installations: what they bring and place are empty packages of the right names.
//!
//! A package `missing` is in no index, one named `endless` never comes. Where `no-manager` is asked for there is no manager.

use std::fs;
use std::future::pending;
use std::path::Path;

use inline_fake::FakeProcess;
use serde_json::{Map, Value, json};

use super::mounted;

/// The version of what is asked for without one.
const NEWEST: &str = "9.0";

/// Plays the part of pip or npm that a container was made for; returns its exit code and the OOM kills.
pub(super) async fn manager(process: &FakeProcess) -> Option<(u8, u8)> {
    let packages = mounted(process, "/packages")?;
    let is_clean = process.args().last().is_some_and(|last| last == "clean");
    match mounted(process, "/workspace") {
        None => bring(process, Path::new(&packages)).await,
        Some(workspace) => place(Path::new(&packages), Path::new(&workspace), is_clean),
    }
}

async fn bring(process: &FakeProcess, packages: &Path) -> Option<(u8, u8)> {
    let is_npm = process.args().iter().any(|word| word == "npm");
    let mut asked = Map::new();
    for specifier in process.args().iter().skip_while(|word| *word != "--").skip(1) {
        let (name, version) = match specifier.split_once("==").or_else(|| specifier.split_once('@')) {
            Some((name, version)) => (name, version),
            None => (specifier.as_str(), NEWEST),
        };
        if name == "no-manager" && is_npm {
            process.stderr("sh: exec: npm: not found\n").await;
            return Some((127, 0));
        } else if name == "no-manager" {
            process.stderr("/usr/bin/python3: No module named pip\n").await;
            return Some((1, 0));
        }
        process.stdout(format!("bringing {name} {version}\n")).await;
        match name {
            "missing" => {
                process.stderr("no such package\n").await;
                return Some((1, 0));
            }
            "endless" => pending().await,
            _ => {}
        }
        if is_npm {
            fs::create_dir_all(packages.join("node_modules").join(name)).ok()?;
            asked.insert(name.to_owned(), Value::String(version.to_owned()));
        } else {
            fs::create_dir_all(packages.join(format!("{name}-{version}.dist-info"))).ok()?;
        }
    }
    if is_npm {
        let mut lock: Map<String, Value> = asked
            .iter()
            .map(|(name, version)| (format!("node_modules/{name}"), json!({ "version": version })))
            .collect();
        lock.insert(String::new(), json!({ "dependencies": asked }));
        fs::write(
            packages.join("package-lock.json"),
            json!({ "packages": lock }).to_string(),
        )
        .ok()?;
    }
    Some((0, 0))
}

/// Puts what was brought into the workspace: npm's tree in place of the last, pip's packages in place of those of the same
/// name.
fn place(packages: &Path, workspace: &Path, is_clean: bool) -> Option<(u8, u8)> {
    let (brought, target) = match packages.join("node_modules") {
        tree if tree.exists() => (tree, workspace.join("node_modules")),
        _ => (packages.to_owned(), workspace.join(".site-packages")),
    };
    if is_clean || target.ends_with("node_modules") {
        drop(fs::remove_dir_all(&target));
    }
    fs::create_dir_all(&target).ok()?;
    for entry in fs::read_dir(brought).ok()?.flatten() {
        let name = entry.file_name().into_string().ok()?;
        let project = name.split('-').next().unwrap_or(&name);
        for old in fs::read_dir(&target).ok()?.flatten() {
            if old.file_name().to_string_lossy().starts_with(&format!("{project}-")) {
                fs::remove_dir_all(old.path()).ok()?;
            }
        }
        fs::create_dir_all(target.join(name)).ok()?;
    }
    Some((0, 0))
}
